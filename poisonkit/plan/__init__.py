"""Who gets what: plans, and how they are made."""
