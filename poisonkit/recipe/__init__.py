"""What is asked: recipes, backdoors, lists of samples, sweeps."""
