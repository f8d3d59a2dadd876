"""Patterns, recordings and replacement clips that come from files."""
