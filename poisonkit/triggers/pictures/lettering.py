"""Letters of 5 x 7 dots, drawn for this project: the same pixels on every machine, and no font to ship or to license.

OpenCV's own letters are others from version 5 on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact

WIDTH, HEIGHT, STEP = 5, 7, 6  # dots of a letter, and from each to the next

# Seven rows of five dots, two hexadecimal digits each, the leftmost dot the highest bit.
_DOTS = {
    " ": "00000000000000",
    "A": "0E11111F111111",
    "B": "1E11111E11111E",
    "C": "0E11101010110E",
    "D": "1C12111111121C",
    "E": "1F10101E10101F",
    "F": "1F10101E101010",
    "G": "0E11101711110F",
    "H": "1111111F111111",
    "I": "0E04040404040E",
    "J": "0702020202120C",
    "K": "11121418141211",
    "L": "1010101010101F",
    "M": "111B1515111111",
    "N": "11191513111111",
    "O": "0E11111111110E",
    "P": "1E11111E101010",
    "Q": "0E11111115120D",
    "R": "1E11111E141211",
    "S": "0F10100E01011E",
    "T": "1F040404040404",
    "U": "1111111111110E",
    "V": "11111111110A04",
    "W": "1111111515150A",
    "X": "11110A040A1111",
    "Y": "1111110A040404",
    "Z": "1F01020408101F",
    "0": "0E11131519110E",
    "1": "040C040404040E",
    "2": "0E11010204081F",
    "3": "1F02040201110E",
    "4": "02060A121F0202",
    "5": "1F101E0101110E",
    "6": "0608101E11110E",
    "7": "1F010204080808",
    "8": "0E11110E11110E",
    "9": "0E11110F01020C",
    ".": "00000000000C0C",
    ",": "000000000C0408",
    ":": "000C0C000C0C00",
    ";": "000C0C000C0408",
    "!": "04040404040004",
    "?": "0E110102040004",
    "-": "0000001F000000",
    "+": "0004041F040400",
    "/": "00010204081000",
    "(": "02040808080402",
    ")": "08040202020408",
    "'": "04040800000000",
    '"': "0A0A0A00000000",
    "#": "0A0A1F0A1F0A0A",
    "%": "18190204081303",
    "&": "0C12140815120D",
    "*": "0004150E150400",
    "=": "00001F001F0000",
    "_": "0000000000001F",
    "@": "0E11010D15150E",
    "<": "02040810080402",
    ">": "08040201020408",
    "[": "0E08080808080E",
    "]": "0E02020202020E",
    "$": "040F140E051E04",
}


def letters() -> str:
    """All that can be written; small letters are written as large ones."""
    return "".join(_DOTS)


def dots(text: str) -> NDArray[np.uint8]:
    """(7, 6·letters − 1), 0 or 1."""
    out = np.zeros((HEIGHT, STEP * len(text)), np.uint8)
    for i, letter in enumerate(text.upper()):
        for row, bits in enumerate(bytes.fromhex(_DOTS[letter])):
            for column in range(WIDTH):
                out[row, STEP * i + column] = bits >> (WIDTH - 1 - column) & 1
    return out[:, : max(STEP * len(text) - 1, 0)]


def covered(edges: NDArray[np.floating], first: int, pixels: int) -> NDArray[np.float32]:
    """(pixels, len(edges) − 1): the share of each pixel from `first` on that lies between two edges, in pixels."""
    at = np.arange(first, first + pixels)[:, None]
    ends = np.minimum(edges[None, 1:], at + 1) - np.maximum(edges[None, :-1], at)
    return np.asarray(np.clip(ends, 0, 1), np.float32)


def written(text: str, x: float, y: float, height: float, box: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """The text with letters of this height from (x, y) on, on the pixels of the box: (h, w) in 0..1, the share of each
    pixel that is letter. All in pixels."""
    left, top, width, rows = box
    drawn, dot = dots(text).astype(np.float32), height / HEIGHT
    down = covered(y + dot * np.arange(HEIGHT + 1), top, rows)
    across = covered(x + dot * np.arange(drawn.shape[1] + 1), left, width)
    return np.asarray(exact.product(exact.product(down, drawn), across.T), np.float32)
