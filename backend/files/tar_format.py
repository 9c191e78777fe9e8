"""The tar format as far as plain files need it: headers are written and read here, nothing is opened. Pure.

POSIX ustar (pax(1), "ustar Interchange Format") with what GNU tar adds to it: long names in members of their own
(type L), numbers in base 256. Names are bytes. Whatever is read either parses or raises BadArchive.
"""

from __future__ import annotations

from enum import Enum

from backend.dataclass import dataclass

BLOCK = 512
"""Bytes of a header; contents are filled up to a multiple of it."""
END = bytes(2 * BLOCK)
"""What comes after the last member."""
MOST_SIZE = 1 << 62
_NAME, _PREFIX = 100, 155
_LONG_NAME = b"././@LongLink"
_OCTAL_SIZE = 8**11
_CHECKSUM = slice(148, 156)


class BadArchive(ValueError):
    """It is no tar, or a broken one."""


class Kind(Enum):
    """What a header is about, as far as it matters here."""

    FILE = "file"
    LONG_NAME = "long name"
    """Its content is the name of the next member (GNU)."""
    PAX = "pax"
    """Its content is about the next member (pax(1), "pax Extended Header")."""
    ABOUT = "about"
    """Its content tells something else: where a link leads (GNU), or what holds for the whole archive (pax)."""
    OTHER = "other"
    """A link, a directory, a device."""


_KINDS = {
    **dict.fromkeys((b"0", b"\0", b"7"), Kind.FILE),
    **dict.fromkeys((b"K", b"g"), Kind.ABOUT),
    b"L": Kind.LONG_NAME,
    b"x": Kind.PAX,
}
_WITHOUT_CONTENT = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))


@dataclass(frozen=True, slots=True)
class Header:
    """One header block, or what several of them say about one member."""

    name: bytes
    kind: Kind
    size: int
    """Bytes of content that follow."""
    modified: float


def padded(size: int) -> int:
    """`size`, filled up to whole blocks."""
    return -(-size // BLOCK) * BLOCK


# --- writing -----------------------------------------------------------------------------------------------------


def member(name: bytes, content: bytes, *, mode: int, modified: int) -> list[bytes]:
    """A plain file of the archive, in pieces. `modified`: whole seconds since 1970, 0 at least."""
    pieces = [*file_header(name, len(content), mode=mode, modified=modified), content]
    if gap := padded(len(content)) - len(content):
        pieces.append(bytes(gap))
    return pieces


def file_header(name: bytes, size: int, *, mode: int, modified: int) -> list[bytes]:
    """What comes before the content of a plain file."""
    fields = (mode, size, min(max(0, modified), _OCTAL_SIZE - 1))
    prefix, short = _split(name)
    if short is not None:
        return [_block(short, b"0", *fields, prefix=prefix)]
    whole = name + b"\0"
    gap = bytes(padded(len(whole)) - len(whole))
    return [_block(_LONG_NAME, b"L", 0o644, len(whole), 0), whole + gap, _block(name[:_NAME], b"0", *fields)]


def _split(name: bytes) -> tuple[bytes, bytes | None]:
    """Prefix and name as ustar has them; a name of None where they do not fit."""
    if len(name) <= _NAME:
        return b"", name
    cut = name.find(b"/", len(name) - _NAME - 1)
    if 0 < cut <= _PREFIX and cut < len(name) - 1:
        return name[:cut], name[cut + 1 :]
    return b"", None


def _block(name: bytes, kind: bytes, mode: int, size: int, modified: int, *, prefix: bytes = b"") -> bytes:
    # No owner: who unpacks is who it belongs to.
    before = b"%s%07o\0%07o\0%07o\0%s%011o\0" % (name.ljust(_NAME, b"\0"), mode, 0, 0, _number(size), modified)
    after = b"%s%sustar\x0000%s%s" % (kind, bytes(100), bytes(80), prefix.ljust(_PREFIX, b"\0"))
    total = sum(before) + sum(after) + 8 * 0x20
    return (b"%s%06o\0 %s" % (before, total, after)).ljust(BLOCK, b"\0")


def _number(value: int) -> bytes:
    """Twelve bytes: octal, or base 256 where that does not do (GNU)."""
    return b"%011o\0" % value if value < _OCTAL_SIZE else b"\x80" + value.to_bytes(11, "big")


# --- reading -----------------------------------------------------------------------------------------------------


def parse_header(block: bytes) -> Header | None:
    """One header block; None for a block of zeros, which ends an archive. Raises BadArchive."""
    if not block.strip(b"\0"):
        return None
    found = _parse_number(block[_CHECKSUM])
    # Some have taken the bytes as signed; both sums are right (pax(1), "chksum").
    total = sum(block) - sum(block[_CHECKSUM]) + 8 * 0x20
    if found != total and found != total - 256 * _high(block):
        raise BadArchive("a header whose checksum is wrong")
    kind = block[156:157]
    size = 0 if kind in _WITHOUT_CONTENT else _parse_number(block[124:136])
    if size < 0:
        raise BadArchive("a header with a negative size")
    return Header(_parse_name(block), _KINDS.get(kind, Kind.OTHER), size, float(_parse_number(block[136:148])))


def _high(block: bytes) -> int:
    return sum(byte > 0x7F for byte in block[:148]) + sum(byte > 0x7F for byte in block[156:])


def _parse_name(block: bytes) -> bytes:
    name = block[:_NAME].partition(b"\0")[0]
    if block[257:263] == b"ustar\0" and (prefix := block[345 : 345 + _PREFIX].partition(b"\0")[0]):
        return prefix + b"/" + name
    return name


def _parse_number(field: bytes) -> int:
    if field[0] & 0x80:
        # A negative time (0xff first) is one before 1970.
        value = int.from_bytes(field, "big", signed=True) if field[0] == 0xFF else _base256(field)
    else:
        digits = field.strip(b" \0").partition(b"\0")[0]
        if digits.strip(b"01234567"):
            raise BadArchive("a header with a number that is none")
        value = int(digits or b"0", 8)
    if value > MOST_SIZE:
        raise BadArchive("a header with an absurd number")
    return value


def _base256(field: bytes) -> int:
    return int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big")


def parse_pax(content: bytes) -> dict[bytes, bytes]:
    """The records of a pax extended header: `length key=value` lines. Raises BadArchive."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(content):
        digits, space, _ = content[at : at + 20].partition(b" ")
        if not space or not digits.isdigit():
            raise BadArchive("a pax record without a length")
        record = content[at : at + int(digits)]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if not equals or len(record) != int(digits) or record[-1:] != b"\n":
            raise BadArchive("a pax record that is cut short")
        records[key] = value
        at += len(record)
    return records
