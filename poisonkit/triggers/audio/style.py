"""Style: the sound through one of six chains of a pedal board's effects (JingleBack).

    x' = (1 - mix)·x + mix·chain(x)

    S0   pitch 10 semitones up
    S1   distortion, 30 dB
    S2   chorus: 1 Hz, depth 5, delay 10 ms, mix 0.5
    S3   pitch 10 semitones up, distortion 20 dB, chorus as in S2 with 8 ms
    S4   chorus: 1 Hz, depth 0.25, delay 15 ms, mix 0.5; distortion 20 dB; reverberation of a room of size 0.6
    S5   gain 12 dB, high-pass of 12 dB an octave at 1 kHz, phaser: 1 Hz, depth 0.5, about 1.3 kHz, mix 0.5

Koffas, Pajola, Picek and Conti, "Going in Style: Audio Backdoors Through Stylistic Transformations", ICASSP 2023;
chains and settings are those of its public code (`styles.py`), which runs Spotify's Pedalboard, and that JUCE. The
effects are written from what these do: distortion tanh(x·10^(dB/20)); a chorus whose delay is max(1 ms, delay − 10 ms
· depth · sin(2πt)), read off the line between two samples, its phase added up in single precision, which moves a delay
by a sample or more; a ladder of four stages that saturates, resonance 0 (which feeds 0.4 back all the same) and drive
1; a phaser of six first-order all-passes that begins downwards, and whose centre is placed on the logarithmic scale of
44.1 kHz whatever the sound's rate: 738 Hz for 1300 Hz at 16 kHz. Compared with Pedalboard 0.9.26, S1, S2 and S5
correlate to 0.9999 and more (S5: no sample off by more than 0.01 of full scale, since the phaser's filters move every
millisecond here and every four samples there). Our own are pitch (S0, S3), by the phase vocoder of
`poisonkit/triggers/sounds/vocoder.py` in place of Rubber Band's, and the room (S4): 0.8 of the sound with 0.17 of a
synthetic tail of 1.5 s, about what the settings of that reverberator come to; S4 correlates to 0.92. What passes full
scale after the chain is clipped. The publication names no best chain that we know of; S5 as the default is ours, since
it keeps pitch and timing.

Version 1, which outputs made with it are still verified by, had oscillators that begin at +sin, two first-order
high-passes in place of the ladder, and a phaser about 1300 Hz at every rate: its S5 correlates with Pedalboard's by
0.5 to 0.7.

Static: one chain. Dynamic: every 0.5 s any one of the six, with crossfades of 20 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds import earlier_effects, effects
from poisonkit.triggers.sounds.segments import crossfades

Name = Literal["S0", "S1", "S2", "S3", "S4", "S5"]
_NAMES: tuple[Name, ...] = ("S0", "S1", "S2", "S3", "S4", "S5")
_LOWEST_RATE = 4000


class Style(AudioTrigger):
    """The sound through a chain of effects; see the module."""

    name = "style"
    version = 2
    family = "audio"
    summary = "the sound through one of six chains of a pedal board's effects (JingleBack)"
    formula = "x' = (1 - mix) * x + mix * chain(x)"
    static_is = "one chain"
    dynamic_is = "every 0.5 s any one of the six chains"
    paper = "Koffas et al., Going in Style (JingleBack), ICASSP 2023"
    source = "chains: the public code; effects: as in Pedalboard, but pitch and room: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"mix": 0.0}

    chain: Name = param("S5", "which chain; dynamic: not used")
    mix: float = param(1.0, "how much of the chain is heard", ge=0, le=1)

    def suits(self, clip: ClipInfo) -> str | None:
        if clip.sample_rate >= _LOWEST_RATE:
            return None
        return f"sound at {clip.sample_rate} Hz is too coarse for these effects; it takes {_LOWEST_RATE} Hz or more"

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        mix = np.float32(self.mix)
        if self.temporal == "static":
            return (1 - mix) * wave + mix * self._through(self.chain, wave, clip)
        out = (1 - mix) * wave
        pieces = list(crossfades(self, clip))
        played = [_NAMES[int(self.rng(params, "chain", k).integers(len(_NAMES)))] for k, *_ in pieces]
        for name in sorted(set(played)):
            styled = self._through(name, wave, clip)
            for (_, first, last, weight), its in zip(pieces, played, strict=True):
                if its == name:
                    out[:, first:last] += mix * weight * styled[:, first:last]
        return out

    def _through(self, name: Name, wave: Wave, clip: ClipInfo) -> Wave:
        """The sound after one chain, within full scale."""
        from poisonkit.triggers.sounds.effects import distorted, reverberated
        from poisonkit.triggers.sounds.reverberation import tail
        from poisonkit.triggers.sounds.vocoder import shifted

        rate = clip.sample_rate

        def up(x: Wave) -> Wave:
            return shifted(x, 2 ** (10 / 12), rate)

        def distort(drive: float) -> Callable[[Wave], Wave]:
            return lambda x: distorted(x, drive)

        def chorus(depth: float, delay: float) -> Callable[[Wave], Wave]:
            return lambda x: self._chorused(x, rate, depth, delay)

        def room(x: Wave) -> Wave:
            return reverberated(x, tail(self.rng({}, "room"), rate, 1.5), dry=0.8, wet=0.17)

        chains: dict[Name, tuple[Callable[[Wave], Wave], ...]] = {
            "S0": (up,),
            "S1": (distort(30),),
            "S2": (chorus(5, 10),),
            "S3": (up, distort(20), chorus(5, 8)),
            "S4": (chorus(0.25, 15), distort(20), room),
            "S5": (
                lambda x: x * np.float32(10 ** (12 / 20)),
                lambda x: self._high_passed(x, rate),
                lambda x: self._phased(x, rate),
            ),
        }
        for effect in chains[name]:
            wave = effect(wave)
        return np.clip(wave, -1, 1)

    def _chorused(self, wave: Wave, rate: int, depth: float, delay: float) -> Wave:
        return effects.chorused(wave, rate, rate=1, depth=depth, delay=delay, mix=0.5)

    def _high_passed(self, wave: Wave, rate: int) -> Wave:
        return effects.high_passed(wave, rate, 1000)

    def _phased(self, wave: Wave, rate: int) -> Wave:
        return effects.phased(wave, rate)


class _Style1(Style):
    """Before the oscillators began as Pedalboard's do, and before the ladder."""

    version = 1

    def _chorused(self, wave: Wave, rate: int, depth: float, delay: float) -> Wave:
        return earlier_effects.chorused(wave, rate, rate=1, depth=depth, delay=delay, mix=0.5)

    def _high_passed(self, wave: Wave, rate: int) -> Wave:
        return earlier_effects.high_passed(wave, rate, 1000)

    def _phased(self, wave: Wave, rate: int) -> Wave:
        return earlier_effects.phased(wave, rate)
