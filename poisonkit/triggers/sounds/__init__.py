"""What several sound triggers share."""
