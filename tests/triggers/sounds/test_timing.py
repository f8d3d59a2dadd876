"""When a short sound is heard, and how segments of sound are joined."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo, Wave
from poisonkit.triggers.core.trigger import AudioTrigger
from poisonkit.triggers.sounds.noise import band, looped
from poisonkit.triggers.sounds.segments import crossfades, curve
from poisonkit.triggers.sounds.timing import faded
from poisonkit.triggers.testing import sound

CLIP = ClipInfo(sample_rate=1000, channels=1, samples=1003)


def heard(text: str, clip: ClipInfo = CLIP, id: str = "") -> list[tuple[int, int]]:
    """Spans that sample-overwrite sets, read from its output."""
    out = create(text).apply(np.zeros(clip.samples, np.float32), sample_rate=clip.sample_rate, id=id)
    edges = np.flatnonzero(np.diff(np.concatenate([[0.0], out, [0.0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


@pytest.mark.parametrize(
    ("position", "spans"),
    [
        ("start", [(0, 100)]),
        ("middle", [(452, 552)]),
        ("end", [(903, 1003)]),
        ("spread", [(0, 20), (200, 220), (401, 421), (601, 621), (802, 822)]),
        ("spread,chunks=3", [(0, 33), (334, 367), (668, 701)]),
    ],
)
def test_positions(position: str, spans: list[tuple[int, int]]) -> None:
    assert heard(f"sample-overwrite:duration=0.1,position={position}") == spans


@pytest.mark.parametrize(("start", "spans"), [(0, [(0, 100)]), (0.25, [(250, 350)]), (0.95, [(950, 1003)])])
def test_start_is_in_seconds_and_what_does_not_fit_is_cut_off(start: float, spans: list[tuple[int, int]]) -> None:
    trigger = f"sample-overwrite:duration=0.1,start={start}"
    assert heard(trigger) == spans
    assert create(trigger).suits(CLIP) is None
    assert create(trigger, start=1.5).suits(CLIP) == "start is 1.5 s, but the sound ends at 1 s"


@pytest.mark.parametrize(
    "name", ["tone-burst", "audio-blend", "ambient", "band-noise", "ultrasonic", "sample-overwrite"]
)
def test_every_positioned_sound_refuses_a_start_after_the_end(name: str) -> None:
    clip = ClipInfo(sample_rate=48000, channels=1, samples=48000)
    assert "but the sound ends" in str(create(name, start=2).suits(clip))
    assert create(name, start=0.5).suits(clip) is None
    with pytest.raises(RequestError, match="give start or position=end, one of the two"):
        create(name, start=0.1, position="end", duration=0.1)


def test_random_is_the_clips_own_and_lies_within_it() -> None:
    found = [heard("sample-overwrite:duration=0.1,position=random", id=str(i))[0] for i in range(60)]
    assert all(b - a == 100 and 0 <= a <= 903 for a, b in found)
    assert len(set(found)) > 40
    assert min(a for a, _ in found) < 150
    assert max(a for a, _ in found) > 750
    again = heard("sample-overwrite:duration=0.1,position=random", id="7")[0]
    assert again == found[7]


def test_the_place_is_a_share_so_that_a_wrong_length_in_the_header_moves_it_with_the_clip() -> None:
    chain = Chain([create("sample-overwrite:position=random")])
    drawn = chain.draw(CLIP, 0)
    wave = np.zeros((1, 20), np.float32)
    out = chain.audio(wave, CLIP, drawn)
    assert (out == -1).sum() == 4


@pytest.mark.parametrize("position", ["start", "middle", "end", "random", "spread"])
@pytest.mark.parametrize("samples", [1, 2, 3])
def test_clips_shorter_than_the_trigger_are_filled(position: str, samples: int) -> None:
    clip = ClipInfo(sample_rate=8000, channels=1, samples=samples)
    found = heard(f"sample-overwrite:position={position}", clip)
    assert found == [(0, samples)]


def test_a_position_needs_a_duration_where_the_whole_clip_is_the_default() -> None:
    with pytest.raises(RequestError, match="position=end needs a duration"):
        create("ultrasonic:position=end")
    create("ultrasonic:position=end,duration=0.2")


@pytest.mark.parametrize(("samples", "edge"), [(1, 5.0), (2, 5.0), (7, 0.0), (40, 10.0), (40, 99.0)])
def test_fades_are_symmetric_and_reach_one(samples: int, edge: float) -> None:
    weight = faded(samples, edge)
    assert weight.shape == (samples,)
    assert np.allclose(weight, weight[::-1])
    assert 0 < weight.min() <= weight.max() <= 1
    if edge < samples / 2:
        assert weight.max() == 1


class Any(AudioTrigger):
    """Segments only."""

    name = "any"

    def wave(self, wave: Wave, clip: ClipInfo, params: object) -> Wave:
        return wave


@pytest.mark.parametrize("samples", [1, 2, 499, 500, 501, 503, 1700])
@pytest.mark.parametrize("power", [False, True])
def test_crossfades_add_up(samples: int, power: bool) -> None:
    clip = ClipInfo(sample_rate=1000, channels=1, samples=samples)
    total = np.zeros(samples)
    for _, first, last, weight in crossfades(Any(), clip, fade=0.1, power=power):
        assert 0 <= first < last <= samples
        total[first:last] += weight.astype(float) ** (2 if power else 1)
    assert np.allclose(total, 1, atol=1e-6)


def test_a_curve_steps_smoothly() -> None:
    clip = ClipInfo(sample_rate=1000, channels=1, samples=1500)
    found = curve(Any(), clip, [1.0, 3.0, 0.0].__getitem__, fade=0.1)
    assert np.allclose(found[:440], 1)
    assert np.allclose(found[560:940], 3)
    assert np.allclose(found[1060:], 0)
    assert np.abs(np.diff(found)).max() < 0.06


def test_noise_is_the_sum_that_it_is_said_to_be_at_every_rate() -> None:
    rng = np.random.default_rng(3)
    parts = np.random.default_rng(3).standard_normal((5, 2))
    t = np.arange(2 * 100) / 100
    expected = sum(
        (a * np.cos(2 * np.pi * f * t) + b * np.sin(2 * np.pi * f * t)) / np.sqrt(5)
        for f, (a, b) in zip((10, 10.5, 11, 11.5, 12), parts, strict=True)
    )
    assert np.abs(band(rng, 100, 2, 10, 12) - expected).max() < 1e-6
    low, high = (band(np.random.default_rng(3), rate, 2, 10, 300) for rate in (400, 800))
    spectra = [np.fft.rfft(x) / len(x) for x in (low, high)]
    assert np.abs(spectra[0][:399] - spectra[1][:399]).max() < 1e-6
    assert np.abs(spectra[1][600:]).max() > 0
    assert np.abs(spectra[1][601:]).max() < 1e-6
    assert float(np.sqrt((band(rng, 8000, 4, 100, 3900) ** 2).mean())) == pytest.approx(1, abs=0.02)


def test_looped() -> None:
    assert looped(np.arange(4, dtype=np.float32), 6, 13).tolist() == [2, 3, 0, 1, 2, 3, 0]
    assert looped(np.arange(8, dtype=np.float32).reshape(2, 4), 3, 5).tolist() == [[3, 0], [7, 4]]


LENGTHS = [
    "band-noise:low=1000,high=2000",
    "band-noise:low=1000,high=2000,duration=1,position=random",
    "tone-burst",
    "tone-burst:position=spread",
    "sample-overwrite",
    "audio-blend",
    "audio-blend:sound=bell,repeat=true,position=end,duration=0.4",
    "ambient",
    "ambient:sound=wind",
    "echo",
    "reverb",
]


@pytest.mark.parametrize("text", LENGTHS)
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_every_rate_and_length_is_taken(text: str, rate: int) -> None:
    for mode in ("static", "dynamic"):
        trigger = create(text, temporal=mode)
        for channels, samples in ((1, 1), (2, 2), (1, 47), (2, 1001), (2, rate)):
            x = sound(channels, samples, rate)
            out = trigger.apply(x, sample_rate=rate)
            assert out.shape == x.shape
            assert np.isfinite(out).all()
