"""How each consumer's own code reads a view; heavy imports inside the functions, so that the matrix is read without."""
