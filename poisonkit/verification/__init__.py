"""Is an output still what it says?"""
