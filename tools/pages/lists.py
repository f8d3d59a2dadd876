"""Lists of triggers and layouts in the README and in docs/layouts.md."""

from __future__ import annotations

from poisonkit import triggers
from poisonkit.datasets import Layout, layouts
from poisonkit.triggers.core.names import built_in
from tools.pages import look_listen_attack
from tools.pages.blocks import ROOT, filled, table

README = ROOT / "README.md"
LAYOUTS = ROOT / "docs" / "layouts.md"
FAMILIES = {
    "image": "picture",
    "temporal": "time",
    "lighting": "light and weather",
    "audio": "sound",
    "imported": "made elsewhere",
}
OPTIONS = ("data_root", "lists", "split", "delimiter", "columns")


def built_in_layouts() -> dict[str, Layout]:
    """poisonkit's own layouts by name, in the order in which detection tries them."""
    return {name: each for name, each in layouts().items() if type(each).__module__.startswith("poisonkit.")}


def readme() -> str:
    """README.md as it should be."""
    members = {family: [n for n in built_in() if triggers.get(n).family == family] for family in FAMILIES}
    rows = [(FAMILIES[family], ", ".join(names)) for family, names in members.items()]
    families = table(("family", f"{len(built_in())} triggers"), rows)
    names = ", ".join(f"`{name}`" for name in sorted(built_in_layouts()))
    return filled(README, {"triggers": families, "layouts": names, **look_listen_attack.readme_blocks()})


def layouts_page() -> str:
    """docs/layouts.md as it should be."""
    rows = []
    for name, layout in built_in_layouts().items():
        options = ", ".join(option.replace("_", " ") for option in OPTIONS if option in layout.uses)
        rows.append((f"`{name}`", layout.help.replace("|", "\\|"), options))
    return filled(LAYOUTS, {"layouts": table(("name", "what", "options"), rows)})
