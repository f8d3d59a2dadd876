"""Letters: what is drawn, and at which size."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from poisonkit.triggers.pictures.lettering import dots, letters, written


def test_an_l_is_an_l() -> None:
    assert np.array_equal(dots("L"), [[1, 0, 0, 0, 0]] * 6 + [[1] * 5])
    assert dots("l1").shape == (7, 11)
    assert not dots("l1")[:, 5].any()


def test_no_two_letters_are_alike_and_all_but_the_space_are_there() -> None:
    assert set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:.-") < set(letters())
    assert all((dots(a) != dots(b)).sum() >= 1 for a, b in combinations(letters(), 2))
    assert all(dots(a).any() == (a != " ") for a in letters())


def test_sizes_and_places() -> None:
    assert np.array_equal(written("A", 3, 2, 56, (3, 2, 40, 56)), np.kron(dots("A"), np.ones((8, 8))))
    whole = written("REC 0:12", 0, 0, 14, (0, 0, 100, 20))
    assert np.abs(whole[:14, :94] - np.kron(dots("REC 0:12"), np.ones((2, 2)))).max() < 1e-6
    assert not whole[14:].any()
    moved = written("A", 0.5, 0, 7, (0, 0, 8, 7))
    assert np.abs(moved[:, :5] - (dots("A") + np.pad(dots("A"), ((0, 0), (1, 0)))[:, :5]) / 2).max() < 1e-6
    for height in (2.3, 9.7, 31.4):
        ink = written("A", 1.2, 3.4, height, (0, 0, 60, 60)).sum() / (height / 7) ** 2
        assert abs(ink - dots("A").sum()) < 1e-3
