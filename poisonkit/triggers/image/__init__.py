"""Triggers of the image family, one file each."""
