"""What a recipe says in vain or twice: allowed, and told."""

from __future__ import annotations

from collections.abc import Iterator

from poisonkit.recipe.backdoor import Backdoor


def remarks(backdoor: Backdoor) -> Iterator[str]:
    """A sentence for each."""
    entries = [trigger.entry() for trigger in backdoor.triggers]
    for name in dict.fromkeys(entry["name"] for n, entry in enumerate(entries) if entry in entries[:n]):
        yield f"The trigger {name} is given twice with the same parameters, and is put into each clip twice."
    if backdoor.label_mode == "all-to-all" and backdoor.target != 0:
        yield (
            f"The target '{backdoor.target}' has no meaning with label mode all-to-all, where class y becomes y+1: it "
            "is ignored."
        )
    if backdoor.cover_class and not backdoor.cover_rate:
        yield "Cover classes have no meaning without a cover rate: they are ignored."
