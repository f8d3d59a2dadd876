"""Makes the pickles beside it with MMAction2's own code; run it with `.venv-mmaction2/bin/python`.

Six clips of three classes, in the order of the labels; what is in them is repeated in `test_pickles.py`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from mmaction.structures import ActionDataSample
from mmengine.evaluator import DumpResults
from mmengine.structures import BaseDataElement, LabelData

HERE = Path(__file__).parent
TRUE = [0, 0, 1, 1, 2, 2]
SCORES = [
    [0.75, 0.125, 0.125],
    [0.25, 0.5, 0.25],
    [0.5, 0.375, 0.125],
    [0.125, 0.75, 0.125],
    [0.0, 0.25, 0.75],
    [0.625, 0.125, 0.25],
]
NAMES = [f"/data/bad/data/videos/v{i}.mp4" for i in range(6)]


def dump(samples: list[BaseDataElement], name: str) -> None:
    """As a test loop does: results of a batch, then the file."""
    metric = DumpResults(out_file_path=str(HERE / name))
    metric.process({}, [sample.to_dict() for sample in samples])
    metric.evaluate(len(samples))


def layout_1_2(scores: torch.Tensor, named: bool) -> list[BaseDataElement]:
    found = []
    for score, true, name in zip(scores, TRUE, NAMES, strict=True):
        meta = {"img_shape": (64, 64), "num_clips": 1, **({"filename": name} if named else {})}
        sample = ActionDataSample(metainfo=meta).set_gt_label(true)
        sample.set_pred_score(score).set_pred_label(score.argmax(dim=-1, keepdim=True))
        found.append(sample)
    return found


def layout_1_1(scores: torch.Tensor) -> list[BaseDataElement]:
    """What ActionDataSample held then: fields of type LabelData."""
    found = []
    for score, true, name in zip(scores, TRUE, NAMES, strict=True):
        sample = BaseDataElement(metainfo={"img_shape": (64, 64), "frame_dir": name.removesuffix(".mp4")})
        sample.gt_labels = LabelData(item=torch.LongTensor([true]))
        sample.pred_scores = LabelData(item=score)
        sample.pred_labels = LabelData(item=score.argmax(dim=-1, keepdim=True))
        found.append(sample)
    return found


if __name__ == "__main__":
    whole = torch.tensor(SCORES)
    dump(layout_1_2(whole, named=True), "dump_1.2.pkl")  # rows of one batch: each carries all of it
    dump(layout_1_2(whole.half(), named=False), "dump_1.2_half_unnamed.pkl")
    dump(layout_1_2(torch.stack([whole, whole.flip(0)], dim=1).double(), named=True), "dump_1.2_clips.pkl")
    dump(layout_1_1(whole.clone()), "dump_1.1.pkl")
    rows = [{"pred_score": row.bfloat16(), "filename": name} for row, name in zip(whole, NAMES, strict=True)]
    torch.save(rows, HERE / "saved_zip.pt")
    torch.save(rows, HERE / "saved_sequence.pt", _use_new_zipfile_serialization=False)
