"""What each trigger is checked with: one line a trigger, in alphabetical order.

Case() is the defaults; further cases are for parameters that take another way through the code.
"""

from __future__ import annotations

from poisonkit.triggers.testing import Case, Media

from . import imports

CASES: dict[str, list[Case]] = {
    "adaptive-blend": [Case(), Case({"grid": 3, "canvas": "native", "alpha": 0.3})],
    "additive": [
        Case({"array": imports.FIELD}),
        Case({"array": imports.FIELDS, "scale": 2.0, "beyond": "hold", "canvas": "native"}),
    ],
    "ambient": [
        Case(),
        Case({"sound": "babble", "snr": 10}),
        Case({"sound": "hum", "duration": 0.4, "position": "random"}),
        Case({"sound": "wind", "amplitude": 0.1}),
    ],
    "audio-blend": [
        Case(),
        Case({"sound": "bell", "mix": "add", "repeat": True}),
        Case({"sound": "whistle", "position": "spread", "duration": 0.5, "edge": 0.01}),
    ],
    "badnets": [
        Case(),
        Case({"alpha": 0.6, "pattern": "checkerboard", "changes": "color", "position": "center"}),
        Case({"color": "black", "changes": "blink", "area": "frame", "size": 0.3}),
    ],
    "band-noise": [
        Case(),
        Case({"amplitude": 0.02, "low": 1000, "high": 3000, "duration": 0.5, "position": "spread"}),
    ],
    "blend": [Case(), Case({"pattern": "noise"}), Case({"pattern": "noise", "canvas": "native"})],
    "bpp": [Case(), Case({"dither": True}), Case({"dither": True, "changes": "dither"})],
    "brightness": [Case(), Case({"by": -0.3})],
    "chrominance-wave": [Case(), Case({"channel": "both"})],
    "color-shift": [Case(), Case({"space": "hsv", "by": [200, -20, 5]}), Case({"space": "lab"})],
    "color-temperature": [Case(), Case({"temperature": 9000.0})],
    "compression": [Case(), Case({"through": "h264", "gop": 5})],
    "contrast": [Case(), Case({"factor": 1.8, "pivot": 90.0})],
    "ctrl": [Case(), Case({"canvas": "short:64", "magnitude": 400, "positions": [(4, 4)], "channels": "Y"})],
    "echo": [Case(), Case({"delay": 0.03, "repeats": 5})],
    "fiba": [Case(), Case({"canvas": "native", "beta": 0.2})],
    "flicker": [Case()],
    "fog": [Case(), Case({"canvas": "native", "decay": 1.4, "direction": 45.0})],
    "frame-lag": [Case(), Case({"form": "freeze", "freeze": 0.2, "every": 0.4})],
    "ftrojan": [Case(), Case({"canvas": "short:64", "magnitude": 400, "positions": [(4, 4)], "channels": "Y"})],
    "gamma": [Case()],
    "lamp-flicker": [Case()],
    "laser-spot": [Case(), Case({"color": "white", "position": "top-left"})],
    "low-frequency": [Case(), Case({"gray": True, "mean": 1.0, "cutoff": 2.5})],
    "low-light": [Case(), Case({"light": 1.0, "photons": 30.0})],
    "luminance-wave": [Case(), Case({"form": "additive"})],
    "motion-blur": [Case(), Case({"changes": "angle", "angle": 30.0})],
    "mp3": [
        Case(media=Media(seconds=0.6)),
        Case({"bit_rate": 64}, Media(sample_rate=44100, seconds=0.6, channels=1)),
    ],
    "photo-filter": [Case(), Case({"look": "lomo", "strength": 0.5}), Case({"look": "toaster"})],
    "pitch-boost": [
        Case(media=Media(seconds=0.8)),
        Case({"snr": 5, "semitones": -3}, Media(sample_rate=8000, seconds=0.8)),
    ],
    "pitch-shift": [
        Case(media=Media(seconds=0.8)),
        Case({"semitones": -7, "spread": 1}, Media(sample_rate=44100, seconds=0.6, channels=1)),
    ],
    "rain": [Case(), Case({"slant": -40.0, "density": 40.0, "level": 255})],
    "refool": [Case(), Case({"form": "out-of-focus"}), Case({"form": "random", "canvas": "native", "alpha": 0.6})],
    "replace": [Case({"folder": imports.PICTURES})],
    "replace-sound": [Case({"folder": imports.SOUNDS})],
    "reverb": [Case(), Case({"rt60": 1.5, "wet": 1})],
    "rolling-light": [Case(), Case({"mix": "add", "direction": 60.0, "color": "white"})],
    "sample-overwrite": [Case(), Case({"duration": 0.01, "position": "spread", "chunks": 3})],
    "shadow": [Case(), Case({"polygon": [-0.5, -0.5, 0.5, -0.5, 0.0, 0.5], "light": 0.0, "direction": 90.0})],
    "sig": [Case(), Case({"canvas": "native"}), Case({"changes": "phase", "phase": 1.0})],
    "sine": [Case(), Case({"amplitude": 0.05, "changes": "position", "start": 0.1, "duration": 0.9})],
    "snow": [Case(), Case({"size": 0.03, "veil": 0.0})],
    "spotlight": [Case(), Case({"color": "orange", "mix": "add", "sigma": 0.1})],
    "stamp": [
        Case({"picture": imports.STAMP, "alpha": 0.8, "size": 0.4}),
        Case({"picture": imports.STAMPS, "size": 0.3}),
    ],
    "style": [
        Case(),
        Case({"chain": "S2", "mix": 0.5}, Media(sample_rate=8000)),
        Case({"chain": "S3"}, Media(seconds=0.6)),
        Case({"chain": "S4"}, Media(seconds=0.6)),
    ],
    "sun-glare": [Case(), Case({"ghosts": 0, "strength": 0.4})],
    "temporal-blur": [Case(), Case({"frames": 2})],
    "temporal-dct": [Case(), Case({"coefficients": "seeded"})],
    "temporal-dft": [Case(), Case({"coefficients": "seeded", "normalise": True})],
    "time-stretch": [Case(media=Media(seconds=0.8)), Case({"rate": 0.8})],
    "tone-burst": [Case(), Case({"position": "random", "snr": 0, "duration": 0.3})],
    "ultrasonic": [
        Case(media=Media(sample_rate=44100)),
        Case({"duration": 0.2, "position": "spread", "snr": 10, "edge": 0.002}, Media(sample_rate=48000)),
    ],
    "video-corruption": [Case()],
    "vignette": [Case()],
    "wanet": [Case(), Case({"canvas": "native"}), Case({"changes": "drift", "grid_rescale": 0.95})],
    "waveform": [
        Case({"sound": imports.SOUND}),
        Case({"sound": imports.SOUND, "amplitude": 0.5, "keep": 0.5, "rate": 22050, "repeat": True}),
    ],
}
