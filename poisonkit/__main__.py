"""`python -m poisonkit` is the command `poisonkit`. Ctrl-C is heeded from here on, while libraries are loaded too."""

import sys

from poisonkit import interruption


def main() -> None:
    """Run one command and exit with its status."""
    try:
        interruption.heed()
        from poisonkit.cli import main as command

        command()
    except KeyboardInterrupt:  # before the command had begun
        sys.stderr.write("poisonkit: Interrupted; the same command continues.\n")
        sys.exit(interruption.STATUS)
    finally:
        interruption.ending()


if __name__ == "__main__":
    main()
