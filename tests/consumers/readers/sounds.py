"""SpeechBrain, NeMo, lhotse, FSDD's own, DALI."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.consumers import repositories
from tests.consumers.seen import Seen
from tests.datasets.making import Shown
from tests.datasets.test_views import folder_of, listed


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
