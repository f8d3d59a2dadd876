"""Many files opened ahead, in processes that can be ended."""
