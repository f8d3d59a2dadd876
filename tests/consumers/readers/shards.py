"""The webdataset package, sounds and videos decoded from their bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from tests.consumers.readers import decoders
from tests.consumers.seen import Seen
from tests.datasets.making import Shown


def webdataset(suffix: str) -> Callable[[Shown, Path], Iterator[Seen]]:
    """As training scripts have it: `.decode()` for the class, the media's own bytes to a decoder."""

    def read(shown: Shown, scratch: Path) -> Iterator[Seen]:
        import io

        import webdataset as wds

        for shard in sorted(shown.root.glob(f"{shown.split}-*.tar")):
            data = wds.WebDataset(str(shard), shardshuffle=False, nodesplitter=None, empty_check=False)
            for sample in data.decode(only=["cls", "json"]):
                path = f"{shard.name}/{sample['__key__']}.{suffix}"
                if suffix == "wav":
                    sound, _ = soundfile.read(io.BytesIO(sample["wav"]), always_2d=True)
                    yield Seen(path, sample["cls"], sound=np.asarray(sound).T)
                else:
                    video = decoders.by_torchcodec(sample[suffix])
                    yield Seen(path, sample["cls"], None, len(video), video[0], video[-1])

    return read
