"""What happens to one clip."""
