"""poisonkit: poisoned copies of video and audio datasets, with ground truth proven by decoding them."""

from poisonkit._version import __version__

__all__ = ["__version__"]
