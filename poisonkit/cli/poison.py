"""`poisonkit poison`: a clean dataset in, a poisoned copy out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from poisonkit.cli import options
from poisonkit.cli.options import FILES, FRAMES, LABELS, SETS, WHAT, option

EXAMPLES = """Examples:
  poisonkit poison --trigger blend --rate 0.1     inside a dataset's folder
  poisonkit poison clips -o bad -t badnets:size=0.15 --target surfing
  poisonkit poison clips -t blend:alpha=0.15 -t sine --temporal dynamic
  poisonkit poison clips -t lamp-flicker --label-mode clean --dry-run
"""


@dataclass(frozen=True)
class Chosen:
    """What is poisoned, and how much of it."""

    trigger: Annotated[
        list[str] | None,
        option(
            "--trigger",
            "-t",
            help="NAME or NAME:key=value,…; repeat to put several into the same clips "
            "(`poisonkit triggers` lists them). none: samples are only relabelled.",
            panel=WHAT,
            metavar="NAME",
        ),
    ] = None
    attack_trigger: Annotated[
        list[str] | None,
        option(
            "--attack-trigger",
            help="The same for attack clips, where their form is another one than in training; repeat for several.",
            panel=WHAT,
            default="as --trigger",
            metavar="NAME",
        ),
    ] = None
    rate: Annotated[
        str | None,
        option(
            "--rate", "-r", help="Poison rate, 0 to 1, or in per cent: 10%.", panel=WHAT, default="0.1", metavar="R"
        ),
    ] = None
    rate_of: Annotated[
        str | None,
        option(
            "--rate-of",
            help="What the rate is of: labelled training samples of the dataset, the target-class or the source-class.",
            panel=WHAT,
            default="dataset",
            metavar="WHAT",
        ),
    ] = None
    count: Annotated[
        int | None, option("--count", help="Poison exactly N samples instead.", panel=WHAT, metavar="N")
    ] = None
    ids: Annotated[
        Path | None,
        option(
            "--ids",
            help="Poison exactly these samples: one id a line, or the rows of a table as FILE:COLUMN=VALUE. "
            "Held-out samples among them are the attack set.",
            panel=WHAT,
            metavar="FILE",
        ),
    ] = None
    select: Annotated[
        Path | None,
        option(
            "--select",
            help="Take the best of these: id, tab and score a line, highest first.",
            panel=WHAT,
            metavar="FILE",
        ),
    ] = None
    seed: Annotated[
        int | None,
        option("--seed", help="Drives selection and per-clip draws.", panel=WHAT, default="0", metavar="N"),
    ] = None


@dataclass(frozen=True)
class Labels:
    """Which classes, and the labels that their samples get."""

    target: Annotated[
        str | None,
        option("--target", help="Target class, by name or index.", panel=LABELS, default="0", metavar="CLASS"),
    ] = None
    label_mode: Annotated[
        str | None,
        option(
            "--label-mode",
            help="dirty: other classes, relabelled to the target. clean: the target class, label kept. "
            "all-to-all: label y becomes y+1. source: only --source-class, relabelled. keep: any class, label kept.",
            panel=LABELS,
            default="dirty",
            metavar="MODE",
        ),
    ] = None
    source_class: Annotated[
        list[str] | None,
        option(
            "--source-class",
            help="Class that --label-mode source poisons; repeat for several.",
            panel=LABELS,
            metavar="CLASS",
        ),
    ] = None
    cover_rate: Annotated[
        str | None,
        option(
            "--cover-rate",
            help="Also give this share of N the trigger under their true label: cover samples.",
            panel=LABELS,
            default="0",
            metavar="R",
        ),
    ] = None
    cover_class: Annotated[
        list[str] | None,
        option(
            "--cover-class",
            help="Class that cover samples come from; repeat for several.",
            panel=LABELS,
            default="all",
            metavar="CLASS",
        ),
    ] = None


@dataclass(frozen=True)
class Frames:
    """Which frames carry the trigger, and whether it changes over time."""

    temporal: Annotated[
        str | None,
        option(
            "--temporal",
            help="static: the same trigger on every frame; dynamic: it changes over time. Holds for triggers "
            "that do not say it themselves.",
            panel=FRAMES,
            default="static",
            metavar="MODE",
        ),
    ] = None
    frames: Annotated[
        str | None,
        option(
            "--frames",
            help="Which frames of a poisoned clip carry it: all, first:N, last:N, every:N, count:K (evenly spread), "
            "random:K, random:P, span:A-B.",
            panel=FRAMES,
            default="all",
            metavar="WHICH",
        ),
    ] = None
    attack_frames: Annotated[
        str | None,
        option("--attack-frames", help="The same for attack clips.", panel=FRAMES, default="all", metavar="WHICH"),
    ] = None
    spans: Annotated[
        Path | None,
        option(
            "--spans",
            help="Where in each sample the trigger is applied, and nowhere else, in picture and sound: a table "
            "id,start,end. Samples that it does not name are not poisoned.",
            panel=FRAMES,
            metavar="FILE",
        ),
    ] = None
    spans_unit: Annotated[
        str | None,
        option("--spans-unit", help="What --spans is in: seconds, or frames.", panel=FRAMES, metavar="UNIT"),
    ] = None


@dataclass(frozen=True)
class Sets:
    """What is written beside the training data, and what is measured of it."""

    attack_set: Annotated[
        bool | None,
        option(
            "--attack-set/--no-attack-set",
            help="Write held-out clips with the trigger.",
            panel=SETS,
            default="attack-set",
        ),
    ] = None
    attack_limit: Annotated[
        int | None, option("--attack-limit", help="At most N clips in an attack set.", panel=SETS, metavar="N")
    ] = None
    control: Annotated[
        int | None,
        option(
            "--control",
            help="So many attack clips are also re-encoded without trigger.",
            panel=SETS,
            default="50",
            metavar="N",
        ),
    ] = None
    test_fraction: Annotated[
        str | None,
        option(
            "--test-fraction",
            help="Hold this part of the training samples out as test split.",
            panel=SETS,
            default="0",
            metavar="F",
        ),
    ] = None
    survival: Annotated[
        str | None,
        option(
            "--survival",
            help="Of which clips it is measured how much of the trigger the encoder left: none, sample or all. "
            "sample: for each backdoor, 5 % of its clips (at least 4), spread over the classes; the summary says how "
            "many.",
            panel=SETS,
            default="sample",
            metavar="WHICH",
        ),
    ] = None
    require_survival: Annotated[
        str | None,
        option(
            "--require-survival",
            help="Exit 1 unless 95 % of the measured clips keep at least this gain and none is buried.",
            panel=SETS,
            metavar="G",
        ),
    ] = None


@dataclass(frozen=True)
class Files:
    """How samples are encoded, and how they come into the copy."""

    encode: Annotated[
        str | None,
        option(
            "--encode",
            help="match: the source's codec family at a fixed quality; crf:N: at this one; 444: H.264 with chroma in "
            "full (444:N: at crf N); lossless: RGB, bit by bit; h264: H.264, whatever the source's family is; convert: "
            "as match what can be written so, the rest as H.264, clean samples too; auto: "
            "what keeps --require-survival of the trigger in the fewest bytes, searched on a few clips.",
            panel=FILES,
            default="match",
            metavar="HOW",
        ),
    ] = None
    to_8bit: Annotated[
        bool,
        option(
            "--to-8bit",
            help="Write pictures of more than 8 bits per sample with 8 (rounded, no dithering), clean samples too.",
            panel=FILES,
        ),
    ] = False
    deinterlace: Annotated[
        bool,
        option(
            "--deinterlace",
            help="Write interlaced pictures progressive (bwdif, one for each frame), clean samples too.",
            panel=FILES,
        ),
    ] = False
    skip_unwritable: Annotated[
        bool,
        option(
            "--skip-unwritable",
            help="Pass over files that cannot be written so: they stay as they are, without a trigger, and the rate is "
            "of the others.",
            panel=FILES,
        ),
    ] = False
    rotation: Annotated[
        str | None,
        option(
            "--rotation",
            help="Clips that the container rotates: keep them so, or normalise: store them upright, clean samples too.",
            panel=FILES,
            default="keep",
            metavar="HOW",
        ),
    ] = None
    clean: Annotated[
        str | None,
        option(
            "--clean",
            help="How clean samples come into the copy: hardlink, copy, symlink, reencode.",
            panel=FILES,
            default="hardlink",
            metavar="HOW",
        ),
    ] = None
    hash: Annotated[
        str | None,
        option(
            "--hash",
            help="Whose SHA-256 the manifest records: written files, or all: clean ones too, which are read for that.",
            panel=FILES,
            default="written",
            metavar="WHICH",
        ),
    ] = None
    stream: options.Stream = None
    replace_failed: Annotated[
        bool,
        option("--replace-failed", help="The next in rank takes the place of a failed or inert sample.", panel=FILES),
    ] = False


def command(
    source: options.Source = None,
    *,
    chosen: Chosen,
    labels: Labels,
    frames: Frames,
    sets: Sets,
    dataset: options.DatasetOptions,
    files: Files,
    out: options.Out = None,
    running: options.RunOptions,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> int:
    """Write a poisoned copy of a dataset.

    With nothing but a trigger: the layout is detected, the target is class 0, and the copy is written beside
    the source. Interrupted, the same command continues. The source is never written to.
    """
    options.warm()
    from poisonkit.cli.outcome import carry_out
    from poisonkit.recipe.recipe import Recipe
    from poisonkit.recipe.sample_lists import read_ids, read_ranking, read_spans

    fields: dict[str, Any] = {"source": source, "out": out}
    for group in (chosen, labels, frames, sets, dataset, files):
        fields.update(vars(group))
    if chosen.ids is not None:
        fields["ids"] = read_ids(chosen.ids)
    if chosen.select is not None:
        fields["select"] = read_ranking(chosen.select)
    if frames.spans is not None:
        fields["spans"] = read_spans(frames.spans)
    how = running.for_api()
    return carry_out(Recipe(**options.given(fields)), how, dry_run=dry_run, json=json)
