"""`NAME:key=value,…` in and out, and the sentence for everything that is wrong."""

from __future__ import annotations

import json

import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create, from_entry, get, parameters, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("blend", ("blend", {})),
        (" blend ", ("blend", {})),
        ("blend:", ("blend", {})),
        ("blend:alpha=0.15", ("blend", {"alpha": 0.15})),
        ("x:a=1,b=-2.5,c=1e-3,d=.5", ("x", {"a": 1, "b": -2.5, "c": 0.001, "d": 0.5})),
        ("x:a=true, b=false,c=word", ("x", {"a": True, "b": False, "c": "word"})),
        ("x:a=[1,2.5,on],b=[]", ("x", {"a": [1, 2.5, "on"], "b": []})),
        ("x:p=/data/a b/cat.png,q=C:\\x\\y.npy", ("x", {"p": "/data/a b/cat.png", "q": "C:\\x\\y.npy"})),
        ("x:a=[[1,2],[3,4]],b=[[5,6]]", ("x", {"a": [[1, 2], [3, 4]], "b": [[5, 6]]})),
        ("x:p='a,b[=.png',q=\"it's\"", ("x", {"p": "a,b[=.png", "q": "it's"})),
        ("x:p=it's,q=a[1].png", ("x", {"p": "it's", "q": "a[1].png"})),
        ("x:canvas=short:128,size-px=3", ("x", {"canvas": "short:128", "size_px": 3})),
        ("x:p=a=b", ("x", {"p": "a=b"})),
        ("x:a='0.5'", ("x", {"a": "0.5"})),
        ("pkg.mod:Cls", ("pkg.mod:Cls", {})),
        ("pkg.mod:Cls:alpha=1", ("pkg.mod:Cls", {"alpha": 1})),
        ("mod:Cls:alpha=1", ("mod:Cls", {"alpha": 1})),
    ],
)
def test_parse(text: str, expected: tuple[str, dict[str, object]]) -> None:
    assert parse(text) == expected
    assert [type(v) for v in parse(text)[1].values()] == [type(v) for v in expected[1].values()]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("blnd", "There is no trigger 'blnd'. Did you mean 'blend'?"),
        (":alpha=1", "':alpha=1' names no trigger; expected NAME or NAME:key=value,…."),
        ("blend:alpha", "'alpha' in 'blend:alpha' is not key=value."),
        ("blend:alpha=", "A value is missing in 'blend:alpha='."),
        ("blend:alpha=0.1,alpha=0.2", "'alpha' is given twice in 'blend:alpha=0.1,alpha=0.2'."),
        ("blend:alpha=[1,2", "'blend:alpha=[1,2' has a bracket that is not closed."),
        ("blend:pattern='x", "'blend:pattern='x' has a quotation mark that is not closed."),
        ("blend:alhpa=2", "blend has no parameter 'alhpa'. Did you mean 'alpha'?"),
        ("blend:alpha=2", "blend: alpha is 2; it must be a number, 0 to 1."),
        ("blend:alpha=nan", "blend: alpha is nan; it must be a number, 0 to 1."),
        ("blend:alpha=true", "blend: alpha is true; it must be a number, 0 to 1."),
        ("blend:temporal=dynamc", "it must be one of static, dynamic. Did you mean 'dynamic'?"),
        ("blend:pattern=nosie", "(there is no file nosie at "),
        ("blend:pattern=nosie", "Did you mean 'noise'?"),
        ("blend:canvas=short:2", "blend: canvas is short:2; it must be short:N, N from 8 to 4096, or native."),
        ("sine:frequency=-5", "sine: frequency is -5 Hz; it must be a number, above 0 and at most 96000 Hz."),
        ("sine:snr=5,amplitude=0.1", "sine: give snr or amplitude, one of the two."),
        ("badnets:size_px=1.5", "badnets: size_px is 1.5 px; it must be a whole number, at least 1 px."),
        ("badnets:color=[1,2]", "badnets: color is [1,2]; it must be a colour: [R,G,B] of 0 to 255"),
        ("badnets:color=purle", "badnets: color is purle; a colour is [R,G,B], #rrggbb or one of black,"),
        ("badnets:position=[0.5,2]", "badnets: position is [0.5,2]; it must be one of top-left,"),
        ("badnets:changes=color,pattern=pyproject.toml", "pyproject.toml is not of a kind that can be used"),
    ],
)
def test_sentences(text: str, sentence: str) -> None:
    with pytest.raises(RequestError) as caught:
        create(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value).lower()


def test_create_takes_both_forms_and_keywords_win() -> None:
    assert create("blend:alpha=0.1") == create("blend", alpha=0.1)
    assert create("blend:alpha=0.1", alpha=0.3, temporal="dynamic").temporal == "dynamic"


def test_entries_are_json_and_come_back() -> None:
    trigger = create("badnets:position=[0.5,1],color=red,size_px=3", temporal="dynamic", trigger_seed=7)
    entry = json.loads(json.dumps(trigger.entry()))
    assert entry["name"] == "badnets"
    assert entry["version"] == 1
    assert entry["trigger_seed"] == 7
    assert "trigger_seed" not in entry["params"]
    assert from_entry(entry) == trigger
    assert from_entry({**entry, "drawn": {}}) == trigger
    assert from_entry({"name": "blend"}) == create("blend")


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"name": "blend", "version": 0}, "Version 0 of blend is not rendered .* the release that wrote it renders it"),
        ({"name": "blend", "version": 99}, "Version 99 of blend is not rendered .* a later one renders it"),
        ({"name": "blend", "parms": {}}, "has no 'parms'. Did you mean 'params'?"),
        ({"params": {}}, "needs a name"),
        ({"name": "blend", "params": 3}, "needs a name and a mapping of params"),
        ({"name": "blend", "params": {"pattern": {"name": "a.png", "sha256": "00"}}}, "by its hash only"),
    ],
)
def test_entries_that_are_wrong(entry: dict[str, object], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        from_entry(entry)


def test_a_trigger_of_one_form_does_not_list_the_other() -> None:
    found = {p.name: p for p in parameters(get("temporal-dft"))}
    assert "vary" not in found
    assert (found["temporal"].type, found["temporal"].choices) == ("one of static", ("static",))
    assert "dynamic" not in found["temporal"].description
    with pytest.raises(RequestError, match="this trigger is static only"):
        create("temporal-dft:temporal=dynamic")
    for text in ("temporal-dft:vary=often", "temporal-dft:vary=true"):
        with pytest.raises(RequestError, match="temporal-dft: vary is"):
            create(text)


def test_parameters_for_help() -> None:
    found = {p.name: p for p in parameters(get("sine"))}
    assert found["frequency"].unit == "Hz"
    assert found["frequency"].default == "800"
    assert found["frequency"].range == "above 0 and at most 96000"
    assert found["snr"].range == "-20 to 90"
    assert found["amplitude"].default == ""
    assert found["changes"].choices == ("frequency", "position")
    assert list(found)[-3:] == ["temporal", "vary", "trigger_seed"]
    assert all(p.description and p.type for p in found.values())
