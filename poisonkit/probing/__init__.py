"""Probe sets: the clips of an attack set, with and without its trigger, as an input-level defence asks to see them."""

from poisonkit.probing.probe_sets import Probed, probe

__all__ = ["Probed", "probe"]
