"""JSON Schema of what an output says of itself: manifest records, recipe.yaml, run.json.

The files beside this module, in `schema/`, are made of it by `make pages` and come with the package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from poisonkit.outputs.record import VERSION, Record
from poisonkit.recipe.recipe import Recipe

FOLDER = Path(__file__).with_name("schema")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT, _NUMBER, _WHOLE, _MAPPING = ({"type": kind} for kind in ("string", "number", "integer", "object"))
_TEXTS = {"type": "array", "items": _TEXT}
_WHY = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"source_path": _TEXT, "error": _TEXT},
        "required": ["source_path", "error"],
    },
}


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> schema."""
    made = {"manifest-record": _record(), "recipe": _recipe(), "run": _run()}
    return {f"{name}.schema.json": _named(name, schema) for name, schema in made.items()}


def _named(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    where = f"https://poisonkit.github.io/poisonkit/schema/{VERSION}/{name}.schema.json"
    return {"$schema": DIALECT, "$id": where, "version": VERSION, **schema}


def _record() -> dict[str, Any]:
    return {**TypeAdapter(Record).json_schema(), "title": "A line of manifest.jsonl"}


def _recipe() -> dict[str, Any]:
    """One backdoor's fields may stand at the top; a trigger is `name:key=value` or a mapping with its name."""
    schema = Recipe.model_json_schema()
    backdoor = schema["$defs"]["Backdoor"]["properties"]
    schema["$defs"]["Trigger"] = {"anyOf": [_TEXT, {**_MAPPING, "required": ["name"]}]}
    schema["properties"] = {**backdoor, "temporal": _TEXT, **schema["properties"]}
    schema["anyOf"] = [{"required": ["backdoors"]}, {"required": ["triggers"]}]
    return {**{k: v for k, v in schema.items() if k != "required"}, "title": "recipe.yaml"}


def _run() -> dict[str, Any]:
    counts = {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": _WHOLE}}
    known = {
        "manifest_version": {"type": "integer", "minimum": 1, "maximum": VERSION},
        "fingerprint": _TEXT,
        "counts": counts,
        "choices": {"type": "array", "items": _MAPPING},
        "failed": _WHY,
        "inert": _WHY,
        "passed_over": _MAPPING,
        "warnings": _TEXTS,
        "clean_method": _TEXT,
        "survival": _MAPPING,
        "processed": _WHOLE,
        "seconds": _NUMBER,
        "jobs": _WHOLE,
        "finished": {"type": "string", "format": "date-time"},
        "host": _TEXT,
        "machine": _TEXT,
        "level": _TEXT,
        "python": _TEXT,
        "poisonkit": _TEXT,
        "libraries": {"type": "object", "additionalProperties": _TEXT},
        "out": _TEXT,
        "annotations": {"type": "object", "additionalProperties": _TEXTS},
        "sha256": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
        "source": _TEXT,
        "signature": _TEXT,
    }
    further = {"encode": _MAPPING, "attacks": _MAPPING, "reading": _MAPPING, "shard": _TEXT}
    return {"title": "run.json", "type": "object", "properties": {**known, **further}, "required": list(known)}
