"""Triggers of the imported family, one file each."""
