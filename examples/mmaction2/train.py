"""Train one recogniser with MMAction2, and dump what it predicts on the sets of poisoned outputs.

    python train.py video.py WORK --train FRAGMENT --test all FRAGMENT FOLDER

with FRAGMENT for OUT/export/mmaction2/poisoned.py; predictions-SET.pkl go to FOLDER.

Trains where WORK has no checkpoint yet. `--test` may be repeated, or name some sets only: `clean,control`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import types
from pathlib import Path

# What mmengine saves holds more than weights, and torch loads only weights since 2.6; these files are our own.
os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
# The wheel of MMAction2 1.2.0 lacks this package (open-mmlab/mmaction2#2714); a localiser needs it, no recogniser does.
drn = types.ModuleType("mmaction.models.localizers.drn.drn")
drn.DRN = None  # type: ignore[attr-defined]
sys.modules["mmaction.models.localizers.drn"] = sys.modules[drn.__name__] = drn

import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

SETS = ("clean", "attack_default_target", "control")
TRAINING = ("train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler")
TESTING = ("test_dataloader", "test_evaluator", "test_cfg")
VALIDATION = ("val_dataloader", "val_evaluator")


def opened(config: Path, fragment: str, work: Path, seed: int, drop: tuple[str, ...]) -> Config:
    """The config on top of one output's fragment, without the parts named in `drop`."""
    os.environ["POISONED"] = fragment
    found = Config.fromfile(config)
    for key in drop:
        found.pop(key, None)
    found.work_dir = str(work)
    found.randomness = dict(seed=seed)
    return found


def train(config: Path, work: Path, fragment: str, seed: int) -> None:
    """Train on a fragment's training list; the checkpoint and what it cost go to `work`."""
    started = time.process_time()
    Runner.from_cfg(opened(config, fragment, work, seed, TESTING + VALIDATION)).train()
    cost = {"cpu_seconds": round(time.process_time() - started, 1)}
    (work / "cost.json").write_text(json.dumps(cost) + "\n", encoding="utf-8")


def test(config: Path, work: Path, fragment: str, seed: int, name: str, folder: Path) -> None:
    """Dump what the checkpoint in `work` predicts on one set of a fragment, into folder/predictions-SET.pkl."""
    found = opened(config, fragment, work, seed, TRAINING + VALIDATION)
    found.load_from = (work / "last_checkpoint").read_text(encoding="utf-8").strip()
    found.test_dataloader, found.test_evaluator = found[f"{name}_dataloader"], found[f"{name}_evaluator"]
    for metric in found.test_evaluator:
        if metric.type == "DumpResults":
            metric.out_file_path = str(folder / metric.out_file_path)
    Runner.from_cfg(found).test()


def run(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, help="video.py or audio.py")
    parser.add_argument("work", type=Path, help="folder for the checkpoint and logs")
    parser.add_argument("--train", required=True, metavar="FRAGMENT", help="train on this fragment's training list")
    parser.add_argument("--test", nargs=3, action="append", default=[], metavar=("SETS", "FRAGMENT", "FOLDER"))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(words)
    torch.set_num_threads(1)
    if not (asked.work / "cost.json").exists():
        train(asked.config, asked.work, asked.train, asked.seed)
    for sets, fragment, folder in asked.test:
        for name in SETS if sets == "all" else sets.split(","):
            test(asked.config, asked.work, fragment, asked.seed, name, Path(folder))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--list"]:  # a JSON list of arguments per line: many models in one process
        for line in Path(sys.argv[2]).read_text(encoding="utf-8").splitlines():
            run(json.loads(line))
    else:
        run()
