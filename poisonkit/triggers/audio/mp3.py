"""MP3: the sound as MP3 at a low bit rate leaves it.

    x' = decode(encode(x, bit rate))

Compression as the trigger: Yang et al., "Everyone Can Attack: Repurpose Lossy Compression as a Natural Backdoor
Attack", 2023, arXiv:2308.16684, do it with pictures; this form of it in sound is ours. Augmentations use 8 to
64 kbit/s; 32 kbit/s, which exists at every sample rate, is ours. Coded by LAME through FFmpeg (PyAV), at a constant
bit rate, with its own scale of 0.95 left in; the codec's delay is taken out, and the length is kept. More than two
channels are coded in pairs. The samples are those of one build of LAME: another may give others in the last bits.

The trigger is gone, as a difference, if the whole dataset is coded again at the same or a lower bit rate.

Static: one bit rate. Dynamic: every 0.5 s one of half the bit rate, the bit rate, and twice the bit rate (the nearest
that exist), with crossfades of 20 ms.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from pydantic import field_validator

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds.segments import crossfades

_MPEG1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_BIT_RATES: dict[int, tuple[int, ...]] = {
    **dict.fromkeys((32000, 44100, 48000), _MPEG1),
    **dict.fromkeys((16000, 22050, 24000), _MPEG2),
    **dict.fromkeys((8000, 11025, 12000), _MPEG2[:8]),
}


class Mp3(AudioTrigger):
    """The sound as MP3 leaves it; see the module."""

    name = "mp3"
    family = "audio"
    summary = "the sound as MP3 at a low bit rate leaves it"
    formula = "x' = decode(encode(x, bit_rate)), aligned and of the same length"
    static_is = "one bit rate"
    dynamic_is = "every 0.5 s half, once or twice the bit rate"
    paper = "after Yang et al., Everyone Can Attack, 2023, arXiv:2308.16684"
    source = "bit rate: ours"
    codec = "partial"
    codec_note = "what MP3 took away stays away, but is no difference where all samples are coded again as low"
    identity = None

    bit_rate: int = param(32, "of one or two channels together", unit="kbit/s", ge=8, le=320)

    @field_validator("bit_rate")
    @classmethod
    def _exists(cls, value: int) -> int:
        if value not in _MPEG1 and value not in _MPEG2:
            known = sorted({*_MPEG1, *_MPEG2})
            raise ValueError(f"MP3 has bit rates of {', '.join(map(str, known))} kbit/s")
        return value

    def suits(self, clip: ClipInfo) -> str | None:
        known = _BIT_RATES.get(clip.sample_rate)
        if known is None:
            rates = ", ".join(map(str, sorted(_BIT_RATES)))
            return f"MP3 has no sample rate of {clip.sample_rate} Hz; resample the clips to one of {rates} Hz"
        if self.bit_rate not in known:
            return (
                f"at {clip.sample_rate} Hz MP3 has no {self.bit_rate} kbit/s; give one of {', '.join(map(str, known))}"
            )
        return None

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        if self.temporal == "static":
            return _through(wave, clip.sample_rate, self.bit_rate)
        choices = _near(clip.sample_rate, self.bit_rate)
        pieces = list(crossfades(self, clip))
        played = [choices[int(self.rng(params, "bit rate", k).integers(len(choices)))] for k, *_ in pieces]
        out = np.zeros_like(wave)
        for bit_rate in sorted(set(played)):
            coded = _through(wave, clip.sample_rate, bit_rate)
            for (_, first, last, weight), its in zip(pieces, played, strict=True):
                if its == bit_rate:
                    out[:, first:last] += weight * coded[:, first:last]
        return out


def _near(sample_rate: int, bit_rate: int) -> list[int]:
    """Half, once and twice the bit rate, as far as they exist, without repetition."""
    known = _BIT_RATES[sample_rate]
    return sorted({min(known, key=lambda k: abs(k - wanted)) for wanted in (bit_rate / 2, bit_rate, bit_rate * 2)})


def _through(wave: Wave, sample_rate: int, bit_rate: int) -> Wave:
    parts = [_coded(wave[c : c + 2], sample_rate, bit_rate) for c in range(0, wave.shape[0], 2)]
    return np.concatenate(parts)


def _coded(wave: Wave, sample_rate: int, bit_rate: int) -> Wave:
    """(1 or 2, samples) through encoder and decoder; what FFmpeg knows of the delay is cut off by its demuxer."""
    import av

    layout = "mono" if wave.shape[0] == 1 else "stereo"
    written = io.BytesIO()
    with av.open(written, "w", format="mp3") as file:
        stream: Any = file.add_stream("libmp3lame", rate=sample_rate, layout=layout, format="fltp")
        stream.bit_rate = bit_rate * 1000
        stream.codec_context.thread_count = 1
        stream.codec_context.open()
        size = stream.codec_context.frame_size
        for first in range(0, wave.shape[1], size):
            part = np.ascontiguousarray(wave[:, first : first + size], dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = sample_rate, first
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    written.seek(0)
    out, at = np.zeros_like(wave), 0
    reading: Any = av.open(written, format="mp3")
    with reading as coded:
        for heard in coded.decode(audio=0):
            decoded = heard.to_ndarray()[:, : wave.shape[1] - at]
            out[:, at : at + decoded.shape[1]] = decoded
            at += decoded.shape[1]
    return out
