"""Rewriting one file: picture or sound through a function, everything else as it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.common.hashing import sha256
from poisonkit.errors import MediaError
from poisonkit.media import fallback, families, ffmpeg_jobs, folders, mux, sound, spool
from poisonkit.media.check import Expected, Inspector, checked_output
from poisonkit.media.converting import conversion, converted, same_aspect
from poisonkit.media.decode import Wave, audio_wave, read_audio, require_whole
from poisonkit.media.dispatch import kind, probe, refusals
from poisonkit.media.families import EXACT_TIMES, AudioTarget, VideoTarget
from poisonkit.media.files import name_of, open_input, packets, replacing, require_file, scratch, translated
from poisonkit.media.info import Encode, MediaInfo, Problem, Written
from poisonkit.media.mux import NewPicture, NewSound, PlanesChoice, VideoFunction
from poisonkit.media.probing import StreamChoice
from poisonkit.media.traces import Passed, Trace

AudioFunction = Callable[[Wave, int], Wave]
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}


def rewrite(
    source: str | Path,
    destination: str | Path,
    *,
    video: VideoFunction | None = None,
    planes: PlanesChoice | None = None,
    audio: AudioFunction | None = None,
    encode: Encode | None = None,
    stream: StreamChoice = "best",
    inspect: Inspector | None = None,
    info: MediaInfo | None = None,
    resize: bool = False,
) -> Written:
    """Write `destination` from `source`, decode it back, check it, and only then put it in place.

    video: iterator of uint8 RGB (height, width, 3) frames, as displayed, to an iterator of as many; None copies
    the picture's packets, unless `encode` asks for a conversion that this file needs.
    planes: where the encoder takes the very planes that the decoder gives, of a clip that is not rotated, it is
    asked, with their format, for a function from an iterator of (Y, U, V) to an iterator of as many, to be used in
    place of `video`; None: `video` it is.
    audio: (float32 (channels, samples) in ±1, Hz) to the same shape; None copies the sound's packets.
    resize: `video` may give another number of frames, and `audio` of samples.
    inspect: is shown the decoded output. info: what `probe` said of the source and stream, where it was asked.

    source may be a frame folder, and `destination` then is one: see `folders.rewrite`.
    The file keeps its container, timestamps, rotation, aspect, colour tags and modification time; titles and
    further streams are dropped.

    Raises MediaError (one sentence) when the file is damaged, cut short or cannot be rewritten so, CheckError
    when what was written does not decode to what it should be; the destination is then untouched.
    """
    source, destination = Path(source), Path(destination)
    encode = encode or Encode()
    before = info or probe(source, stream)
    again = fallback.encoded_again(before, encode)
    (info, encode), converts = fallback.written_as(before, encode), encode.mode == "convert"
    status = None if kind(info) == "folder" else require_file(source)
    _not_itself(source, destination)
    what = conversion(info.video, encode)
    if video is None and "video" in again:
        video, planes = _untouched, lambda fmt: _untouched
    if audio is None and "audio" in again:
        audio = _unheard
    if video is None and audio is None:
        return remux(source, destination, stream=stream)
    for wanted, has, word in ((video, info.video, "picture"), (audio, info.audio, "sound")):
        if wanted is not None and has is None:
            raise MediaError(f"{name_of(source)} has no {word}.")
    _refuse(source, info, encode, video is not None, audio is not None)
    if kind(info) == "folder":
        assert video is not None
        return folders.rewrite(
            source, destination, video=video, what=what, encode=encode, inspect=inspect, info=info, resize=resize
        )
    require_whole(source, before.container)
    origin = mux.begin(source, before) if info.container != before.container else None
    with replacing(destination, status) as temporary:
        if kind(info) == "sound":
            assert audio is not None
            return _sound_file(source, temporary, destination, before, info, audio, inspect, resize)
        passed = Passed()
        copied = passed if video is None and info.container in EXACT_TIMES else None
        made = _new_sound(source, info, encode, audio, temporary.parent, resize, copied) if audio is not None else None
        if made is not None and origin is not None:
            made = replace(made, start=made.start - float(origin))
        if video is None and made is not None and _by_job(info, made):
            _sound_job(source, temporary, info, made)
        else:
            new = NewPicture(video, planes, what, _video_target(info, encode), resize) if video is not None else None
            if made is None or _has_encoder(made.target.encoder):
                passed = mux.transcode(source, temporary, info, new, made, origin)
            else:  # picture first, and then the sound by the ffmpeg program, which has more encoders
                with scratch(temporary) as picture:
                    passed = mux.transcode(source, picture, info, new, None)
                    _sound_job(picture, temporary, probe(picture), made)
                passed.audio = None
        due = converted(info, what)
        _keep_aspect(temporary, due)
        expected = Expected(
            source=due,
            passed=passed,
            what=what,
            families=_families(before, info, encode, again) if converts else (),
            samples=made.wave.shape[1] if made is not None else None,
            start=made.start if made is not None else 0.0,
        )
        return checked_output(temporary, destination, expected, inspect)


def remux(source: str | Path, destination: str | Path, *, stream: StreamChoice = "best") -> Written:
    """One picture and one sound stream of `source`, packet for packet; the other streams are left out.

    Raises MediaError, CheckError as `rewrite` does.
    """
    source, destination = Path(source), Path(destination)
    info = probe(source, stream)
    status = None if kind(info) == "folder" else require_file(source)
    _not_itself(source, destination)
    if not families.can_remux(info):
        raise MediaError(f"{name_of(source)}: {info.container} files cannot be remuxed.")
    require_whole(source, info.container)
    with replacing(destination, status) as temporary:
        ffmpeg_jobs.copy_streams(source, temporary, info)
        passed = _packets(source, info)
        return checked_output(temporary, destination, Expected(info, passed), None)


def _keep_aspect(temporary: Path, due: MediaInfo) -> None:
    """Pixels that are not square are told by the codec, or (FFV1, VP8, VP9, raw) by the container alone."""
    video = due.video
    if video is None or video.sample_aspect_ratio == 1 or due.container not in families.TELLS_ASPECT:
        return
    made = probe(temporary).video
    if made is not None and not same_aspect(made, video):
        ffmpeg_jobs.set_aspect(temporary, due.container, video.width, video.height, video.sample_aspect_ratio)


def _untouched(frames: Iterator[Any]) -> Iterator[Any]:
    return frames


def _unheard(wave: Wave, rate: int) -> Wave:
    return wave


def _families(before: MediaInfo, info: MediaInfo, encode: Encode, again: Iterable[str]) -> tuple[str, ...]:
    """The codec families and the container that are others than the source's, in words. again: what is encoded so."""
    found = []
    if before.video is not None and "video" in again:
        found.append((_video_target(info, encode).codec, before.video.codec))
    if before.audio is not None and "audio" in again:
        found.append((_audio_target(info, encode).codec, before.audio.codec))
    found.append((info.container, before.container))
    return tuple(f"{new} for {old}" for new, old in found if new != old)


def _not_itself(source: Path, destination: Path) -> None:
    if destination.exists() and os.path.samefile(source, destination):
        raise MediaError(f"{name_of(source)} would be written over itself.")


def _refuse(source: Path, info: MediaInfo, encode: Encode, video: bool, audio: bool) -> None:
    touches = [name for name, wanted in (("video", video), ("audio", audio)) if wanted]
    for problem in refusals(info, encode, touches):
        remedy = f" ({problem.remedy})" if problem.remedy else ""
        raise MediaError(f"{name_of(source)}: {problem.message.rstrip('.')}{remedy}.")


def _video_target(info: MediaInfo, encode: Encode) -> VideoTarget:
    assert info.video is not None
    target = families.video_target(info.video, info.container, encode)
    assert not isinstance(target, Problem)
    return target


def _audio_target(info: MediaInfo, encode: Encode) -> AudioTarget:
    assert info.audio is not None
    target = families.audio_target(info.audio, info.container, encode, alone=info.video is None)
    assert not isinstance(target, Problem)
    return target


def applied(audio: AudioFunction, wave: Wave, rate: int, source: Path, resize: bool = False) -> Wave:
    """`audio`'s result, checked: the same shape (resize: as many channels, not empty), finite, float32."""
    made = np.asanyarray(audio(wave.copy(), rate), dtype=np.float32)
    fits = made.ndim == 2 and made.shape[0] == wave.shape[0] and made.shape[1] > 0 if resize else False
    if not fits and made.shape != wave.shape:
        raise MediaError(f"{name_of(source)}: sound of shape {wave.shape} came back as {made.shape}.")
    if not spool.finite(made):
        raise MediaError(f"{name_of(source)}: sound came back with values that are not numbers.")
    return made


def _new_sound(
    source: Path,
    info: MediaInfo,
    encode: Encode,
    audio: AudioFunction,
    folder: Path,
    resize: bool,
    copied: Passed | None,
) -> NewSound:
    """The source's sound, decoded, through `audio`; long ones lie in files in `folder`. copied: is told the packets of
    the picture on the way."""
    assert info.audio is not None
    with open_input(source) as container, translated(source, "decoded"):
        stream, picture, take = container.streams[info.audio.index], None, None
        if copied is not None and info.video is not None:
            picture = container.streams[info.video.index]
            copied.video = Trace(picture.time_base or Fraction(1))
            take = copied.video.copied
        wave, rate, start = audio_wave(container, stream, source, folder, picture, take)
    made = spool.clipped(applied(audio, wave, rate, source, resize))
    target = _audio_target(info, encode)
    layout = info.audio.layout
    if layout.endswith(" channels") and target.codec == "aac":  # ASF says no more, and AAC has to be told
        layout = _LAYOUTS.get(info.audio.channels, layout)
    return NewSound(made, rate, layout, start, target)


def _by_job(info: MediaInfo, made: NewSound) -> bool:
    """Whether the ffmpeg program muxes the sound. AVI and mpg are muxed here: see `encode.AUDIBLE_DELAY`."""
    exact = info.container in EXACT_TIMES and info.container not in families.SHIFTED
    return info.video is not None and exact and made.wave.shape[0] <= 2


def _has_encoder(name: str) -> bool:
    """Whether this process can encode so."""
    import av

    try:
        av.Codec(name, "w")
    except (ValueError, av.error.FFmpegError):
        return False
    return True


def _sound_job(source: Path, temporary: Path, info: MediaInfo, made: NewSound) -> None:
    with scratch(temporary, ".wav") as wav:
        sound.write(wav, made.wave, made.rate, "WAV", "FLOAT")
        ffmpeg_jobs.mux_sound(source, wav, made.start, temporary, info, made.target)


def _packets(source: Path, info: MediaInfo) -> Passed:
    """Times and digests of the packets that a copy must hold."""
    passed = Passed()
    with open_input(source) as container, translated(source, "read"):
        streams = {s.index: container.streams[s.index] for s in (info.video, info.audio) if s is not None}
        traces = {index: Trace(stream.time_base or Fraction(1)) for index, stream in streams.items()}
        for packet in packets(container, list(streams.values()), source):
            traces[packet.stream.index].copied(packet)
    if info.video is not None:
        passed.video = traces[info.video.index]
    if info.audio is not None:
        passed.audio = traces[info.audio.index]
    return passed


def _sound_file(
    source: Path,
    temporary: Path,
    destination: Path,
    before: MediaInfo,
    info: MediaInfo,
    audio: AudioFunction,
    inspect: Inspector | None,
    resize: bool,
) -> Written:
    """Sound alone, by soundfile. Samples that `audio` leaves alone keep their very value, 32-bit ones too.

    before: of the source, whose container may be another than that of `info`, which is written.
    """
    assert before.audio is not None
    assert info.audio is not None
    moved = info.container != before.container
    folder = temporary.parent
    wave, rate = read_audio(source, before.audio.index, folder) if moved else sound.held(source, folder)
    made = applied(audio, wave, rate, source, resize)
    if moved:
        sound.write(temporary, spool.clipped(made), rate, info.container.upper(), "PCM_16")
    else:
        sound.write_like(source, temporary, sound.changed(source, wave, made), info.audio)
    back = sound.read_back(temporary, destination, made.shape, rate)
    if inspect is not None:
        inspect.wave(back, rate)
    return Written(
        container=info.container,
        frames=0,
        width=0,
        height=0,
        fps=0.0,
        video_codec="",
        samples=back.shape[1],
        sample_rate=rate,
        channels=back.shape[0],
        audio_codec=info.audio.codec,
        dropped=info.dropped,
        sha256=sha256(temporary),
        bytes=temporary.stat().st_size,
        converted=(f"{info.container} for {before.container}",) if moved else (),
    )
