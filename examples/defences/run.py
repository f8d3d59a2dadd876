"""What defences say of poisoned data and of the models that it makes, and what is left when they have cleansed it.

    python examples/defences/run.py WORK                                # every row, three seeds, on sample data
    python examples/defences/run.py WORK --source DATASET               # clips of one's own, in any layout
    python examples/defences/run.py WORK --only sine-static --seeds 0

needs poisonkit and PyTorch; data and models are those of examples/look_listen_attack, whose WORK can be gone on with.
Everything lies in WORK, and a step that is there is not made again, so the same command continues; several processes
may do different rows of one WORK once its source is there. WORK/defences/results has a JSON of each row and seed,
written after each step. docs/defences.md says what is done.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "look_listen_attack"))  # whose `run` is meant by that name

from defence_table import NAMES, details, overview
from rows import MODELS, ROWS
from run import Work, not_ready, require_medium

from poisonkit import RequestError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument(
        "--only", action="append", metavar="ROW", help=f"{', '.join(NAMES)}; or any of the other example's"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--source", type=Path, help="a dataset in any layout that poisonkit reads")
    parser.add_argument("--epochs", type=int, help="by default 12, of sound alone 20")
    parser.add_argument("--size", type=int, default=64, help="side of a frame in pixels")
    parser.add_argument("--model", choices=MODELS, default="small", help="as the other example has them")
    parser.add_argument("--limit", type=int, default=30, help="clips of each probe set")
    parser.add_argument("--attack-limit", type=int, help="test with at most so many clips")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="clips at a time")
    asked = parser.parse_args()
    rows = {row.name: row for row in ROWS}
    if unknown := [name for name in asked.only or () if name not in rows]:
        print(f"There is no row '{unknown[0]}': look_listen_attack/run.py --list names them.", file=sys.stderr)
        return 2
    if missing := not_ready(asked.source):
        print(missing, file=sys.stderr)
        return 2
    from study import FIRST, Study

    home = asked.work.absolute()
    work = Work(home, asked.source, asked.jobs, asked.size, asked.epochs, asked.model, asked.attack_limit)
    done: list[dict[str, Any]] = []
    for name in asked.only or NAMES:
        try:
            studies = [Study(work, rows[name], seed, asked.limit) for seed in asked.seeds]
            if work.source is not None and not all(study.out.exists() for study in studies):
                require_medium(work.clips(rows[name]), rows[name])
            todo = sorted(((s, step) for s in studies for step in s.steps()), key=lambda each: each[1] not in FIRST)
            for study, step in todo:
                study.make(step)
                if step not in FIRST[:1]:
                    write(home / "defences" / "results" / f"{study.name}.json", study.result())
            done += [study.result() for study in studies]
        except RequestError as error:
            print(f"{name}: {error.text}", file=sys.stderr if asked.only else sys.stdout, flush=True)
            if asked.only:
                return 2
    print("\n\n".join((overview(done), details(done))))
    return 0


def write(place: Path, result: dict[str, Any]) -> None:
    """One row and seed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_suffix(".part").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    place.with_suffix(".part").replace(place)


if __name__ == "__main__":
    sys.exit(main())
