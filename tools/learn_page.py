"""`make learn-page`: run what is missing of the catalogue, keep the results, make the pages; continued by itself.

python -m tools.learn_page WORK [--seeds 0 1] [--only ROW] [--source DATASET --data NAME]
python -m tools.learn_page WORK --keep      keep what WORK/results.json has, and run nothing
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from poisonkit.common import atomic
from tools.pages import derived
from tools.pages.look_listen_attack import EXAMPLE, SOURCES, results


def _key(one: dict[str, Any]) -> tuple[str, str, int, int, int]:
    return one["row"], one["model"], one["size"], one["epochs"], one["seed"]


def keep(work: Path, data: str) -> int:
    """Add the rows of WORK/results.json to the kept ones of these data, in place of the same row and seed; how many."""
    new: dict[str, Any] = json.loads((work / "results.json").read_text(encoding="utf-8"))
    old = results(data)
    if old["rows"] and old["made_with"] != new["made_with"]:
        sys.exit(f"The kept results are of {old['made_with']}, these of {new['made_with']}: run all with one of them.")
    rows = {_key(one): one for one in old["rows"]}
    for one in new["rows"]:
        one["data"] = data
        rows[_key(one)] = one
    lines = ",\n".join(json.dumps(rows[key]) for key in sorted(rows))
    place = EXAMPLE / "results" / f"{data}.json"
    place.parent.mkdir(exist_ok=True)
    atomic.write_text(place, f'{{"made_with": {json.dumps(new["made_with"])}, "rows": [\n{lines}\n]}}\n')
    return len(new["rows"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", nargs="+", default=["0", "1"])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--source", type=Path)
    parser.add_argument("--data", choices=SOURCES, default="sample-data", help="what the kept results call the source")
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    if not asked.keep:
        words = [sys.executable, str(EXAMPLE / "run.py"), str(asked.work), "--catalogue", "--seeds", *asked.seeds]
        words += [word for name in asked.only for word in ("--only", name)]
        words += ["--source", str(asked.source)] if asked.source else []
        if (status := subprocess.run(words, check=False).returncode) and not (asked.work / "results.json").exists():
            sys.exit(status)
    sys.stdout.write(f"{keep(asked.work, asked.data)} rows kept\n")
    for sentence in derived.make():
        sys.stdout.write(f"{sentence}\n")


if __name__ == "__main__":
    main()
