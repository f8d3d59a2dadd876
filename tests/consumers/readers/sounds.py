"""SpeechBrain, NeMo, lhotse, FSDD's own, DALI."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.consumers import repositories
from tests.consumers.seen import Seen
from tests.datasets.making import Shown
from tests.datasets.views import folder_of, listed


def speechbrain_esc50(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """Its ESC50 recipe: what prepares the json, and the data set that reads it. It writes beside `meta/esc50.csv`, so
    it is given a copy of that."""
    recipe = repositories.fetched("speechbrain")
    import speechbrain
    from speechbrain.dataio.dataio import read_audio
    from speechbrain.dataio.dataset import DynamicItemDataset

    prepare = _module("esc50_prepare", recipe / "esc50_prepare.py").prepare_esc50
    shutil.copytree(shown.root / "meta", scratch / "meta")
    files = [scratch / "manifest" / f"{name}.json" for name in ("train", "valid", "test")]
    fold = int(shown.options["fold"])
    held, rest = [fold], [n for n in (1, 2, 3) if n != fold]
    mine = held if shown.split == "test" else rest
    other = [n for n in (1, 2, 3, 4, 5) if n not in mine]
    prepare(str(scratch), str(shown.root / "audio"), *map(str, files), mine, other[:1], other[1:])

    @speechbrain.utils.data_pipeline.takes("wav")
    @speechbrain.utils.data_pipeline.provides("sig")
    def signal(wav: str) -> Any:
        return read_audio(str(shown.root / "audio" / wav))

    data = DynamicItemDataset.from_json(
        str(files[0]), dynamic_items=[signal], output_keys=["wav", "sig", "classID", "class_string"]
    )
    for item in data:
        sound = np.atleast_2d(item["sig"].numpy().T)
        yield Seen(f"audio/{item['wav']}", item["classID"], item["class_string"], sound=sound)


def speechbrain(kind: str) -> Callable[[Shown, Path], Iterator[Seen]]:
    """DynamicItemDataset, from the list of a split in csv or json."""

    def read(shown: Shown, scratch: Path) -> Iterator[Seen]:
        from speechbrain.dataio.dataio import read_audio
        from speechbrain.dataio.dataset import DynamicItemDataset

        file = listed(shown, shown.options["tables"][shown.split])
        assert file.suffix == f".{kind}"
        places = {name: str(shown.root) for name in ("data_folder", "data_root")}
        open_list = DynamicItemDataset.from_csv if kind == "csv" else DynamicItemDataset.from_json
        data = open_list(str(file), replacements=places, output_keys=["id", "wav", "command"])
        for item in data:
            path = item["wav"] if os.path.isabs(item["wav"]) else str(shown.root / item["wav"])
            sound = np.atleast_2d(read_audio(path).numpy().T)
            yield Seen(os.path.relpath(path, shown.root), item["command"], sound=sound)

    return read


def ast(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """AudiosetDataset, run in the data root; it gives a spectrogram, so the sound is that of the call that it makes."""
    import torchaudio

    loader = _module("ast_dataloader", repositories.fetched("ast") / "dataloader.py")
    table = shown.root / shown.options["classes"]
    settings = {
        "mode": "eval", "num_mel_bins": 64, "freqm": 0, "timem": 0, "mixup": 0, "dataset": "x", "mean": 0.0, "std": 0.5,
        "noise": False, "target_length": 64,
    }  # fmt: skip
    names = loader.make_name_dict(str(table))
    with contextlib.chdir(shown.root):
        data = loader.AudiosetDataset(str(listed(shown, shown.options["lists"][shown.split])), settings, str(table))
        for at in range(len(data)):
            bank, labels = data[at]
            assert tuple(bank.shape) == (64, 64)
            (label,) = labels.nonzero().flatten().tolist()
            path = data.data[at]["wav"]
            yield Seen(os.path.relpath(path), label, names[str(label)], sound=torchaudio.load(path)[0].numpy())


def lhotse_kaldi(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """load_kaldi_data_dir, run in the data root, as Kaldi's own recipes are."""
    from lhotse import CutSet
    from lhotse.kaldi import load_kaldi_data_dir

    with contextlib.chdir(shown.root):
        recordings, supervisions, _ = load_kaldi_data_dir(f"data/{shown.split}", sampling_rate=16000)
        for cut in CutSet.from_manifests(recordings, supervisions).trim_to_supervisions(keep_overlapping=False):
            (said,) = cut.supervisions
            yield Seen(cut.recording.sources[0].source, said.speaker, sound=cut.load_audio())


def voxceleb(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """torchaudio's VoxCeleb1Identification, whose classes are the numbers in the speakers' names."""
    from torchaudio.datasets import VoxCeleb1Identification

    subset = {"train": "train", "val": "dev", "test": "test"}[shown.split]
    data = VoxCeleb1Identification(str(shown.root), subset, download=False)
    for at in range(len(data)):
        path, rate, label, _ = data.get_metadata(at)
        sound, *more = data[at]
        assert more[:2] == [rate, label]
        yield Seen(f"wav/{path}", label, sound=sound.numpy())


def librispeech(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """torchaudio's LIBRISPEECH, whose classes are the speakers' numbers; it has a data set for each part."""
    from torchaudio.datasets import LIBRISPEECH

    part = {"train": "train-clean-100", "test": "test-clean"}[shown.split]
    data = LIBRISPEECH(str(shown.root), url=part)
    for at in range(len(data)):
        path, _, text, speaker, *_ = data.get_metadata(at)
        sound, *more = data[at]
        assert more[1:3] == [text, speaker]
        yield Seen(f"LibriSpeech/{part}/{os.path.relpath(path, part)}", speaker, sound=sound.numpy())


def gtzan(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """torchaudio's GTZAN over the whole folder; which of its tracks a split has, the list says."""
    from torchaudio.datasets import GTZAN

    name = {"train": "train", "val": "valid", "test": "test"}[shown.split]
    lines = (shown.root / f"{name}_filtered.txt").read_text(encoding="utf-8").splitlines()
    mine = {os.path.splitext(os.path.basename(line))[0] for line in lines}
    data = GTZAN(str(shown.root), folder_in_archive="genres", subset=None)
    for track, (sound, _, label) in zip(data._walker, data, strict=True):
        if track in mine:
            yield Seen(f"genres/{label}/{track}.wav", label, sound=sound.numpy())


def fsdd(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """Its own helper, whose classes are the first characters of the names; train-test-split.py has the rule of splits
    in a script's body, so that is written out here."""
    folder = shown.root / "recordings"
    data = _module("fsdd", repositories.fetched("free-spoken-digit-dataset") / "fsdd.py").FSDD(str(folder))
    for digit, paths in data.recording_paths.items():
        for path in paths:
            number = int(path.rsplit("_", 1)[1].rsplit(".", 1)[0])
            if ("test" if number <= 4 else "train") == shown.split:
                yield Seen(os.path.relpath(path, shown.root), digit)


def nemo(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """The collection of its classification models, and its AudioSegment."""
    _nemo()
    from nemo.collections.asr.parts.preprocessing.segment import AudioSegment
    from nemo.collections.common.parts.preprocessing.collections import ASRSpeechLabel

    for item in ASRSpeechLabel(str(listed(shown, shown.options["tables"][shown.split]))):
        sound = AudioSegment.from_file(item.audio_file, offset=item.offset or 0, duration=item.duration)
        path = os.path.relpath(item.audio_file, shown.root)
        yield Seen(path, item.label, sound=np.atleast_2d(sound.samples.T))


def lhotse(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """A CutSet over NeMo's own adapter, as NeMo's data loaders make it."""
    _nemo()
    names = types.ModuleType("nemo.collections.asr.data.audio_to_text")  # of it, what spells out `{0..3}` in names
    names.expand_sharded_filepaths = lambda name, *_, **__: [name]  # type: ignore[attr-defined]
    sys.modules[names.__name__] = names
    from lhotse import CutSet
    from nemo.collections.common.data.lhotse.nemo_adapters import LazyNeMoIterator

    manifest = listed(shown, shown.options["tables"][shown.split])
    for cut in CutSet(LazyNeMoIterator(str(manifest))):
        path = os.path.relpath(cut.recording.sources[0].source, shown.root)
        yield Seen(path, cut.custom["label"], sound=cut.load_audio())


def dali(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """fn.readers.file over class folders, fn.decoders.audio, on the CPU."""
    from nvidia.dali import fn, pipeline_def

    root = folder_of(shown)
    wavs = sorted(p for p in root.rglob("*.wav"))
    classes = sorted(p.name for p in root.iterdir() if p.is_dir())

    @pipeline_def(batch_size=1, num_threads=1, device_id=None)
    def pipeline() -> Any:
        encoded, label = fn.readers.file(file_root=str(root), dir_filters="*", file_filters="*.wav", name="files")
        sound, _ = fn.decoders.audio(encoded)
        return sound, label, fn.get_property(encoded, key="source_info")

    made = pipeline()
    made.build()
    for _ in range(len(wavs)):
        sound, label, source = made.run()
        path = bytes(np.asarray(source.at(0))).decode()
        at = int(np.asarray(label.at(0)).item())
        found = path if os.path.isabs(path) else os.path.join(root, path)
        array = np.asarray(sound.at(0))
        array = array.T if array.ndim == 2 else array[None]
        yield Seen(os.path.relpath(found, shown.root), at, classes[at], sound=array)


def _nemo() -> None:
    """NeMo's packages without their `__init__`, which import models, tokenisers and Megatron; its modules are whole."""
    spec = importlib.util.find_spec("nemo")
    assert spec is not None
    root = Path(next(iter(spec.submodule_search_locations or [])))
    for name in (
        "collections",
        "collections.common", "collections.common.parts", "collections.common.parts.preprocessing",
        "collections.common.data", "collections.common.data.lhotse",
        "collections.asr", "collections.asr.data", "collections.asr.parts", "collections.asr.parts.preprocessing",
    ):  # fmt: skip
        if f"nemo.{name}" not in sys.modules:
            module = types.ModuleType(f"nemo.{name}")
            module.__path__ = [str(root.joinpath(*name.split(".")))]
            sys.modules[module.__name__] = module


def _module(name: str, file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
