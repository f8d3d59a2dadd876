"""How affine triggers are applied: in RGB, or in the planes of the stream itself."""
