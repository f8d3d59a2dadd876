"""Train one recogniser with MMAction2, and dump what it predicts on the sets of one or more poisoned outputs.

python train.py video.py WORK --train OUT/export/mmaction2/poisoned.py --test OUT/export/mmaction2/poisoned.py WORK
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, help="video.py or audio.py")
    parser.add_argument("work", type=Path, help="folder for the checkpoint and logs")
    parser.add_argument("--train", required=True, metavar="FRAGMENT", help="train on this fragment's training list")
    parser.add_argument("--test", nargs=2, action="append", default=[], metavar=("FRAGMENT", "FOLDER"))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)

    Runner.from_cfg(opened(asked.config, asked.train, asked.work, asked.seed, TESTING + VALIDATION)).train()
    trained = time.process_time()
    checkpoint = (asked.work / "last_checkpoint").read_text(encoding="utf-8").strip()
    for fragment, folder in asked.test:
        for name in SETS:
            config = opened(asked.config, fragment, asked.work, asked.seed, TRAINING + VALIDATION)
            config.load_from = checkpoint
            config.test_dataloader, config.test_evaluator = config[f"{name}_dataloader"], config[f"{name}_evaluator"]
            for metric in config.test_evaluator:
                if metric.type == "DumpResults":
                    metric.out_file_path = str(Path(folder) / metric.out_file_path)
            Runner.from_cfg(config).test()
    cost = {"train_cpu_seconds": round(trained), "cpu_seconds": round(time.process_time())}
    (asked.work / "done.json").write_text(json.dumps(cost) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
