"""Every trigger with an exact published definition equals a literal transcription of it, within a grey level.

The transcriptions are in `parity/`. On small frames every pixel is compared, on 1080p every 35th here (and the
frame's edges), every one in `make test-slow`. What is not bound to another's pixels or samples is listed in
`PROPERTIES`, each with the test of a property of its own. A trigger in neither list fails.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.names import built_in

from .parity import audio, image, imported, lighting, temporal
from .parity.audio import SoundCase
from .parity.scene import SHAPES, Case, Scene, compared, saved, source

PICTURES: dict[str, list[Case]] = image.CASES | temporal.CASES | lighting.CASES | imported.CASES
SOUNDS: dict[str, list[SoundCase]] = audio.CASES

PROPERTIES = {
    "compression": "test_jpegs_blocks_and_its_quantisation",
    "fog": "test_on_the_canvas_the_clouds_span_the_short_side_around_the_middle",
    "mp3": "test_the_lower_the_bit_rate_the_more_is_lost",
    "photo-filter": "test_more_light_in_is_never_less_light_out",
    "pitch-boost": "test_the_pitch_rises",
    "pitch-shift": "test_ratio",
    "rain": "test_is_the_formula",
    "reverb": "test_the_tail_falls_by_60_db_and_is_one_room_at_every_rate",
    "snow": "test_is_the_formula",
    "style": "test_every_chain_is_heard_in_the_log_mel_spectrum",
    "time-stretch": "test_static",
    "video-corruption": "test_a_quarter_of_the_slices_is_wrong_until_the_next_key_frame_and_the_rest_is_kept",
}


def test_every_trigger_is_compared_or_has_a_property_of_its_own() -> None:
    compared_ones = {*PICTURES, *SOUNDS}
    assert compared_ones | set(PROPERTIES) == set(built_in())
    assert not compared_ones & set(PROPERTIES)
    for name, cases in PICTURES.items():
        assert set(cases[0].shapes) == set(SHAPES) - {"240p"}, name
        most = 2 if name == "ftrojan" else 1.02  # it rounds twice; 1.02: half a level of a map, and half of the result
        assert all(case.within <= most for case in cases), name
    assert all(SOUNDS.values())
    for name, test in PROPERTIES.items():
        text = (Path(__file__).parent / f"test_{name.replace('-', '_')}.py").read_text(encoding="utf-8")
        assert f"def {test}(" in text, f"{name} has no {test}"


def runs() -> list[object]:
    found: list[object] = []
    for name, cases in sorted(PICTURES.items()):
        for i, case in enumerate(cases):
            for shape in case.shapes:
                large = shape == "1080p"
                if not large or i == 0 or case.on_large:
                    found.append(pytest.param(name, case, shape, 7 if large else 1, id=f"{name}-{i}-{shape}"))
                if large:
                    found.append(pytest.param(name, case, shape, 1, id=f"{name}-{i}-all", marks=pytest.mark.slow))
    return found


@pytest.mark.parametrize(("name", "case", "shape", "step"), runs())
def test_pictures_are_the_formula(name: str, case: Case, shape: str, step: int, tmp_path: Path) -> None:
    height, width = SHAPES[shape]
    files = {key: make(height, width) for key, make in case.files.items()}
    trigger = create(name, **case.params, **saved(files, tmp_path))
    clip = ClipInfo("a", width, height, 25.0, case.frames)
    assert trigger.suits(clip) is None
    frames = source(height, width, case.frames)
    chain = Chain([trigger])
    drawn = json.loads(json.dumps(chain.draw(clip, 0)))
    rows, columns = compared(height, step)[: case.rows if step > 1 else None], compared(width, step)
    for t, out in enumerate(chain.video(iter(frames), clip, drawn)):
        if step > 1 and t < case.frames - 1:
            continue
        scene = Scene(frames, t, clip, trigger, drawn[0], rows, columns)
        exact = np.clip(case.formula(scene, **case.params, **files), 0, 255)
        assert out.dtype == np.uint8
        difference = np.abs(scene.pick(out) - exact)
        assert difference.max() <= case.within
        if case.within > 0.51:
            assert difference.mean() <= 0.3


@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(name, c, id=f"{name}-{i}") for name, cases in sorted(SOUNDS.items()) for i, c in enumerate(cases)],
)
@pytest.mark.parametrize(("channels", "samples"), [(1, 9001), (2, 5000), (2, 1)])
def test_sounds_are_the_formula(name: str, case: SoundCase, channels: int, samples: int, tmp_path: Path) -> None:
    audio.check(name, case, channels, samples, tmp_path)
