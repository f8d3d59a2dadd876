"""What a run knows of itself, and leaves for the next."""
