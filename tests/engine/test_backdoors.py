"""Several backdoors in one recipe, end to end: labels, each method's own covers, and which frames carry what.

Written lossless, so that what is decoded must be what the trigger makes of the source, drawn as the manifest says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe
from poisonkit.media.colour import to_rgb
from poisonkit.outputs import record
from poisonkit.triggers import from_entry
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.trigger import VideoTrigger

FRAMES = 10

BACKDOORS: list[dict[str, Any]] = [
    {"name": "warp", "triggers": ["wanet"], "target": "jump", "frames": "first:4", "attack_frames": "every:3"},
    {"name": "levels", "triggers": ["bpp"], "target": "run", "frames": "last:3", "attack_frames": "all"},
    {"name": "spectra", "triggers": ["fiba"], "target": "spin", "frames": "span:2-7", "attack_frames": "first:1"},
    {"name": "pieces", "triggers": ["adaptive-blend", "sine"], "target": 0, "frames": "random:0.5"},
]
EXACT = {
    "warp": ([[0, 4]], [[0, 1], [3, 4], [6, 7], [9, 10]]),
    "levels": ([[7, 10]], [[0, 10]]),
    "spectra": ([[2, 7]], [[0, 1]]),
    "pieces": (None, [[0, 10]]),
}


def written(path: Path) -> np.ndarray:
    """All frames by FFmpeg's own conversion, uint8 RGB."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def pictures(path: Path) -> np.ndarray:
    """All frames as a trigger gets them: another conversion might be a level off, which quantising makes forty."""
    with av.open(str(path)) as container:
        return np.stack([to_rgb(frame) for frame in container.decode(video=0)])


@pytest.fixture(scope="module")
def made(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[record.Record]]:
    out = tmp_path_factory.mktemp("backdoors") / "out"
    recipe = Recipe(
        source=folders,
        out=out,
        backdoors=[{"count": 2, "cover_rate": 0.09, **backdoor} for backdoor in BACKDOORS],  # type: ignore[arg-type]
        encode="lossless",
        control=0,
        attack_limit=2,
    )
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return out, list(record.read(out / "poisonkit" / "manifest.jsonl"))


def test_each_backdoor_has_its_target_its_covers_and_its_attack_set(
    made: tuple[Path, list[record.Record]],
) -> None:
    out, rows = made
    seen: set[str] = set()
    for backdoor in BACKDOORS:
        target = {"jump": 0, "run": 1, "spin": 2}.get(backdoor["target"], backdoor["target"])
        own = [r for r in rows if r["triggers"] and r["triggers"][0]["name"] == backdoor["triggers"][0]]
        by_role = {role: [r for r in own if r["role"] == role] for role in ("poisoned", "cover", "attack")}
        assert [len(by_role[role]) for role in ("poisoned", "cover", "attack")] == [2, 2, 2]
        assert all(r["label"] == target != r["original_label"] for r in by_role["poisoned"])
        assert all(r["label"] == r["original_label"] for r in by_role["cover"])
        assert all(r["original_label"] != target for r in by_role["attack"])
        assert {r["attack"] for r in by_role["attack"]} == {backdoor["name"]}
        for r in (*by_role["poisoned"], *by_role["cover"]):
            assert r["id"] not in seen, "no sample serves two purposes"
            seen.add(r["id"])
            assert (out / r["path"]).parent.name == ("jump", "run", "spin")[r["label"]]
    assert poisonkit.verify(out, decode=True).ok


def test_frames_carry_exactly_what_the_manifest_says(made: tuple[Path, list[record.Record]], folders: Path) -> None:
    out, rows = made
    checked = set()
    for row in rows:
        if not row["triggers"]:
            continue
        (name,) = (b["name"] for b in BACKDOORS if b["triggers"][0] == row["triggers"][0]["name"])
        training, attack = EXACT[name]
        expected = attack if row["role"] == "attack" else training
        assert expected is None or row["poisoned_ranges"] == expected
        carried = {t for a, b in row["poisoned_ranges"] for t in range(a, b)}
        trigger, drawn = from_entry(row["triggers"][0]), row["triggers"][0]["drawn"]
        assert isinstance(trigger, VideoTrigger)
        assert drawn.get("cover", False) == (row["role"] == "cover")
        if row["other"] is not None:
            assert row["other"] != row["source_path"]
            drawn = {**drawn, "other": pictures(folders / row["other"])[FRAMES // 2]}
        assert (row["other"] is not None) == (row["role"] == "cover" and trigger.cover_needs_other)
        source, got = pictures(folders / row["source_path"]), written(out / row["path"])
        clip = ClipInfo(row["id"], 64, 48, 25.0, FRAMES)
        exact = np.stack(list(trigger.render(iter(source), clip, drawn, lambda t, carried=carried: t in carried)))
        assert np.array_equal(got, exact), (name, row["role"])
        assert (exact != source).any()
        checked.add((name, row["role"]))
    assert len(checked) == 3 * len(BACKDOORS)
