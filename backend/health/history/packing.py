"""Readings as few bytes: one check as a row, and the sums of many hours or days as a compressed block. Pure.

A check is a byte for the number of readings, a byte for each one's number, then 32-bit floats. A block holds columns
(numbers, slots, counts, lows, middles, highs), bytes of one weight together, which deflate (RFC 1951) packs well: most
readings hardly change from hour to hour. Sums are rounded to 15 significant bits, which is 0.003 %.
"""

from __future__ import annotations

import math
import sys
import zlib
from array import array
from collections.abc import Iterable, Mapping

from backend.dataclass import dataclass
from backend.health.history.values import MOST_NAMES

_LARGEST = 3e38
"""Of a 32-bit float, nearly."""
_HALF, _KEPT = 0x100, 0xFFFFFE00
_MOST_BYTES = 4 << 20
"""Of an unpacked block: 255 readings of 32 slots are a fortieth of that."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Several checks together."""

    low: float
    middle: float
    high: float
    count: int


Block = dict[tuple[int, int], Sum]
"""By number of the reading and slot (0 to 255): the hour of a day, or the day of a stretch of 32 days."""


def can_be_kept(value: float) -> bool:
    """Whether `value` is a number that fits."""
    return math.isfinite(value) and abs(value) < _LARGEST


def pack_check(values: Mapping[int, float]) -> bytes:
    """The readings of one check, by their numbers (0 to 254)."""
    numbers = sorted(values)
    assert len(numbers) <= MOST_NAMES
    return bytes((len(numbers), *numbers)) + _floats(values[number] for number in numbers)


def unpack_check(data: bytes) -> dict[int, float]:
    """What `pack_check` packed. Raises ValueError for anything else."""
    count = data[0] if data else 0
    if len(data) != 1 + 5 * count:
        raise ValueError(f"{len(data)} bytes are no check of {count} readings")
    return dict(zip(data[1 : 1 + count], _from_floats(data[1 + count :]), strict=True))


def pack_block(block: Block) -> bytes:
    """Sums, sorted by reading, then slot."""
    keys = sorted(block)
    sums = [block[key] for key in keys]
    counts = array("H", (min(one.count, 0xFFFF) for one in sums))
    if sys.byteorder == "big":
        counts.byteswap()
    columns = (
        bytes(number for number, _ in keys),
        bytes(slot for _, slot in keys),
        _by_weight(counts.tobytes(), 2),
        *(_by_weight(_rounded(getattr(one, name) for one in sums), 4) for name in ("low", "middle", "high")),
    )
    return zlib.compress(b"".join(columns), 6)


def unpack_block(data: bytes) -> Block:
    """What `pack_block` packed. Raises ValueError for anything else."""
    try:
        plain = zlib.decompressobj().decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    size, rest = divmod(len(plain), 16)
    if rest:
        raise ValueError(f"{len(plain)} bytes are no block")
    numbers, slots = plain[:size], plain[size : 2 * size]
    counts = array("H", _in_turn(plain[2 * size : 4 * size], 2))
    if sys.byteorder == "big":
        counts.byteswap()
    low, middle, high = (
        _from_floats(_in_turn(plain[(4 + 4 * place) * size : (8 + 4 * place) * size], 4)) for place in range(3)
    )
    sums = (Sum(*one) for one in zip(low, middle, high, counts, strict=True))
    return dict(zip(zip(numbers, slots, strict=True), sums, strict=True))


def _floats(values: Iterable[float]) -> bytes:
    packed = array("f", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _from_floats(data: bytes) -> array[float]:
    packed = array("f", data)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed


def _rounded(values: Iterable[float]) -> bytes:
    bits = array("I", _floats(values))
    assert bits.itemsize == 4
    # Rounding up may carry into the exponent, which is right but for the largest: `can_be_kept` leaves those out.
    if sys.byteorder == "big":
        bits.byteswap()
    kept = array("I", ((one + _HALF) & _KEPT for one in bits))
    if sys.byteorder == "big":
        kept.byteswap()
    return kept.tobytes()


def _by_weight(data: bytes, width: int) -> bytes:
    return b"".join(data[place::width] for place in range(width))


def _in_turn(data: bytes, width: int) -> bytes:
    size = len(data) // width
    turned = bytearray(len(data))
    for place in range(width):
        turned[place::width] = data[place * size : (place + 1) * size]
    return bytes(turned)
