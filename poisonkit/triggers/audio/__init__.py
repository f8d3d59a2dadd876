"""Triggers of the audio family, one file each."""
