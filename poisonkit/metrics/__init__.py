"""Figures of fidelity and survival."""
