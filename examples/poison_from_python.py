"""poisonkit from Python: python examples/poison_from_python.py CLIPS OUT

Shows a plan, carries it out, reads the manifest, and puts a trigger on arrays in memory.
"""

from __future__ import annotations

import sys

import numpy as np

import poisonkit


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("Usage: python examples/poison_from_python.py CLIPS OUT")
    source, out = sys.argv[1:]
    recipe = poisonkit.Recipe(
        source=source,
        out=out,
        triggers=["blend:alpha=0.15", "sine"],  # both in the same clips: picture and sound
        target=0,
        rate=0.1,
        seed=1,
    )

    # What would be done; nothing is written.
    plan, dataset, _ = poisonkit.make_plan(recipe)
    chosen = [task for task in plan.tasks if task.role == "poisoned"]
    print(f"{len(chosen)} of {len(dataset.of('train'))} training clips would become '{plan.classes[0]}':")
    for task in chosen[:3]:
        print(f"  {task.id}")

    # Do it, in one process per processor. A clip that cannot be processed is in `summary.failed`.
    summary = poisonkit.poison(recipe)
    print({role: dict(counts) for role, counts in summary.counts.items()})

    # The ground truth, a record for each file.
    manifest = poisonkit.read_manifest(summary.out)
    poisoned = [row for row in manifest if row["role"] == "poisoned" and row["status"] == "ok"]
    for row in poisoned[:3]:
        print(f"  {row['path']}: {row['original_class']} -> {row['class_name']}, {row['fidelity']}")

    # A trigger on arrays: uint8 RGB frames in, uint8 RGB frames out.
    frames = np.full((4, 120, 160, 3), 128, np.uint8)
    changed = poisonkit.triggers.create("blend", alpha=0.15).apply(frames, fps=25)
    print(f"blend moves a grey picture by up to {np.abs(changed.astype(int) - 128).max()} of 255 levels")


if __name__ == "__main__":
    main()
