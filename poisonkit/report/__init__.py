"""Pictures of what a trigger does: contact sheets, spectrograms, side-by-side videos."""
