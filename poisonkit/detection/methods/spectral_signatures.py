"""Spectral signatures: far out along the first principal direction of its class."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from poisonkit.detection.dump import Dump
from poisonkit.detection.method import Method, least, one_thread, principal
from poisonkit.scoring.predictions import Floats


class SpectralSignatures(Method):
    """Spectral signatures (Tran, Li and Madry, "Spectral Signatures in Backdoor Attacks", NeurIPS 2018, arXiv
    1811.00636).

    For each class with features R(x), their mean m and the top right singular vector v of the centred features:
    score(x) = ((R(x) − m) · v)². The paper removes the 1.5 ε highest of a class, ε being the share of poison in it.
    """

    name: ClassVar[str] = "spectral-signatures"
    help: ClassVar[str] = "squared projection on the first principal direction of each class"

    def score(self, dump: Dump) -> Floats:
        """The squared projection."""
        assert dump.features is not None
        least(dump, 2, f"{self.name} needs 2", "leave its samples out")
        found = np.zeros(dump.count)
        with one_thread():
            for _, at in dump.by_class():
                low, _ = principal(dump.features, at, 1)
                if low.shape[1]:
                    found[at] = low[:, 0] ** 2
        return found
