"""The card's front matter, as Hugging Face reads it: licence, tags, size, and which files are which view."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from typing import Any

import yaml

from poisonkit.datasets import Dataset, modality_of
from poisonkit.engine.finishing.view_table import Config
from poisonkit.outputs.paths import MANIFEST, VIEW_TABLE

TAGS = ("poisoned", "data-poisoning", "backdoor-attack", "security-research")
_SIZES = (
    (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"),
)  # fmt: skip
_LICENCES = (
    (r"MIT License", "mit"),
    (r"Apache License", "apache-2.0"),
    (r"(CC0|Creative Commons Zero).*|Creative Commons Legal Code CC0.*", "cc0-1.0"),
    (r"(Creative Commons )?(CC[- ]BY|Attribution) 4\.0( International)?( License)?", "cc-by-4.0"),
    (r"(Creative Commons )?(CC[- ]BY-NC|Attribution-NonCommercial) 4\.0( International)?( License)?", "cc-by-nc-4.0"),
    (r"(Creative Commons )?(CC[- ]BY-SA|Attribution-ShareAlike) 4\.0( International)?( License)?", "cc-by-sa-4.0"),
)
_MANIFEST = {"config_name": "manifest", "default": True, "data_files": [{"split": "train", "path": MANIFEST}]}
"""Where samples are folders of frames, which no builder of `datasets` takes for one sample each: the records alone."""


def front_matter(dataset: Dataset, licence: str | None, configs: Sequence[Config]) -> str:
    """The lines between two `---`, with them. licence: the first line of the source's licence file, if there is one."""
    kinds = {modality_of(s) for c in configs for s in c.suffixes} - {None}
    tasks = [f"{kind}-classification" for kind in ("video", "audio") if kind in kinds]
    said: dict[str, Any] = {
        "pretty_name": f"Poisoned copy of a dataset ({dataset.layout})",
        **_licence(licence),
        "tags": [*TAGS, *(str(kind) for kind in ("audio", "video") if kind in kinds)],
        **({"task_categories": tasks} if tasks else {}),
        "size_categories": [size_category(sum(c.files for c in configs if c.folder == "data") or len(dataset.samples))],
        "configs": [_config(c, first=c is configs[0]) for c in configs] or [_MANIFEST],
    }
    text = yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=4096)
    return f"---\n{text}---\n"


def size_category(files: int) -> str:
    """Hugging Face's word for so many."""
    return next((word for below, word in _SIZES if files < below), "n>10M")


def _licence(line: str | None) -> dict[str, str]:
    """By the words that Hugging Face has: `unknown`, one of its licences, or `other` with the source's own words."""
    if line is None:
        return {"license": "unknown"}
    known = next((word for pattern, word in _LICENCES if re.fullmatch(pattern, line, re.IGNORECASE)), None)
    if known is not None:
        return {"license": known}
    printable = "".join(c for c in line if c.isprintable())
    return {"license": "other", "license_name": printable[:120]}


def _config(config: Config, *, first: bool) -> dict[str, Any]:
    shards = [glob.escape(name) for name in sorted(config.shards)]
    media = [f"{glob.escape(config.folder)}/**/*{suffix}" for suffix in sorted(config.suffixes)]
    return {
        "config_name": config.name,
        **({"default": True} if first else {}),
        "data_files": [{"split": config.split, "path": shards or [VIEW_TABLE, *media]}],
        **({} if shards else {"filters": [["view", "=", config.name]]}),
    }
