"""Members of tar files."""
