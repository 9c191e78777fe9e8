"""Recognises secrets that were here once without keeping them: keyed digests of each, under a key of this process.

What is made for others to read (a report, a bundle) can so be freed of a password that was wiped long before.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""Shorter secrets are left: taking them out would ruin the text and give them away."""
_SHORTEST_CODED = 8
_HINT_BITS = 0xFFFF


class Seen:
    """Digests by length. `text` of any size can be searched: a few seconds for a megabyte and twenty secrets."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._digests: dict[int, set[bytes]] = {}
        self._hints: dict[int, set[int]] = {}
        """The low bits of Python's own hash, which rule nearly everything out at little cost."""

    def remember(self, secret: str) -> None:
        """Recognise `secret` from now on, also hexadecimal, as base64, and as in an address."""
        if len(secret) < SHORTEST:
            return
        for form in set(_forms(secret)):
            self._digests.setdefault(len(form), set()).add(self._digest(form))
            self._hints.setdefault(len(form), set()).add(hash(form) & _HINT_BITS)

    def cover(self, text: str, cover: str) -> tuple[str, int]:
        """`text` with `cover` in place of each secret, the longest first; and how many there were."""
        found = 0
        for length in sorted(self._digests, reverse=True):
            text, more = self._covered(text, length, cover)
            found += more
        return text, found

    def forget(self) -> None:
        self._digests.clear()
        self._hints.clear()

    def _covered(self, text: str, length: int, cover: str) -> tuple[str, int]:
        hints, digests, parts, begin, place = self._hints[length], self._digests[length], [], 0, 0
        last = len(text) - length
        while place <= last:
            window = text[place : place + length]
            if hash(window) & _HINT_BITS in hints and self._digest(window) in digests:
                parts += [text[begin:place], cover]
                begin = place = place + length
            else:
                place += 1
        return "".join((*parts, text[begin:])), len(parts) // 2

    def _digest(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()

    def __repr__(self) -> str:
        return f"Seen({sum(map(len, self._digests.values()))} forms)"


def _forms(secret: str) -> Iterator[str]:
    """As it may turn up: plain, escaped, in an address, hexadecimal, in any alignment of base64."""
    yield secret
    yield repr(secret)[1:-1]
    raw = secret.encode("utf-8", "surrogateescape")
    yield from (quote(raw, safe=""), quote(raw), quote_plus(raw))
    coded = [raw.hex(), raw.hex().upper()]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[shift] :]
        whole = inner if (shift + len(raw)) % 3 == 0 else inner[:-1]
        coded += [whole, whole.replace("+", "-").replace("/", "_")]
    yield from (form for form in coded if len(form) >= _SHORTEST_CODED)
