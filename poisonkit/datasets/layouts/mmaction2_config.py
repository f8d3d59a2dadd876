"""A config fragment for MMAction2: the datasets, loaders and evaluators of lists that lie beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pprint import pformat

from poisonkit.datasets.base import Modality


@dataclass(frozen=True)
class Kind:
    """How MMAction2 reads one kind of list.

    reader: its dataset class. prefix: the key of `data_prefix`. meta: the key of a sample that names its file.
    models: a config of MMAction2 that fits. pipelines: text of `train_pipeline` and `test_pipeline`.
    """

    modality: Modality
    reader: str
    prefix: str
    meta: str
    models: str
    pipelines: str


_VIDEO = """
train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=8),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=8, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs', meta_keys=meta_keys),
]
"""

_FRAMES = _VIDEO.replace("    dict(type='DecordInit'),\n", "").replace("DecordDecode", "RawFrameDecode")

# MMAction2 takes rows of features by frames; the lists say as many frames as there are rows, 62.5 a second, so that 64
# is a second. A clip_len above a sound's rows would give it all zeros.
_AUDIO = """
train_pipeline = [
    dict(type='LoadAudioFeature'),
    dict(type='SampleFrames', clip_len=64, frame_interval=1, num_clips=1),
    dict(type='AudioFeatureSelector', fixed_length=64),
    dict(type='FormatAudioShape', input_format='NCTF'),
    dict(type='PackActionInputs'),
]
test_pipeline = [
    dict(type='LoadAudioFeature'),
    dict(type='SampleFrames', clip_len=64, frame_interval=1, num_clips=1, test_mode=True),
    dict(type='AudioFeatureSelector', fixed_length=64),
    dict(type='FormatAudioShape', input_format='NCTF'),
    dict(type='PackActionInputs', meta_keys=meta_keys),
]
"""

KINDS = {
    "mmaction2-video": Kind("video", "VideoDataset", "video", "filename", "_base_/models/tsn_r50.py", _VIDEO),
    "mmaction2-rawframes": Kind("video", "RawframeDataset", "img", "frame_dir", "_base_/models/tsn_r50.py", _FRAMES),
    "mmaction2-audio": Kind("audio", "AudioDataset", "audio", "audio_path", "_base_/models/audioonly_r50.py", _AUDIO),
}
"""By layout."""

_HEAD = """# MMAction2: a dataset that is POISONED on purpose, for research. Written by `poisonkit export`.
#
# A config of yours inherits from this and from a model, a schedule and a runtime (not from a whole recipe, which
# has loaders of its own):
#
#     _base_ = ['.../configs/{models}', '.../configs/_base_/default_runtime.py', '.../{file}']
#     model = dict(cls_head=dict(num_classes={classes}))
#
# It trains on the poisoned training list and is tested on the clean clips. For another set, such as {last}:
#
#     test_dataloader, test_evaluator = _base_.{last}_dataloader, _base_.{last}_evaluator
#
# Each set's predictions go to predictions-SET.pkl, which `poisonkit score OUT FILE…` reads. An attack set's target and
# original lists hold the same clips: one of them is enough.
# Sets: {sets}.
"""


def _place(path: str) -> str:
    """A path beside the fragment as Python writes text: a folder's name may hold quotes."""
    return repr(f"{{{{ fileDirname }}}}/{path}")


def config(
    file: str,
    layout: str,
    classes: Sequence[str],
    root: str,
    train: str | None,
    sets: Mapping[str, str],
    options: Mapping[str, object],
) -> str:
    """The fragment's text.

    file: its own name. layout: one of KINDS. root: the output's folder. train, sets: the training list, and a list for
    each set that a model can be tested on. All places are relative to the fragment's own folder, so that both may move.
    options: further arguments of the dataset class.
    """
    kind = KINDS[layout]
    more = "".join(f"        {name}={value!r},\n" for name, value in options.items())
    lists = {_identifier(name): _place(place) for name, place in sets.items()}
    last = next((name for name in lists if name != "clean"), "clean")
    text = _HEAD.format(models=kind.models, file=file, classes=len(classes), sets=", ".join(lists), last=last)
    text += f"\ndata_root = {_place(root)}\nnum_classes = {len(classes)}\n"
    text += f"class_names = {pformat(list(classes), width=100, compact=True)}\n\n"
    keys = ("img_shape", kind.meta) if kind.modality == "video" else (kind.meta,)
    text += f"meta_keys = {keys!r}  # so that predictions carry file names\n{kind.pipelines}\n"
    if train is not None:
        text += _loader(kind, "train", _place(train), more, True) + "\n"
    accuracy = f"dict(type='AccMetric', metric_options=dict(top_k_accuracy=dict(topk=(1, {min(5, len(classes))}))))"
    for name, place in lists.items():
        text += _loader(kind, name, place, more, False) + _evaluator(name, accuracy) + "\n"
    first = "clean" if "clean" in lists else next(iter(lists), None)
    if first is not None:
        text += f"val_dataloader = test_dataloader = {first}_dataloader\n"
        text += f"val_evaluator = [{accuracy}]\ntest_evaluator = {first}_evaluator\n"
    return text


def _loader(kind: Kind, name: str, file: str, options: str, train: bool) -> str:
    pipeline = "train_pipeline" if train else "test_pipeline, test_mode=True"
    return (
        f"{name}_dataloader = dict(\n    batch_size={8 if train else 1},\n    num_workers=2,\n"
        f"    persistent_workers=True,\n    sampler=dict(type='DefaultSampler', shuffle={train}),\n"
        f"    dataset=dict(\n        type='{kind.reader}',\n        ann_file={file},\n"
        f"        data_prefix=dict({kind.prefix}=data_root),\n{options}        pipeline={pipeline}))\n"
    )


def _evaluator(name: str, accuracy: str) -> str:
    dump = f"dict(type='DumpResults', out_file_path='predictions-{name}.pkl')"
    return f"{name}_evaluator = [\n    {accuracy},\n    {dump}]\n"


def _identifier(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
