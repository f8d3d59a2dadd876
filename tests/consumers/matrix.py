"""Every consumer whose own code opens what poisonkit writes: one row each.

`make test-consumers` compares every row with the manifest (test_matrix.py) and notes what it found in
docs/consumers.json, of which docs/consumers.md is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.consumers.readers import decoders, hugging_face, mmaction, shards, sounds, torch_vision, video_trainers
from tests.consumers.seen import Read, Seen
from tests.datasets.makers import READERS
from tests.datasets.making import Shown

INDEX = "package index"
REPOSITORY = "repository"
HAND = "rules written by hand"


@dataclass(frozen=True)
class Consumer:
    """A reader of other people's.

    package, version: the distribution, and the start of the version that is meant; versions are pinned in
    tools/setup_consumers.sh. modules: what has to be there. repository: in tests/consumers/repositories.py.
    reads: names in tests/consumers/sources.py. ids: what its label is: the manifest's number, the place among the
    sorted class names, the class's name, one of its own (the same in all views), or nothing. content: whether it
    decodes.
    """

    name: str
    package: str
    version: str
    reads: tuple[str, ...]
    read: Read
    ids: Literal["manifest", "sorted", "name", "own", "none"] = "manifest"
    comes: str = INDEX
    modules: tuple[str, ...] = ()
    repository: str | None = None
    content: bool = True
    note: str = ""


FOLDERS = "class-folders"
FIVE, SOUNDS = "class-folders, five formats", "class-folders, sounds"
TORCHCODEC = ("torchvision", "torchcodec")
DECORD = ("decord",)
NEMO = ("nemo", "lightning", "lhotse")
NO_PICTURES = "3.6 decodes videos with torchvision's VideoReader, which is gone: paths and labels only"
BARE_NEMO = "its packages' `__init__` (models, tokenisers) are left out; its modules are whole"


def by_hand(layout: str, name: str) -> Consumer:
    """The transcription of a reader's rules that stands beside the layout's own tests, marked `@reads`."""

    def read(shown: Shown, scratch: Path) -> Iterator[Seen]:
        return (Seen(path, label) for path, label in READERS[layout](shown).items())

    return Consumer(name, "", "", (layout,), read, "own", HAND, content=False)


def hugging_face_rows(version: str) -> list[Consumer]:
    """The builders of one version of `datasets`."""
    new = version != "3.6"

    def row(name: str, reads: tuple[str, ...], read: Read, ids: str = "manifest", videos: bool = False) -> Consumer:
        content = new or not videos
        note = "" if content else NO_PICTURES
        modules = ("datasets", "torchcodec") if new else ("datasets",)
        return Consumer(
            f"Hugging Face {name}", "datasets", version, reads, read, ids, modules=modules, content=content, note=note
        )  # type: ignore[arg-type]

    face = hugging_face
    videos = (FOLDERS, "hugging-face")
    rows = [
        row("videofolder", videos, face.folder("video"), "sorted", videos=True),
        row("audiofolder", (SOUNDS,), face.folder("audio"), "sorted"),
        row("webdataset", ("webdataset",), face.webdataset("wav")),
        row("webdataset, videos", ("webdataset, videos",), face.webdataset("mp4"), videos=True),
        row("json", ("nemo",), face.json_lines(), "name"),
        row("json, column audio", ("hugging-face-json",), face.json_with_audio),
        row("csv", ("table",), face.csv, videos=True),
        row("csv, without a header", ("vggsound",), face.csv_of_vggsound, "name", videos=True),
        row("audiofolder, streaming", (SOUNDS,), face.folder("audio", streaming=True), "sorted"),
        row("webdataset, streaming", ("webdataset",), face.webdataset("wav", streaming=True)),
        row("json, streaming", ("nemo",), face.json_lines(streaming=True), "name"),
    ]
    streamed = row("videofolder, streaming", videos, face.folder("video", streaming=True), "sorted", videos=True)
    return [*rows, streamed] if new else rows


MATRIX: tuple[Consumer, ...] = (
    Consumer("torchvision DatasetFolder", "torchvision", "0.28", (FOLDERS, SOUNDS), torch_vision.dataset_folder,
             "sorted", modules=TORCHCODEC, note="with `allow_empty=True`; torchcodec is the loader"),
    Consumer("torchvision UCF101", "torchvision", "0.28", ("ucf101",), torch_vision.ucf101, "sorted",
             modules=TORCHCODEC),
    Consumer("torchvision HMDB51", "torchvision", "0.28", ("hmdb51",), torch_vision.hmdb51, "sorted",
             modules=TORCHCODEC),
    Consumer("torchvision Kinetics", "torchvision", "0.28", ("kinetics", "kinetics, folders with spaces", FOLDERS),
             torch_vision.kinetics, "sorted", modules=TORCHCODEC),
    Consumer("torchaudio SPEECHCOMMANDS", "torchaudio", "2.11", ("speech-commands",), torch_vision.speech_commands,
             "name", modules=("torchaudio", "torchcodec"), note="speaker and number are read from the names"),
    Consumer("torchcodec VideoDecoder", "torchcodec", "0.13", (FIVE,), decoders.decoder(decoders.by_torchcodec),
             "none", modules=("torchcodec",)),
    Consumer("torchcodec AudioDecoder", "torchcodec", "0.13", (SOUNDS,), decoders.sound_by_torchcodec, "none",
             modules=("torchcodec",)),
    Consumer("decord", "decord", "0.6", (FIVE,), decoders.decoder(decoders.by_decord), "none", modules=DECORD),
    Consumer("PyAV", "av", "18", (FIVE,), decoders.decoder(decoders.by_pyav), "none"),
    Consumer("OpenCV", "opencv-python", "5", (FIVE,), decoders.decoder(decoders.by_opencv), "none"),
    Consumer("PyTorchVideo LabeledVideoDataset, folders", "pytorchvideo", "0.1.5", (FOLDERS, "kinetics"),
             video_trainers.pytorchvideo_folders, "sorted", modules=("pytorchvideo",)),
    Consumer("PyTorchVideo LabeledVideoDataset, list", "pytorchvideo", "0.1.5", ("pytorchvideo",),
             video_trainers.pytorchvideo_list, modules=("pytorchvideo",)),
    Consumer("PySlowFast Kinetics", "slowfast", "", ("pyslowfast",), video_trainers.pyslowfast, comes=REPOSITORY,
             repository="SlowFast", modules=("fvcore", "iopath", "simplejson"),
             note="its class decodes nothing with today's torchvision or PyAV: pictures are its own `pyav_decode`'s"),
    Consumer("VideoMAE VideoClsDataset", "VideoMAE", "", ("pyslowfast",), video_trainers.videomae, comes=REPOSITORY,
             repository="VideoMAE", modules=DECORD,
             note="run in the data root; NumPy's old `disp`, which it imports and never calls, is stood in for"),
    *hugging_face_rows("5.2"),
    *hugging_face_rows("3.6"),
    Consumer("webdataset", "webdataset", "1", ("webdataset",), shards.webdataset("wav")),
    Consumer("webdataset, videos", "webdataset", "1", ("webdataset, videos",), shards.webdataset("mp4"),
             modules=("torchcodec",)),
    Consumer("SpeechBrain ESC-50 recipe, DynamicItemDataset", "speechbrain", "1.1", ("esc50",),
             sounds.speechbrain_esc50, comes=REPOSITORY, repository="speechbrain", modules=("speechbrain",)),
    Consumer("FSDD's own helper", "free-spoken-digit-dataset", "", ("fsdd",), sounds.fsdd, comes=REPOSITORY,
             repository="free-spoken-digit-dataset", ids="name", content=False, modules=("scipy", "PIL"),
             note="its rule of splits is written by hand"),
    Consumer("NeMo ASRSpeechLabel", "nemo_toolkit", "3", ("nemo",), sounds.nemo, "name", modules=NEMO, note=BARE_NEMO),
    Consumer("lhotse CutSet, by NeMo's LazyNeMoIterator", "lhotse", "1.3", ("nemo",), sounds.lhotse, "name",
             modules=NEMO, note=BARE_NEMO),
    Consumer("DALI readers.file, decoders.audio", "nvidia-dali-cuda120", "2", (SOUNDS,), sounds.dali, "sorted",
             modules=("nvidia.dali",)),
    Consumer("MMAction2 VideoDataset", "mmaction2", "1.2", ("mmaction2-video",), mmaction.videos,
             modules=("mmaction",)),
    Consumer("MMAction2 RawframeDataset", "mmaction2", "1.2", ("mmaction2-rawframes",), mmaction.frames,
             modules=("mmaction",)),
    Consumer("MMAction2 AudioDataset", "mmaction2", "1.2", ("mmaction2-audio",), mmaction.features, content=False,
             modules=("mmaction",), note="reads features, not sounds; these are compared by `make test-mmaction2`"),
    Consumer("AST AudiosetDataset", "ast", "", ("ast",), sounds.ast, comes=REPOSITORY, repository="ast",
             modules=("torchaudio", "torchcodec"), note="run in the data root, as its lists name sounds"),
    Consumer("SpeechBrain DynamicItemDataset, csv", "speechbrain", "1.1", ("speechbrain",), sounds.speechbrain("csv"),
             "name", modules=("speechbrain",)),
    Consumer("SpeechBrain DynamicItemDataset, json", "speechbrain", "1.1", ("speechbrain, json",),
             sounds.speechbrain("json"), "name", modules=("speechbrain",)),
    Consumer("lhotse load_kaldi_data_dir", "lhotse", "1.3", ("kaldi",), sounds.lhotse_kaldi, "name",
             modules=("lhotse",), note="run in the data root, as its lists name sounds"),
    Consumer("torchaudio VoxCeleb1Identification", "torchaudio", "2.11", ("voxceleb",), sounds.voxceleb, "own",
             modules=("torchaudio", "torchcodec")),
    Consumer("torchaudio GTZAN", "torchaudio", "2.11", ("gtzan",), sounds.gtzan, "name",
             modules=("torchaudio", "torchcodec"), note="the lists of its splits are read by the test"),
    Consumer("torchaudio LIBRISPEECH", "torchaudio", "2.11", ("librispeech",), sounds.librispeech, "name",
             modules=("torchaudio", "torchcodec")),
    by_hand("timit", "PyTorch_Speaker_Verification's data_preprocess.py"),
    by_hand("ucf101-frames", "DPC's write_csv.py, UCF101"),
    by_hand("hmdb51-frames", "DPC's write_csv.py, HMDB51"),
    by_hand("audiomnist", "AudioMNIST's preprocess_data.py"),
    by_hand("urbansound8k", "soundata, UrbanSound8K"),
    by_hand("something-something", "PySlowFast's Ssv2"),
    by_hand("jester", "pytorch_20BN-JESTER's JesterDataset"),
    by_hand("crema-d", "OGM-GE's CramedDataset"),
    by_hand("kinetics-sounds", "KSDataset of loaders after OGM-GE"),
    by_hand("ave", "AVEDataset of loaders after OGM-GE"),
    by_hand("pair", "csv.DictReader"),
)  # fmt: skip
