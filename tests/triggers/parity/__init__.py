"""Literal transcriptions of the formulas, one for each trigger that has one, and what they are compared on."""
