"""A hook of mkdocs (mkdocs.yml): links out of docs/ lead into the repository."""

from __future__ import annotations

import posixpath
import re
from typing import Any

_LINK = re.compile(r"\]\((\.\.?/[^)\s]*)\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Links to files that lie beside docs/, examples and code, as links into the repository."""
    folder = posixpath.dirname(page.file.src_uri)

    def led(match: re.Match[str]) -> str:
        inside = posixpath.normpath(posixpath.join("docs", folder, match[1]))
        if inside.startswith("docs/"):
            return match[0]
        return f"]({config['extra']['social'][0]['link']}/blob/main/{inside})"

    return _LINK.sub(led, markdown)
