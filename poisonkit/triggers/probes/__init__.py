"""Changes that only probe sets ask for (`poisonkit probe`): no attacks, so in no list of triggers."""
