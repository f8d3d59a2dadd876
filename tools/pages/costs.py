"""docs/costs.md: what the model of costs comes to for well-known datasets, on one machine and on many."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from poisonkit import triggers
from poisonkit.common.words import duration, size_in_words
from poisonkit.engine.costs import model
from poisonkit.media.info import Encode, MediaInfo, VideoStream
from poisonkit.triggers.core.costs import MOST, shares
from poisonkit.triggers.core.names import built_in
from tools.pages.blocks import ROOT, filled, table

PAGE = ROOT / "docs" / "costs.md"


@dataclass(frozen=True)
class Published:
    """A dataset as its authors describe it, and as trainers keep it: clips of so many seconds, in MB a clip."""

    name: str
    train: int
    held_out: int
    classes: int
    seconds: float
    width: int
    height: int
    fps: int
    codec: str
    suffix: str
    megabytes: float


PUBLISHED = (
    Published("UCF-101, split 1", 9_537, 3_783, 101, 7.2, 320, 240, 25, "mpeg4", "avi", 0.5),
    Published("Kinetics-400", 246_245, 20_000, 400, 10.0, 340, 256, 30, "h264", "mp4", 0.6),
    Published("Kinetics-700", 545_317, 35_000, 700, 10.0, 340, 256, 30, "h264", "mp4", 0.6),
)
RATE_OF, WORKERS, NODES = 0.1, 16, 32
TRIGGERS = ("badnets", "blend", "wanet")


def clip_of(about: Published, trigger: str) -> model.Cost:
    """What the model says of one clip of a dataset."""
    frames = round(about.seconds * about.fps)
    picture = VideoStream(
        0, about.codec, about.width, about.height, "yuv420p", 8, Fraction(about.fps), Fraction(1, about.fps), frames, 0,
        Fraction(1), "", "", None,
    )  # fmt: skip
    info = MediaInfo(about.suffix, about.seconds, picture, None)
    return model.clip_cost(info, int(about.megabytes * 1e6), [triggers.create(trigger)], {"video"}, Encode())


def seconds(about: Published, trigger: str, nodes: int) -> float:
    """From the command to the card: `poison` on one machine, or `--shard I/32` on each of 32 and `merge`."""
    known, cost = model.figures(), clip_of(about, trigger)
    made, clean = files_of(about)
    at_once = WORKERS * nodes
    measured = 50 * model.measuring_cost(cost, True)
    opened = (made - 50) * known["opened"] / WORKERS  # by the first shard, for all
    alone = clean * known["linked"] + (made + clean) * known["listed"] * (2 if nodes > 1 else 1)
    return known["start"] + opened + (made * cost.cpu + measured + clean * known["looked"]) / at_once + alone


def files_of(about: Published) -> tuple[int, int]:
    """Files that are written (poisoned, attack, 50 of control), and clean ones that are linked."""
    poisoned = round(RATE_OF * about.train)
    attacked = round(about.held_out * (1 - 1 / about.classes))
    return poisoned + attacked + 50, about.train + about.held_out - poisoned


def _shares() -> list[tuple[str, ...]]:
    rows = []
    for name in built_in():
        if known := shares(name):
            more = ", ".join(mode for mode, share in known.items() if share > MOST)
            shown = (f"{known[mode]:.2f}" if mode in known else "" for mode in ("static", "dynamic"))
            rows.append((name, *shown, more))
    return rows


def page() -> str:
    """docs/costs.md as it should be."""
    rows = []
    for about in PUBLISHED:
        made, clean = files_of(about)
        for trigger in TRIGGERS:
            cost = clip_of(about, trigger)
            rows.append(
                (
                    about.name, trigger, f"{made:,}", f"{made * cost.cpu / 3600:.1f}",
                    f"{cost.cpu / about.seconds:.3f}",
                    duration(seconds(about, trigger, 1)), duration(seconds(about, trigger, NODES)),
                    size_in_words(made * cost.bytes), f"{clean:,}",
                )
            )  # fmt: skip
    heads = ("dataset", "trigger", "files written", "CPU hours", "CPU s a clip-second", "one machine", "32 nodes")
    known = model.figures()
    encoders = [(name, f"{1000 * cpu:.1f}", f"{size / 1000:.1f}") for name, (cpu, size) in known["picture"].items()]
    return filled(
        PAGE,
        {
            "datasets": table((*heads, "bytes written", "links"), rows),
            "encoders": table(("encoder", "CPU ms a million pixels", "kB a million pixels"), encoders),
            "triggers": table(("trigger", "static, of encoding", "dynamic", "more than a quarter"), _shares()),
        },
    )
