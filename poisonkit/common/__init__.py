"""What every room may use: files, seeds, limits, exact arithmetic."""
