"""Tools for those who work on poisonkit; not part of the package."""
