"""What several picture triggers share."""
