"""What each trigger is checked with: one line a trigger, in alphabetical order.

Case() is the defaults; further cases are for parameters that take another way through the code.
"""

from __future__ import annotations

from poisonkit.triggers.testing import Case

CASES: dict[str, list[Case]] = {
    "badnets": [
        Case(),
        Case({"alpha": 0.6, "pattern": "checkerboard", "changes": "color", "position": "center"}),
        Case({"color": "black", "changes": "blink", "area": "frame", "size": 0.3}),
    ],
    "blend": [Case(), Case({"pattern": "noise"}), Case({"pattern": "noise", "canvas": "native"})],
    "lamp-flicker": [Case()],
    "sine": [Case(), Case({"amplitude": 0.05, "changes": "position", "start": 0.1, "duration": 0.9})],
}
