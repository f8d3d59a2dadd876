"""Help, version, what goes wrong on our side, interruptions, progress."""

from __future__ import annotations

import io
import os
import platform
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
from rich.console import Console

import poisonkit
from poisonkit.cli import app, options, poison
from poisonkit.cli.progress import EVERY, Lines, Live
from poisonkit.common import levels
from tests.cli.conftest import Cli

COMMANDS = ("poison", "run", "attack", "triggers", "inspect", "verify", "export", "identify", "survive", "sample-data")


def test_help_of_everything(cli: Cli) -> None:
    root = cli("--help")
    assert root.status == 0
    for name in COMMANDS:
        assert f" {name} " in root.out
        said = cli(name, "-h")
        assert said.status == 0
        assert f"poisonkit {name}" in said.out.split("Examples:")[1]
    assert cli().status == 2
    assert cli("--version").out.strip() == f"poisonkit {poisonkit.__version__}"


def test_versions_for_a_report(cli: Cli) -> None:
    said = cli("--version", "--verbose").out.splitlines()
    assert said[0] == f"poisonkit {poisonkit.__version__}"
    facts = dict(line.strip().split(": ", 1) for line in said[1:])
    assert facts["python"].startswith(platform.python_version())
    assert facts["numpy"] == numpy.__version__
    assert facts["level"] == levels.of_process()
    assert {"platform", "av", "FFmpeg in av", "libavcodec", "ffmpeg program", "libsndfile"} <= facts.keys()
    assert "libx264" in facts["encoders"]
    wrong = cli("--verbose")
    assert (wrong.status, "--verbose goes with --version" in wrong.err) == (2, True)


def test_help_and_listing_load_nothing_heavy() -> None:
    heavy = "{'numpy', 'cv2', 'av', 'librosa', 'scipy', 'soundfile', 'joblib', 'yaml'}"
    code = f"import sys; from poisonkit.cli import call; call(['poison', '-h']); print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
    heavy = heavy.replace("'numpy', ", "")
    code = (
        "import sys; from poisonkit.cli import call; call(['triggers']); call(['triggers', 'wanet']); "
        f"call(['triggers', 'style']); print({heavy} & {{*sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def _poison_options() -> dict[str, tuple[list[str], str]]:
    """Parameter -> (names, help) of `poisonkit poison`, from the built command."""
    import typer

    group = typer.main.get_command(app.make_app())
    command = group.commands["poison"]  # type: ignore[attr-defined]
    return {p.name: (p.opts, p.help or "") for p in command.params if p.name != "help"}


def test_every_recipe_key_is_an_option_and_the_defaults_shown_are_the_recipes() -> None:
    from poisonkit.recipe.backdoor import Backdoor
    from poisonkit.recipe.recipe import Recipe

    known = _poison_options()
    fields = {**Backdoor.model_fields, **Recipe.model_fields}
    lists = {"triggers", "attack_triggers"}
    keys = set(fields) - {"name", "backdoors", *lists} | {"trigger", "attack_trigger", "temporal"}
    running = {"jobs", "executor", "scheduler", "shard", "portable", "fresh", "time_limit", "calibrate"}
    running |= {"dry_run", "json"}
    assert set(known) == keys | running
    for name in keys - {
        "trigger",
        "attack_trigger",
        "temporal",
        "attack_set",
        "source",
        "out",
        "layout",
        "delimiter",
        "cover_class",
    }:
        names, text = known[name]
        assert names[0] == "--" + name.replace("_", "-")
        default = fields[name].default
        shown = text.partition("[default: ")[2].rstrip("]")
        if default is None or default is False or default == ():
            assert shown == "", name
        else:
            assert shown in (str(default), f"{default:g}" if isinstance(default, float) else ""), name


def test_the_layouts_named_in_help_are_those_that_exist() -> None:
    from poisonkit.datasets import layouts

    words = re.findall(r"[a-z0-9]+-[a-z0-9-]+", _poison_options()["layout"][1])
    assert words
    assert set(words) <= set(layouts())


def test_a_bug_is_called_a_bug(cli: Cli, monkeypatch: pytest.MonkeyPatch, clips: Path) -> None:
    def breaks(*given: object, **more: object) -> None:
        raise ValueError("out of\ncheese")

    monkeypatch.setattr(poisonkit, "poison", breaks, raising=False)
    said = cli("poison", clips, "-t", "blend")
    assert said.status == 1
    assert "bug in poisonkit (ValueError: out of cheese)" in said.complaint
    monkeypatch.setenv("POISONKIT_DEBUG", "1")
    assert "Traceback" in cli("poison", clips, "-t", "blend").err


def test_an_error_is_one_line_whatever_it_says(cli: Cli, monkeypatch: pytest.MonkeyPatch, clips: Path) -> None:
    def refuses(*given: object, **more: object) -> None:
        raise poisonkit.RequestError("A name\nof two lines.")

    monkeypatch.setattr(poisonkit, "poison", refuses, raising=False)
    assert cli("poison", clips, "-t", "blend").complaint == "A name of two lines."


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(cli: Cli, monkeypatch: pytest.MonkeyPatch, clips: Path, sent: signal.Signals) -> None:
    def stopped(*given: object, **more: object) -> None:
        os.kill(os.getpid(), sent)
        time.sleep(10)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(poisonkit, "poison", stopped, raising=False)
    # A shell starts what runs in the background with SIGINT ignored, and Python leaves it so: the tests too.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        said = cli("poison", clips, "-t", "blend")
    finally:
        signal.signal(signal.SIGINT, ours)
    assert said.status == 130
    assert said.complaint == "Interrupted; the same command continues."
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_name_that_is_no_text_can_be_printed(cli: Cli, clips: Path) -> None:
    try:
        os.rename(clips / "train" / "run" / "run 0.mp4", os.fsencode(clips / "train" / "run") + b"/r\xff.mp4")
    except OSError:
        pytest.skip("this file system takes no such name")
    said = cli("poison", clips, "-t", "blend", "--count", 16, "--no-attack-set", "--dry-run", "--jobs", 1)
    assert said.status in (0, 2)
    assert "bug" not in said.err


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines_are_few_and_end_with_a_last_one() -> None:
    text, clock = io.StringIO(), Clock()
    lines = Lines(text, clock)
    lines.begin("Poisoning", 100)
    for i in range(100):
        clock.now += 0.25
        lines.step({"status": "failed" if i == 0 else "ok"})
    lines.end()
    lines.end()
    said = text.getvalue().splitlines()
    assert said[0] == "Poisoning: 20/100 clips, 4.0 clips/s, 20 s left, 1 failed"
    assert said[-1] == "Poisoning: 100/100 clips, 4.0 clips/s, 1 failed"
    assert len(said) == 25 / EVERY


def test_a_phase_of_unknown_length_is_told_only_when_it_takes_long() -> None:
    text, clock = io.StringIO(), Clock()
    lines = Lines(text, clock)
    lines.begin("Opening candidates", 0)
    lines.step()
    lines.end()
    assert text.getvalue() == ""
    lines.begin("Opening candidates", 0)
    for _ in range(3):
        clock.now += EVERY / 2
        lines.step()
    lines.end()
    assert text.getvalue().splitlines() == [
        "Opening candidates: 2 clips, 0.4 clips/s",
        "Opening candidates: 3 clips, 0.4 clips/s",
    ]


def test_live_progress_shows_clips_and_failures() -> None:
    text = io.StringIO()
    live = Live(Console(file=text, force_terminal=True, width=120))
    live.begin("Poisoning", 2)
    live.step({"status": "failed"})
    live.say("a warning with [brackets]")
    live.step()
    live.end()
    live.end()
    said = text.getvalue()
    assert "2/2" in said
    assert "1 failed" in said
    assert "a warning with [brackets]" in said


def test_shared_options_say_their_names() -> None:
    assert options.given({"a": None, "b": False, "c": [], "d": 0, "e": ""}) == {"b": False, "d": 0, "e": ""}
    assert poison.EXAMPLES.startswith("Examples:")
