"""Folders of downloads, of many makers: `--encode convert`, `--skip-unwritable`, refusals that are told in one go."""

from __future__ import annotations

import re
from pathlib import Path

import av
import cv2
import pytest
import soundfile

from poisonkit import media
from tests.cli.conftest import Cli
from tests.media_factory import make_audio, make_video
from tests.runs import rows


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, each with a clip that can be written beside some that cannot."""
    root = tmp_path_factory.mktemp("mixed")
    for folder in ("train/jump", "train/spin", "test/jump"):
        make_video(root / folder / "a.mp4", frames=6, audio=True)
        make_video(root / folder / "a.ts", frames=6, codec="mpeg2video", seed=1)
        make_video(root / folder / "master.mov", frames=6, codec="prores_ks", pix_fmt="yuv422p10le", seed=2)
    make_video(root / "train/jump/old.flv", frames=6, codec="flv1", seed=3)
    return root


def by_path(out: Path) -> dict[tuple[str, str], dict[str, object]]:
    """The manifest's records by role and source."""
    return {(row["role"], row["source_path"]): dict(row) for row in rows(out)}


def test_all_refusals_are_told_in_one_go(cli: Cli, mixed: Path, tmp_path: Path) -> None:
    said = cli("poison", mixed, "-t", "blend", "--rate", 0.5, "--target", "spin", "-o", tmp_path / "out")
    assert said.status == 2
    for words in (
        "5 of 7 files cannot be rewritten: ",
        "2 × mpegts files cannot be written ('train/jump/a.ts', 'test/jump/a.ts')",
        "2 × the picture has 10 bits per sample; 8 can be written ('train/jump/master.mov', 'test/jump/master.mov')",
        "1 × flv1 video cannot be written in flv here ('train/jump/old.flv')",
        "`--encode convert` converts them, clean samples too, and writes the others in their own families",
        "`--skip-unwritable` leaves them as they are, without a trigger.",
    ):
        assert words in said.err
    assert "prores" not in said.err, "a file stands under its first reason, so that counts add up"
    assert sum(int(n) for n in re.findall(r"(\d+) × ", said.err)) == 5
    assert "train/spin" not in said.err  # of the target class: never asked for
    said = cli("poison", mixed, "-t", "blend", "--encode", "h264", "--count", 3, "--target", "spin", "--dry-run")
    assert said.status == 2
    assert "`--encode convert`" in said.err


def test_inspect_names_both_ways(cli: Cli, tmp_path: Path) -> None:
    for name in ("jump/a", "spin/b"):
        make_video(tmp_path / f"{name}.mp4", frames=4, pix_fmt="yuv420p10le")
    assert "Remedy: --to-8bit or --encode convert." in " ".join(cli("inspect", tmp_path).out.split())


@pytest.mark.parametrize("asked", [("--to-8bit",), ("--clean", "reencode", "--to-8bit")])
def test_a_clean_file_that_cannot_be_converted_is_refused_when_planned(
    cli: Cli, tmp_path: Path, asked: tuple[str, ...]
) -> None:
    for name in ("jump/a", "jump/b", "spin/c"):
        make_video(tmp_path / "clips" / f"{name}.mp4", frames=4)
    make_video(tmp_path / "clips/spin/master.mov", frames=4, codec="prores_ks", pix_fmt="yuv422p10le")
    words = ("-o", tmp_path / "out", "-t", "blend", "--count", 1, "--target", "spin")
    said = cli("poison", tmp_path / "clips", *words, *asked)
    assert said.status == 2
    assert "1 of 3 files" in said.err or "1 of 4 files" in said.complaint
    assert "1 × prores video cannot be written in mov here ('spin/master.mov')" in said.err
    assert not (tmp_path / "out").exists()


def test_convert_writes_each_in_its_own_family_where_it_can(cli: Cli, mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("-t", "blend", "--count", 3, "--target", "spin", "--encode", "convert", "--survival", "none")
    said = cli("poison", mixed, "-o", out, *words)
    assert said.status == 0, said.err
    found = by_path(out)
    names = {source: str(row["path"]).rpartition("/")[2] for (role, source), row in found.items() if role != "control"}
    # All files of a kind are called alike, clean and poisoned; a name that is there already gets a number.
    assert {names[f"{folder}/a.ts"] for folder in ("train/spin", "test/jump")} == {"a__2.mp4"}
    assert names["train/jump/old.flv"] == "old.flv"
    for (role, source), row in found.items():
        kind = Path(source).suffix
        if role == "clean" and kind == ".mp4":
            assert row["codec"] is None  # linked
            assert (out / str(row["path"])).samefile(mixed / source)
            continue
        streams, codec = row["streams"], row["codec"]
        assert isinstance(streams, dict)
        assert isinstance(codec, dict)
        assert codec["video"] == "h264"
        assert (
            streams["converted"]
            == {
                ".mp4": [],
                ".ts": ["h264 for mpeg2video", "mp4 for mpegts"],
                ".mov": ["8-bit", "h264 for prores"],
                ".flv": ["h264 for flv1"],
            }[kind]
        )
        file = out / str(row["path"])
        assert media.probe(file).container == {".ts": "mp4", ".mov": "mov", ".flv": "flv", ".mp4": "mp4"}[kind]
        with av.open(str(file)) as container:
            times = [float(frame.time or 0) for frame in container.decode(video=0)]
        assert len(times) == 6
        assert times[1] - times[0] == pytest.approx(0.04, abs=0.002)
        assert times[0] < 0.1  # broadcasts count from anywhere
        reader, frames = cv2.VideoCapture(str(file)), 0
        while reader.read()[0]:
            frames += 1
        assert frames == 6
    assert cli("verify", out, "--decode").status == 0
    assert cli("restore", out, "-o", tmp_path / "again").status == 0
    assert sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*.ts")) == sorted(
        p.relative_to(mixed) for p in mixed.rglob("*.ts")
    )


def test_sound_that_begins_late_stays_in_step(cli: Cli, tmp_path: Path) -> None:
    """wmv begins where it likes: the encoder's delay is heard in mp4, and is no part of what is compared."""
    for n, name in enumerate(("jump/a.wmv", "spin/b.wmv")):
        path = tmp_path / "clips" / name
        made = make_video(path, frames=12, codec="wmv2", audio=True, audio_codec="wmav2", rate=44100, seed=n)
        assert media.probe(made).container == "asf"
    out = tmp_path / "out"
    said = cli(
        "poison", tmp_path / "clips", "-o", out, "-t", "sine", "--count", 1, "--label-mode", "clean", "--encode",
        "convert", "--survival", "all",
    )  # fmt: skip
    assert said.status == 0, said.err
    row = by_path(out)["poisoned", "jump/a.wmv"]
    assert isinstance(row["fidelity"], dict)
    assert row["fidelity"]["gain"] > 0.9
    assert cli("verify", out, "--decode").status == 0


def test_sound_in_other_containers_becomes_flac(cli: Cli, tmp_path: Path) -> None:
    for n, name in enumerate(("jump/a.wav", "jump/b.aac", "spin/c.wav", "spin/d.aac")):
        make_audio(tmp_path / "sounds" / name, seconds=0.3, seed=n, codec="aac" if name.endswith("aac") else None)
    (tmp_path / "ids").write_text("jump/b.aac\n")
    out = tmp_path / "out"
    words = ("-t", "sine", "--ids", tmp_path / "ids", "--target", "spin", "--encode", "convert")
    said = cli("poison", tmp_path / "sounds", "-o", out, *words)
    assert said.status == 0, said.err
    found = by_path(out)
    assert str(found["poisoned", "jump/b.aac"]["path"]) == "data/spin/b.flac"
    assert str(found["clean", "spin/d.aac"]["path"]) == "data/spin/d.flac"
    heard, rate = soundfile.read(out / "data/spin/d.flac")
    assert (rate, heard.ndim) == (16000, 1)
    assert cli("verify", out, "--decode").status == 0


def test_skipped_files_stay_and_do_not_count(cli: Cli, mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("-t", "blend", "--rate", 0.5, "--target", "spin", "--skip-unwritable", "--survival", "none")
    said = cli("poison", mixed, "-o", out, *words)
    assert said.status == 0, said.err
    assert "--skip-unwritable: 7 of 10 files cannot be rewritten and stay as they are in the source" in said.err
    assert "counted from the 2 labelled training samples that are left of 7." in said.err
    found = by_path(out)
    skipped = {source for (role, source), row in found.items() if "unwritable" in row}
    assert len(skipped) == 7
    assert found["clean", "train/jump/old.flv"]["unwritable"] == "flv1 video cannot be written in flv here."
    assert [source for role, source in found if role == "poisoned"] == ["train/jump/a.mp4"]
    assert [source for role, source in found if role == "attack"] == ["test/jump/a.mp4"]
    assert (out / "data/train/jump/old.flv").samefile(mixed / "train/jump/old.flv")
    assert cli("verify", out).status == 0
    asked = ("-t", "blend", "--count", 2, "--target", "spin", "--dry-run")
    said = cli("poison", mixed, *asked, "--skip-unwritable")
    assert "only 1 are eligible" in said.err
    assert "; --skip-unwritable passes over 7 files)" in said.err
    said = cli("poison", mixed, "-o", tmp_path / "again", *words, "--clean", "reencode")
    assert said.status == 0, said.err
    assert (tmp_path / "again/data/train/jump/old.flv").samefile(mixed / "train/jump/old.flv")
    assert cli("verify", tmp_path / "again").status == 0


def test_layouts_with_fixed_names_refuse_other_suffixes(cli: Cli, tmp_path: Path) -> None:
    ucf = tmp_path / "ucf"
    for group in (1, 2, 3):
        for name in ("Jump", "Spin"):
            make_video(ucf / name / f"v_{name}_g0{group}_c01.avi", frames=4)
    make_video(tmp_path / "odd.ts", frames=4, codec="mpeg2video").replace(ucf / "Jump/v_Jump_g02_c01.avi")
    (ucf / "classInd.txt").write_text("1 Jump\n2 Spin\n")
    for name, groups in (("trainlist01", (1, 2)), ("testlist01", (3,))):
        lines = [f"{c}/v_{c}_g0{g}_c01.avi {n}" for g in groups for n, c in enumerate(("Jump", "Spin"), 1)]
        (ucf / f"{name}.txt").write_text("\n".join(lines) + "\n")
    words = ("-t", "blend", "--label-mode", "clean", "--target", "Jump", "--count", 2, "--encode", "convert")
    said = cli("poison", ucf, *words)
    assert said.status == 2
    told = "it would end with .mp4, and files of the layout 'ucf101' keep their suffixes ('Jump/v_Jump_g02_c01.avi')"
    assert told in said.err
