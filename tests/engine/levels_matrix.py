"""What may differ between kinds of processors, as hashes; `python -m tests.engine.levels_matrix SOURCE OUT`.

Run by test_levels.py in processes whose libraries are told to do without some instructions. What goes in is made of
whole numbers, so that it is the same everywhere.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import poisonkit
from poisonkit.common.seeding import generator
from poisonkit.engine.executors.threads import one_thread
from poisonkit.media import log_mel
from poisonkit.metrics.fidelity import Projection, snr, ssim
from poisonkit.metrics.survival import PictureSurvival, sound_survival
from poisonkit.sampledata import pictures, sounds
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo
from tests.conftest import same_output

TRIGGERS = (
    "low-frequency:temporal=dynamic",
    "pitch-shift:temporal=dynamic",
    "pitch-boost:temporal=dynamic",
    "motion-blur:angle=30,length=0.4",
    "temporal-dct",
    "temporal-dft",
    "temporal-dft:normalise=true",
    "refool:form=out-of-focus",
    "photo-filter:look=toaster",
    "color-shift:space=lab",
    "color-temperature:temporal=dynamic",
    "gamma",
    "low-light",
    "fog",
    "rain",
    "sun-glare",
    "wanet:temporal=dynamic",
    "blend:alpha=0.15",
    "ambient",
    "audio-blend",
    "reverb",
    "style",
)
RECIPES = {
    "low-frequency": ["low-frequency:temporal=dynamic", "pitch-shift:temporal=dynamic"],
    "rain": ["rain", "sine"],
}


def scene(frames: int = 4, width: int = 160, height: int = 120) -> np.ndarray:
    """uint8 (frames, height, width, 3): ramps that turn back, and noise."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:height, :width]
    shown = np.empty((frames, height, width, 3), np.uint8)
    for t in range(frames):
        for c in range(3):
            a = (x * (c + 2) * 255 // width + y * (3 - c) * 200 // height + 9 * t) % 510
            shown[t, ..., c] = np.clip(np.where(a > 255, 510 - a, a) + rng.integers(-8, 9, a.shape), 0, 255)
    return shown


def noise(channels: int, samples: int) -> np.ndarray:
    """float32 (channels, samples): whole 16-bit steps."""
    steps = np.random.default_rng(9).integers(-9000, 9001, (channels, samples))
    return (steps / 32768).astype(np.float32)


def hashed(value: Any) -> str:
    data = value.tobytes() if isinstance(value, np.ndarray) else json.dumps(value).encode()
    return hashlib.sha256(data).hexdigest()[:16]


def results(source: Path, out: Path) -> dict[str, str]:
    """Name -> hash. Names of figures begin with `figure`."""
    found: dict[str, str] = {}
    images, wave = scene(), noise(2, 30_000)
    seen = ClipInfo(id="clip", width=160, height=120, fps=25.0, frames=len(images))
    heard = ClipInfo(id="clip", sample_rate=44_100, channels=2, samples=wave.shape[1])
    for text in TRIGGERS:
        chain = Chain([poisonkit.triggers.create(text)])
        if "audio" in chain.touches:
            made = chain.audio(wave, heard, chain.draw(heard, 0))
        else:
            made = np.stack(list(chain.video(iter(images), seen, chain.draw(seen, 0))))
        found[f"trigger {text}"] = hashed(made)
    found["features"] = hashed(log_mel(wave, 44_100))
    for name in pictures.MOTIONS:
        made = np.stack(list(pictures.frames(name, generator(0, "levels", name), 160, 120, 2, 25)))
        found[f"sample picture {name}"] = hashed(made)
    for name in sounds.SOUNDS:
        found[f"sample sound {name}"] = hashed(sounds.wave(name, generator(0, "levels", name), 16_000, 0.5))
    found["figure ssim"] = hashed(ssim(images[0], images[1]))
    found["figure snr"] = hashed(snr(wave, wave * np.float32(0.9)))
    change = Projection()
    change.add(wave, wave[:, ::-1])
    found["figure projection"] = hashed([change.gain, change.cosine])
    sums = PictureSurvival()
    for t in range(len(images)):
        sums.add(images[t], images[t - 1], images[t - 2], images[t - 3])
    found["figure survival"] = hashed(sums.report())
    found["figure sound survival"] = hashed(sound_survival(wave, wave[:, ::-1], wave / 2, wave * np.float32(0.75)))
    for name, triggers in RECIPES.items():
        place = out / name
        poisonkit.poison(
            poisonkit.Recipe(source=source, out=place, triggers=triggers, rate=0.2, attack_limit=2, survival="all"),
            jobs=1,
        )
        found |= {f"output {name} {path}": sha for path, sha in same_output(place).items()}
    return found


if __name__ == "__main__":
    with one_thread():
        print(json.dumps(results(Path(sys.argv[1]), Path(sys.argv[2]))))
