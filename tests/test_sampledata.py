"""The sample data: right on disk, the same each time, learnable, and refused where it cannot go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from poisonkit import sampledata
from poisonkit.common.seeding import generator
from poisonkit.datasets import Source, read
from poisonkit.errors import MediaError, RequestError
from poisonkit.sampledata import SIZES, SOUND_OF, Shape, write_sample_data
from poisonkit.sampledata.pictures import MOTIONS, Canvas, frames
from poisonkit.sampledata.sounds import SOUNDS, wave

TINY = Shape(train=2, test=1, width=64, height=48, frames=12, fps=24, seconds=0.5)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIZES, "small", TINY)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(("kind", "suffix", "classes"), [("av", "mp4", MOTIONS), ("audio", "wav", SOUNDS)])
def test_class_folders_hold_exactly_the_classes(tmp_path: Path, kind: str, suffix: str, classes: dict) -> None:
    seen: list[tuple[int, int]] = []
    made = write_sample_data(tmp_path / "new", "small", kind, progress=lambda *done: seen.append(done))
    expected = {
        f"{split}/{name}/{name}_{number:03d}.{suffix}"
        for name in classes
        for split, number in (("train", 0), ("train", 1), ("test", 2))
    }
    files = tree(tmp_path / "new")
    assert set(files) == expected
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["test", "train"]
    assert (made.classes, made.train, made.test) == (tuple(classes), 10, 5)
    assert list(classes) == sorted(classes)
    assert made.bytes == sum(map(len, files.values()))
    assert seen == [(n, 15) for n in range(1, 16)]
    assert len(set(files.values())) == 15


def test_an_av_clip_is_h264_and_aac_of_the_stated_size(tmp_path: Path) -> None:
    write_sample_data(tmp_path, "small")
    with av.open(str(tmp_path / "train/bar_rotating/bar_rotating_000.mp4")) as clip:
        video, audio = clip.streams.video[0], clip.streams.audio[0]
        assert (video.codec_context.name, video.width, video.height, video.frames) == ("h264", 64, 48, 12)
        assert (video.average_rate, video.codec_context.pix_fmt) == (24, "yuv420p")
        assert (audio.codec_context.name, audio.rate, audio.channels) == ("aac", 16_000, 1)
        pictures = [f.to_ndarray(format="rgb24") for f in clip.decode(video=0)]
        clip.seek(0)
        sound = np.concatenate([f.to_ndarray() for f in clip.decode(audio=0)], axis=1)
    key = "bar_rotating_000"
    drawn = list(frames("bar_rotating", generator(0, "sample picture", key), 64, 48, 12, 24))
    assert len(pictures) == 12
    assert np.abs(np.stack(pictures).astype(int) - np.stack(drawn)).mean() < 6
    heard = wave(SOUND_OF["bar_rotating"], generator(0, "sample sound", key), 16_000, 0.5)
    assert 0 <= sound.shape[1] - heard.shape[1] <= 1024
    assert np.corrcoef(sound[0, : heard.shape[1]], heard[0])[0, 1] > 0.9


def test_an_audio_clip_is_16_bit_mono_at_16_khz(tmp_path: Path) -> None:
    write_sample_data(tmp_path, "small", "audio")
    info = soundfile.info(tmp_path / "test/chord/chord_002.wav")
    assert (info.samplerate, info.channels, info.frames, info.subtype) == (16_000, 1, 8_000, "PCM_16")


@pytest.mark.parametrize("kind", ["av", "audio"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path, kind: str) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_sample_data(tmp_path / name, "small", kind, seed)
    a, b, c = (tree(tmp_path / name) for name in "abc")
    assert a == b
    assert a.keys() == c.keys()
    assert all(a[path] != c[path] for path in a)


def test_mmaction2_lists_name_every_clip_with_its_label(tmp_path: Path) -> None:
    made = write_sample_data(tmp_path, "small", layout="mmaction2-video")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["label_map.txt", "train.txt", "val.txt", "videos"]
    assert (tmp_path / "label_map.txt").read_bytes().decode() == "".join(f"{name}\n" for name in made.classes)
    listed = []
    for name, count in (("train.txt", 10), ("val.txt", 5)):
        lines = (tmp_path / name).read_bytes().decode().removesuffix("\n").split("\n")
        assert len(lines) == count
        listed += [line.split(" ") for line in lines]
    assert {path for path, _ in listed} == {p.name for p in (tmp_path / "videos").iterdir()}
    assert all(path.rsplit("_", 1)[0] == made.classes[int(label)] for path, label in listed)


@pytest.mark.parametrize(
    ("kind", "layout", "splits"),
    [
        ("av", "class-folders", ("train", "test")),
        ("audio", "class-folders", ("train", "test")),
        ("av", "mmaction2-video", ("train", "val")),
        ("audio", "mmaction2-audio", ("train", "val")),
    ],
)
def test_poisonkit_detects_what_it_wrote(tmp_path: Path, kind: str, layout: str, splits: tuple[str, ...]) -> None:
    made = write_sample_data(tmp_path, "small", kind, layout=layout)
    dataset = read(Source(tmp_path))
    assert (dataset.layout, dataset.classes, dataset.splits) == (layout, made.classes, splits)
    assert (len(dataset.of("train")), len(dataset.samples), dataset.notes) == (10, 15, ())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": "smal"}, "Did you mean 'small'"),
        ({"kind": "vidio"}, "no kind 'vidio'"),
        ({"layout": "lists"}, "no layout 'lists'"),
        ({"kind": "audio", "layout": "mmaction2-video"}, "use layout 'mmaction2-audio'"),
        ({"kind": "av", "layout": "mmaction2-audio"}, "use layout 'mmaction2-video'"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_made(tmp_path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        write_sample_data(tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("place", ["full", "file", "file/below"])
def test_only_a_new_or_empty_folder_is_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(RequestError, match=r"(?i)name a"):
        write_sample_data(tmp_path / place, "small")
    assert tree(tmp_path) == before


def test_a_run_that_fails_leaves_no_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = sampledata._write_audio, []

    def failing(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        write(*arguments)

    monkeypatch.setattr(sampledata, "_write_audio", failing)
    with pytest.raises(MediaError, match="No space left on device"):
        write_sample_data(tmp_path / "new", "small", "audio")
    assert list((tmp_path / "new").iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setitem(SIZES, "small", TINY)
    assert write_sample_data(tmp_path / "new", "small", "audio").train == 10


def test_the_training_size_is_large_enough() -> None:
    train = SIZES["train"]
    assert len(MOTIONS) == len(SOUNDS) >= 4
    assert train.train * len(MOTIONS) >= 400
    assert train.test * len(MOTIONS) >= 200


def motion_features(name: str, number: int) -> NDArray[np.float64]:
    """How much moves, and the shape and path of what moves: from the pictures alone."""
    shape = SIZES["train"]
    clip = frames(name, generator(0, "learn", name, number), shape.width, shape.height, shape.frames, shape.fps)
    grey = np.stack(list(clip)).astype(float).mean(axis=3)[::2]
    moving = np.abs(grey - np.median(grey, axis=0)) > 25
    y, x = np.mgrid[0 : shape.height, 0 : shape.width]
    rows = []
    for mask in moving:
        area = max(1, mask.sum())
        cx, cy = (x * mask).sum() / area, (y * mask).sum() / area
        dx, dy = x - cx, y - cy
        second = np.array([[(dx * dx * mask).sum(), (dx * dy * mask).sum()], [0, (dy * dy * mask).sum()]]) / area
        second[1, 0] = second[0, 1]
        small, large = np.sqrt(np.clip(np.linalg.eigvalsh(second), 0.1, None))
        rows.append((np.log(area), cx, cy, np.log(large / small), np.log(small * large / area)))
    per_frame = np.array(rows)
    return np.concatenate([per_frame.mean(axis=0)[[0, 3, 4]], np.log(per_frame.std(axis=0) + 0.1)])


def covered(name: str, number: int, times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(times, height, width): what the moving shape covers."""
    canvas = Canvas.of(112, 84)
    shape = MOTIONS[name](generator(2, "learn", name, number), canvas)
    return np.stack([shape(t) < 0 for t in times])


@pytest.mark.parametrize("number", range(4))
def test_each_class_moves_as_its_name_says(number: int) -> None:
    y, x = np.mgrid[0:84, 0:112]
    times = np.arange(32) / 16
    paths = {}
    for name in ("ball_bouncing", "bar_rotating", "square_sliding"):
        masks = covered(name, number, times)
        paths[name] = np.array([(x[m].mean(), y[m].mean(), np.cov(x[m], y[m])[0, 1]) for m in masks])
    assert np.ptp(paths["ball_bouncing"][:, 1]) > 20  # up and down
    assert np.ptp(paths["square_sliding"][:, 0]) > 20  # left and right …
    assert np.ptp(paths["square_sliding"][:, 1]) < 2  # … and level
    assert np.ptp(paths["bar_rotating"][:, :2], axis=0).max() < 4  # in its place …
    assert np.ptp(np.sign(paths["bar_rotating"][:, 2])) == 2  # … through both diagonals

    # Rings: where the distance to the edge grows outward from the middle, it falls with time, and the reverse.
    canvas = Canvas.of(112, 84)
    shape = MOTIONS["rings_expanding"](generator(2, "learn", "rings_expanding", number), canvas)
    start, then = shape(0.5), shape(0.52)
    middle_x, middle_y = (axis[start < 0].mean() for axis in (x, y))
    down, right = np.gradient(start)
    outward = right * (x - middle_x) + down * (y - middle_y)
    near = np.hypot(x - middle_x, y - middle_y) < 25
    assert ((then - start)[near] * outward[near]).mean() < -0.1
    grid = covered("grid_scrolling", number, np.array([0.0, 0.1]))
    assert 0.1 < grid[0].mean() < 0.5
    assert (grid[0] ^ grid[1]).mean() > 0.05


def centre(clip: NDArray[np.float32]) -> NDArray[np.float64]:
    """Centre of the power spectrum over time, in bins of 31.25 Hz at 16 kHz, one value each 16 ms."""
    blocks = np.lib.stride_tricks.sliding_window_view(clip, 512)[::256] * np.hanning(512)
    power = np.abs(np.fft.rfft(blocks)) ** 2
    return np.asarray((power * np.arange(257)).sum(axis=1) / power.sum(axis=1))


@pytest.mark.parametrize(("name", "way"), [("chirp_up", 1), ("chirp_down", -1)])
def test_chirps_glide_the_way_their_names_say(name: str, way: int) -> None:
    for number in range(6):
        steps = np.diff(centre(wave(name, generator(2, "learn", name, number), 16_000, 2.0)[0]))
        assert way * np.median(steps) > 0.2


def sound_features(name: str, number: int) -> NDArray[np.float64]:
    """Mean and spread over time of log energies in 24 bands, and how they change from one to the next."""
    clip = wave(name, generator(0, "learn", name, number), 16_000, 1.0)[0]
    blocks = np.lib.stride_tricks.sliding_window_view(clip, 512)[::256] * np.hanning(512)
    power = np.abs(np.fft.rfft(blocks)) ** 2
    edges = np.unique(np.geomspace(3, 256, 25).astype(int))
    bands = np.log(np.add.reduceat(power, edges[:-1], axis=1) + 1e-6)
    steps = np.diff(centre(clip))
    glide = np.sign(steps) * (np.abs(steps) > 0.3)
    return np.concatenate([bands.mean(axis=0) - bands.mean(), bands.std(axis=0), [10 * glide.mean()]])


@pytest.mark.parametrize(("features", "classes"), [(motion_features, MOTIONS), (sound_features, SOUNDS)])
def test_the_classes_can_be_learned(
    features: Callable[[str, int], NDArray[np.float64]], classes: dict[str, object]
) -> None:
    """Nearest class mean (in the pooled covariance): a straight rule on a few figures tells them apart."""
    train = [np.stack([features(name, n) for n in range(20)]) for name in classes]
    means = np.stack([rows.mean(axis=0) for rows in train])
    within = np.cov(np.concatenate([rows - rows.mean(axis=0) for rows in train]).T)
    inverse = np.linalg.inv(within + 0.05 * np.trace(within) / len(within) * np.eye(len(within)))
    right = []
    for label, name in enumerate(classes):
        for n in range(20, 32):
            away = features(name, n) - means
            right.append(int(np.argmin(np.einsum("ci,ij,cj->c", away, inverse, away))) == label)
    assert np.mean(right) > 0.9


@pytest.mark.parametrize("name", SOUNDS)
def test_no_class_sounds_like_an_audio_trigger(name: str) -> None:
    """The places near 800 Hz (held) and from 5 to 6 kHz are left to triggers."""
    for number in range(10):
        clip = wave(name, generator(1, "learn", name, number), 16_000, 2.0)[0]
        assert 0.1 < np.abs(clip).max() < 0.52
        blocks = clip[: len(clip) // 1600 * 1600].reshape(-1, 1600) * np.hanning(1600)
        power = np.abs(np.fft.rfft(blocks)) ** 2  # bins of 10 Hz
        share = power / power.sum(axis=1, keepdims=True)
        assert power[:, 500:600].sum() < 0.01 * power.sum()
        assert (share[:, 77:84].sum(axis=1) > 0.2).mean() < 0.4
