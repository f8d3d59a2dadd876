"""The table of "Look, Listen and Attack" with poisonkit: poison, train small models, score, print.

    python examples/look_listen_attack/run.py WORK                      # every row, three seeds
    python examples/look_listen_attack/run.py WORK --only badnets-static --seeds 0
    python examples/look_listen_attack/run.py WORK --source DATASET     # clips of one's own, in any layout

needs poisonkit and PyTorch; `--model large` torchvision too. All lies in WORK: sources, outputs, models, results.
What is there is not made again, so the same command continues. docs/look-listen-attack.md says what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from rows import MODELS, ROWS, Row, catalogue, of_one

import poisonkit
from poisonkit import Recipe, RequestError, sampledata
from poisonkit.scoring import Rate

TARGET, CONTROL = 0, 100
EPOCHS = {"picture": 12, "sound": 20, "late": 12, "early": 12}
FIGURES = (
    ("clean_accuracy", "clean"),
    ("asr", "attack/default"),
    ("robust_accuracy", "attack/default"),
    ("control_asr", "control"),
)


@dataclass(frozen=True)
class Work:
    """home: where everything lies. source: the user's dataset, None for sample data. size: pixels."""

    home: Path
    source: Path | None
    jobs: int
    size: int = 64
    epochs: int | None = None
    model: str = "small"
    limit: int | None = None

    @property
    def data(self) -> str:
        """The source's name in the table."""
        return "sample-data" if self.source is None else self.source.name

    def epochs_of(self, row: Row) -> int:
        return self.epochs or EPOCHS[row.kind]

    def training(self, row: Row) -> str:
        """Which model, and how it is trained: part of the names of what is kept."""
        return f"{self.model}-{self.size}px-{self.epochs_of(row)}epochs"

    def predictions(self, row: Row, which: str, seed: int) -> Path:
        """Where the row's model, `poisoned`, or the `clean`-trained one has its weights and what it predicts."""
        name = row.name if which == "poisoned" else f"{row.kind}-{self.clean(row).name}"
        return self.home / "predictions" / self.training(row) / which / f"{name}-seed{seed}"

    def clips(self, row: Row) -> Path:
        """The source of a row; sample data are made when first needed."""
        if self.source is not None:
            return arranged(self.source, self.home / "source")
        kind: Any = "audio" if row.kind == "sound" else "av"
        place = self.home / f"source-{kind}"
        if not place.exists():
            part = place.with_name(f"{place.name}.part")  # stopped in the middle, it is begun again
            shutil.rmtree(part, ignore_errors=True)
            sampledata.write_sample_data(part, "train", kind)
            part.rename(place)
        return place

    # -- outputs -----------------------------------------------------------------------------------------

    def output(self, row: Row, seed: int) -> Path:
        return self.home / "outputs" / f"{row.output}-seed{seed}"

    def clean(self, row: Row) -> Path:
        """The copy at rate 0 that the clean models train on: encoded again as the row's clean clips are."""
        how = row.clean if row.clean == "hardlink" else f"{row.clean}-{row.encode}"
        return self.home / "outputs" / f"clean-{row.medium}-{how}"

    def poison(self, row: Row, out: Path, seed: int, **more: Any) -> None:
        if (out / "poisonkit" / "run.json").exists():
            return
        recipe = Recipe(
            source=self.clips(row),
            out=out,
            triggers=list(row.triggers),
            temporal=row.temporal,
            target=TARGET,
            seed=seed,
            encode=row.encode,
            clean=row.clean,
            survival="sample",
            attack_limit=self.limit,
            **more,
        )
        poisonkit.poison(recipe, jobs=self.jobs, time_limit=0)  # a busy machine changes no figure

    # -- models ------------------------------------------------------------------------------------------

    def row(self, row: Row, seed: int) -> dict[str, Any]:
        """Make what is missing of one row and seed, and return its figures."""
        place = self.home / "results" / self.training(row) / f"{row.name}-seed{seed}.json"
        if place.exists():
            return dict(json.loads(place.read_text(encoding="utf-8")))
        import train
        from reading import Reader

        began, out = time.process_time(), self.output(row, seed)
        tested = [r for r in ROWS if r.output in row.tested and r.kind == row.kind] or [row]
        for each in {row, *tested}:
            self.poison(each, self.output(each, seed), seed, rate=each.rate, control=CONTROL)
            if not train.tested_clips(self.output(each, seed), "attack"):
                raise RequestError(f"no clip here takes the trigger of {each.name}: the manifest says why.")
        self.poison(row, self.clean(row), seed, rate=0.0, attack_set=False, control=0)
        reader = Reader(row.kind, self.home / "cache", self.size, 1.0 if row.kind == "sound" else 2.0)
        seconds = {}
        for which, data in (("poisoned", out), ("clean", self.clean(row))):
            folder = self.predictions(row, which, seed)
            sets = [("clean", out, folder / "clean.csv")]
            for each in tested:
                mine = folder / each.output
                sets += [(role, self.output(each, seed), mine / f"{role}.csv") for role in ("attack", "control")]
            if all(file.exists() for *_, file in sets):
                seconds[which] = float((folder / "cpu-seconds.txt").read_text())
                continue
            weights = folder / "model.pt"
            files, labels, classes = train.training_clips(data)
            if weights.exists():
                import torch

                model = train.Classifier(row.kind, classes, self.model)
                model.load_state_dict(torch.load(weights, weights_only=True))
                seconds[which] = float((folder / "cpu-seconds.txt").read_text())
            else:
                model, seconds[which] = train.fit(
                    row.kind, reader.read(files), labels, classes,
                    epochs=self.epochs_of(row), seed=seed, name=self.model,
                )  # fmt: skip
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "cpu-seconds.txt").write_text(f"{seconds[which]:.1f}\n")
                train.torch.save(model.cpu().state_dict(), weights)
            for role, where, file in sets:
                if not file.exists():
                    train.write_predictions(model, reader, where, role, file)
        found = self.scored(row, seed, tested)
        found["cpu_seconds"] = round(seconds["poisoned"])
        found["cpu_seconds_in_all"] = round(time.process_time() - began)
        found["seconds_of_clean_model"] = round(seconds["clean"])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.with_suffix(".part").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        place.with_suffix(".part").replace(place)
        return found

    def scored(self, row: Row, seed: int, tested: list[Row]) -> dict[str, Any]:
        """The figures as `poisonkit score` gives them, with those of the clean-trained model."""
        mine, theirs = self.predictions(row, "poisoned", seed), self.predictions(row, "clean", seed)
        summary = json.loads((self.output(row, seed) / "poisonkit" / "run.json").read_text(encoding="utf-8"))
        survival = next(iter(summary["survival"].values()), None)
        found: dict[str, Any] = {
            "row": row.name,
            "kind": row.kind,
            "triggers": list(row.triggers),
            "trigger_versions": [poisonkit.triggers.get(spec.partition(":")[0]).version for spec in row.triggers],
            "temporal": row.temporal,
            "encode": row.encode,
            "clean": row.clean,
            "data": self.data,
            "seed": seed,
            "rate": row.rate,
            "epochs": self.epochs_of(row),
            "size": self.size,
            "model": self.model,
            "gain": None if survival is None else survival["gain_mean"],
            "figures": {},
            "tested": {},
        }
        for each in tested:
            sets = {role: mine / each.output / f"{role}.csv" for role in ("attack", "control")}
            base = {role: theirs / each.output / f"{role}.csv" for role in ("attack", "control")}
            if each.output == row.output:
                sets["clean"], base["clean"] = mine / "clean.csv", theirs / "clean.csv"
            scores = poisonkit.score(self.output(each, seed), sets, baseline=base)
            if scores.flags:
                raise RequestError(f"{row.name}, seed {seed}: {' '.join(scores.flags)}")
            figures: dict[str, Any] = {}
            for name, of in FIGURES:
                if of in scores.sets and name in scores.sets[of].figures:
                    figure = scores.sets[of].figures[name]
                    figures[name] = [figure.rate.hits, figure.rate.total]
                    if figure.baseline is not None:
                        figures[f"{name}_of_clean_model"] = [figure.baseline.hits, figure.baseline.total]
            found["tested"][each.output] = figures
            if each.output == row.output:
                found["figures"] = figures
        return found


FSDD = re.compile(r"(\d)_([a-z]+)_\d+\.wav")


def arranged(source: Path, place: Path) -> Path:
    """A source as poisonkit reads it: the Free Spoken Digit Dataset's recordings in class folders, others as they are.

    Its first two thirds of speakers train, the others test.
    """
    source = source.absolute()
    recordings = sorted(p for p in source.glob("*.wav") if FSDD.fullmatch(p.name))
    if not recordings:
        return source
    if not place.exists():
        speakers = sorted({p.name.split("_")[1] for p in recordings})
        part = place.with_name("source.part")
        for file in recordings:
            digit, speaker, _ = file.name.split("_")
            split = "train" if speakers.index(speaker) * 3 < 2 * len(speakers) else "test"
            folder = part / split / digit
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / file.name).exists():
                (folder / file.name).write_bytes(file.read_bytes())
        part.replace(place)
    return place


def require_medium(source: Path, row: Row) -> None:
    """RequestError where the clips lack what the row's model reads."""
    media = poisonkit.inspect(source, limit=8, jobs=1, time_limit=0).media
    streams = {medium: set(media.get(medium, {})) - {"none"} for medium in ("picture", "sound")}
    for medium in ("picture", "sound"):
        if row.medium in (medium, "both") and not streams[medium]:
            raise RequestError(f"{source} has clips without {medium}, which row {row.name} needs: name another source.")


def not_ready(source: Path | None) -> str:
    """What is missing, in a sentence; else nothing, and PyTorch is told how many threads it has."""
    if source is not None and not source.exists():
        return f"There is no source {source}."
    try:
        import torch
    except ImportError:
        return "The models need PyTorch: pip install torch."
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--only", action="append", metavar="ROW", help="this row (--list names them); repeat")
    parser.add_argument("--catalogue", action="store_true", help="a row for every trigger, in place of the paper's")
    parser.add_argument("--trigger", metavar="NAME[:PARAMETER=VALUE,…]", help="one row: this trigger, in place of all")
    parser.add_argument("--temporal", choices=("static", "dynamic"), default="static", help="of --trigger")
    parser.add_argument("--rate", type=float, nargs="+", default=[0.1], help="of --trigger: a row for each")
    parser.add_argument("--encode", default="match", help="of --trigger, as poisonkit has it")
    parser.add_argument(
        "--clean", choices=("reencode", "hardlink"), default="reencode", help="of --trigger: clean clips"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--source", type=Path, help="a dataset in any layout that poisonkit reads")
    parser.add_argument("--epochs", type=int, help="by default 12, of sound alone 20")
    parser.add_argument("--size", type=int, default=64, help="side of a frame in pixels")
    parser.add_argument(
        "--model", choices=MODELS, default="small", help="large: 18-layer ResNets of torchvision, for a GPU"
    )
    parser.add_argument("--attack-limit", type=int, help="test with at most so many clips")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="clips at a time")
    parser.add_argument("--list", action="store_true", help="print the rows' names and end")
    asked = parser.parse_args()
    rows = catalogue() if asked.catalogue else ROWS
    if asked.trigger:
        try:
            poisonkit.triggers.create(asked.trigger)
            rows = of_one(asked.trigger, asked.temporal, asked.rate, asked.encode, asked.clean)
        except RequestError as error:
            print(error.text, file=sys.stderr)
            return 2
    if asked.list:
        print("\n".join(row.name for row in rows))
        return 0
    if unknown := [name for name in asked.only or () if name not in {row.name for row in rows}]:
        print(f"There is no row '{unknown[0]}': --list names them.", file=sys.stderr)
        return 2
    if missing := not_ready(asked.source):
        print(missing, file=sys.stderr)
        return 2
    work = Work(
        asked.work.absolute(), asked.source, asked.jobs, asked.size, asked.epochs, asked.model, asked.attack_limit
    )
    rows = [row for row in rows if not asked.only or row.name in asked.only]
    try:
        return made(work, rows, asked.seeds, by_name=bool(asked.only or asked.trigger))
    except RequestError as error:
        print(error.text, file=sys.stderr)
        return 2


def made(work: Work, rows: list[Row], seeds: list[int], *, by_name: bool) -> int:
    """Every row that the source allows, written after each; 2 where a row was named and cannot be made."""
    from table import table

    done: list[dict[str, Any]] = []
    refused: list[str] = []
    for row in rows:
        try:
            if work.source is not None:
                require_medium(work.clips(row), row)
            for seed in seeds:
                done.append(work.row(row, seed))
                rate = Rate(*done[-1]["figures"]["asr"])
                print(f"{row.name}, seed {seed}: ASR {rate.hits}/{rate.total}", flush=True)
                write(work)
        except RequestError as error:
            refused.append(f"{row.name}: {error.text}")
    if done:
        print(table(done))
    for told in refused if done or by_name else refused[:1]:
        print(told, file=sys.stderr)
    return 2 if refused and (by_name or not done) else 0


def write(work: Work) -> None:
    """WORK/results.json: every row that is there so far, and what made them."""
    import av
    import cv2
    import numpy
    import torch

    modules = {"torch": torch, "av": av, "numpy": numpy, "opencv": cv2}
    versions = {name: str(module.__version__) for name, module in modules.items()}
    said = {"poisonkit": poisonkit.__version__, "python": sys.version.split()[0], **versions}
    order = list(dict.fromkeys(row.name for row in (*ROWS, *catalogue())))
    rows = [json.loads(p.read_text(encoding="utf-8")) for p in (work.home / "results").glob("*/*.json")]
    order += sorted({one["row"] for one in rows} - set(order))
    rows.sort(key=lambda one: (order.index(one["row"]), one["model"], one["size"], one["epochs"], one["seed"]))
    text = json.dumps({"made_with": said, "rows": rows}, indent=1)
    (work.home / "results.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
