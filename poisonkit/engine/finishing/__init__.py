"""What is written when the clips are done: clean samples, features, shards, lists, card."""
