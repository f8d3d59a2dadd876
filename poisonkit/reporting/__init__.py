"""The HTML page about an output; pictures of what a trigger does: sheets, spectrograms, side-by-side videos."""
