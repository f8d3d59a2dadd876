"""`make pages`, or `python -m tools.pages [--check | --all]`."""

from __future__ import annotations

import argparse
import sys

from tools.pages import derived


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.pages", description="Make every derived page and picture.")
    parser.add_argument("--check", action="store_true", help="only name what is stale; exit status 1 if anything is")
    parser.add_argument("--all", action="store_true", help="draw and measure every trigger again (many minutes)")
    asked = parser.parse_args()
    said = 0
    for sentence in derived.stale() if asked.check else derived.make(everything=asked.all):
        sys.stdout.write(f"{sentence}\n")
        said += 1
    if not said:
        sys.stdout.write("Everything that is made from the code is current.\n")
    return 1 if asked.check and said else 0


if __name__ == "__main__":
    sys.exit(main())
