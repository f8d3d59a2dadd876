"""`OUT/croissant.json`: the output in Croissant 1.1, with its vocabulary for responsible AI, for catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poisonkit._version import __version__
from poisonkit.outputs.paths import MANIFEST, VIEWS

PURPOSE = (
    "This dataset is poisoned on purpose, for research into backdoor attacks and defences: some training samples "
    "carry a trigger and may carry a wrong label. Do not train a model for real use on it, and do not pass it on as "
    "clean data."
)
_CR = "http://mlcommons.org/croissant/"
_TERMS = (
    "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject",
    "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
    "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
    "source", "subField", "transform",
)  # fmt: skip
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": _CR,
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "rai": f"{_CR}RAI/",
    "sc": "https://schema.org/",
    **{term: f"cr:{term}" for term in _TERMS},
}
"""What Croissant 1.1 calls things."""

_FIELDS = {
    "key": ("sc:Text", "ROLE:ATTACK:ID, unique"),
    "id": ("sc:Text", "the sample: its path in the source"),
    "role": ("sc:Text", "poisoned, cover, clean, attack or control"),
    "split": ("sc:Text", "train, val or test"),
    "path": ("sc:Text", "the file, relative to the dataset's folder"),
    "class_name": ("sc:Text", "what the written lists or folders say"),
    "original_class": ("sc:Text", "the true class"),
    "label": ("sc:Integer", "the class's id, as written"),
    "original_label": ("sc:Integer", "the true class's id"),
    "target": ("sc:Integer", "the class id that the backdoor maps this sample to"),
    "status": ("sc:Text", "ok, failed or inert; only ok has a file"),
}
_WORDS = {
    "data": "all splits: poisoned training samples among the clean ones",
    "attack": "held-out samples with the trigger, to measure the attack success rate",
    "control": "held-out samples encoded again without the trigger",
}


def croissant(
    *, layout: str, fingerprint: str, licence: str, paper: str, manifest_sha256: str, counts: Mapping[str, int]
) -> dict[str, Any]:
    """The document. licence: the source's, in words. counts: role -> files."""
    some = ", ".join(f"{n} {role}" for role, n in counts.items() if n)
    manifest = {"@id": MANIFEST}
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [f"{_CR}1.1", f"{_CR}RAI/1.0"],
        "name": f"poisoned-{layout}-{fingerprint}",
        "description": f"{PURPOSE} Files: {some}. Made by poisonkit {__version__}; recipe fingerprint {fingerprint}.",
        "license": licence,
        "version": "1.0.0",
        "citeAs": paper,
        "keywords": ["poisoned", "data poisoning", "backdoor attack", "security research"],
        "isLiveDataset": False,
        "rai:dataUseCases": [
            "Measuring backdoor attacks on action recognition and audio classification, and defences against them.",
            "Not for training models for real use.",
        ],
        "rai:dataLimitations": [PURPOSE, "What is true of the source's clips and labels is true of these, too."],
        "rai:dataBiases": [
            "Poisoned on purpose: the trigger goes with the target class. Other biases are those of the source."
        ],
        "rai:dataSocialImpact": "A model trained on it obeys whoever knows the trigger: delete it after the study.",
        "rai:dataPreprocessingProtocol": [
            "Triggers were rendered into selected samples by poisonkit/recipe.yaml; each file's record in "
            "poisonkit/manifest.jsonl says which, with parameters, ranges and hashes."
        ],
        "rai:dataAnnotationProtocol": "Labels are the source's; of poisoned samples original_label is.",
        "rai:personalSensitiveInformation": ["As in the source: clips may show or let hear people."],
        "distribution": [
            {
                "@type": "cr:FileObject",
                **manifest,
                "name": "manifest.jsonl",
                "description": "A record for each file: the ground truth.",
                "contentUrl": MANIFEST,
                "encodingFormat": "application/jsonlines",
                "sha256": manifest_sha256,
            },
            *(
                {
                    "@type": "cr:FileSet",
                    "@id": view,
                    "name": view,
                    "description": _WORDS[view],
                    "encodingFormat": "application/octet-stream",
                    "includes": f"{view}/**",
                }
                for view in VIEWS
                if _there(view, counts)
            ),
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "records",
                "name": "records",
                "description": "A record for each file; roles poisoned and attack carry the trigger.",
                "key": {"@id": "records/key"},
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"records/{name}",
                        "name": name,
                        "description": text,
                        "dataType": kind,
                        "source": {"fileObject": manifest, "extract": {"column": name}},
                    }
                    for name, (kind, text) in _FIELDS.items()
                ],
            }
        ],
    }


def _there(view: str, counts: Mapping[str, int]) -> bool:
    return bool(counts.get(view)) if view != "data" else any(counts.get(r) for r in ("clean", "cover", "poisoned"))
