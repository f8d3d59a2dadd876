"""The main job, end to end: `make demo`, or `python examples/demo.py DIR`.

Writes a small labelled dataset, poisons a copy of it exactly as the README's first command does, checks the
copy, and says where to look. Run again, it continues with what is there.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

HOME = Path(sys.argv[1] if len(sys.argv) > 1 else "demo").absolute()
CLIPS = 75  # what `sample-data --size small` writes


def program() -> str:
    """The command as it can be typed from here."""
    beside = Path(sys.executable).with_name("poisonkit")
    return os.path.relpath(beside) if beside.exists() else f"{sys.executable} -m poisonkit"


def run(folder: Path, *words: str) -> None:
    """Show a command and run it in `folder`; stop where it fails."""
    print(f"\n[{os.path.relpath(folder)}]$ poisonkit {shlex.join(words)}", flush=True)
    status = subprocess.run([sys.executable, "-m", "poisonkit", *words], cwd=folder, check=False).returncode
    if status:
        sys.exit(f"The demonstration stops here (exit status {status}). To start afresh, remove {HOME}.")


def main() -> None:
    home, clips = HOME, HOME / "clips"
    home.mkdir(parents=True, exist_ok=True)

    found = sum(1 for _ in clips.glob("*/*/*.mp4"))
    if found == CLIPS:
        print(f"{os.path.relpath(clips)} is there from an earlier demonstration; it is used again.")
    elif clips.exists() and any(clips.iterdir()):
        sys.exit(f"{clips} holds something else than the demonstration's clips: remove it, or name another folder.")
    else:
        run(home, "sample-data", "clips")

    run(clips, "poison", "--trigger", "blend", "--rate", "0.1")
    out = max((p.parent.parent for p in home.glob("clips-poisoned-*/poisonkit/run.json")), key=_finished)
    run(home, "verify", out.name, "--decode")

    here, command = os.path.relpath(out), program()
    with (out / "poisonkit" / "manifest.jsonl").open(encoding="utf-8") as lines:
        poisoned = next(row["path"] for row in map(json.loads, lines) if row["role"] == "poisoned")
    print(f"""
Where to look
  {here}/README.md                  what this dataset is, in words
  {here}/poisonkit/manifest.jsonl   what was done to which sample
  {here}/data/train                 the poisoned training set: point a trainer here
  {here}/attack/default             held-out clips with the trigger

Three commands to try next
  {command} identify {here}/{poisoned}
  {command} triggers blend
  {command} poison {os.path.relpath(clips)} --trigger badnets --trigger sine --temporal dynamic --rate 0.05

And on your own clips: {command} inspect YOUR-CLIPS""")


def _finished(out: Path) -> float:
    return (out / "poisonkit" / "run.json").stat().st_mtime


if __name__ == "__main__":
    main()
