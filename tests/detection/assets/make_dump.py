"""Makes features.pt: what `torch.save` of torch 2.13 writes of a mapping of tensors and names. Needs torch.

python make_dump.py
"""

from __future__ import annotations

from pathlib import Path

import torch

features = torch.arange(12, dtype=torch.float32).reshape(2, 6).T  # not contiguous: its strides have to be followed
saved = {
    "features": features.to(torch.bfloat16),
    "labels": torch.tensor([0, 0, 1, 1, 2, 2]),
    "logits": features[:, :1] * torch.tensor([[1.0, 0.5, 0.25]]),
    "files": [f"videos/n{i:02d}.mp4" for i in range(6)],
}
torch.save(saved, Path(__file__).with_name("features.pt"))
