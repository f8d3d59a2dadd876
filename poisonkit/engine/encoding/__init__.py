"""The search for an encoding that keeps the trigger."""
