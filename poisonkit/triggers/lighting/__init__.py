"""Triggers of the lighting family, one file each."""
