"""`python -m poisonkit` is the command `poisonkit`. Ctrl-C is handled from here on, while libraries are loaded too."""

import sys

from poisonkit.common import interruption


def main() -> None:
    """Run one command and exit with its status."""
    status = interruption.STATUS
    try:
        interruption.heed()
        from poisonkit.cli import call
        from poisonkit.common import levels

        levels.own_process = True
        status = call()
    except KeyboardInterrupt:  # before the command had begun
        sys.stderr.write("poisonkit: Interrupted; the same command continues.\n")
    finally:
        interruption.ending(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
