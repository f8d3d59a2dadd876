"""`python -m poisonkit` is the command `poisonkit`."""

from poisonkit.cli import main

if __name__ == "__main__":
    main()
