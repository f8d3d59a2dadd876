"""Triggers of the temporal family, one file each."""
