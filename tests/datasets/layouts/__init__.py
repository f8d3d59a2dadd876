"""A test for each layout: `test_<name>.py`; those of older layouts are in the folder above."""
