"""Secrets in memory: one wrapper that never shows itself, one vault that forgets on demand.

Python cannot promise that no copy of a string survives; what is promised is that our copies are overwritten, and that a
secret reaches no log, repr, traceback, argument list, environment or file through us.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import NoReturn, Self

REDACTED = "•••"
_SHORTEST_REDACTED = 3


class Secret:
    """A password, passphrase or one-time code. Its repr, str and pickles do not hold it."""

    __slots__ = ("_raw",)

    def __init__(self, text: str) -> None:
        self._raw = bytearray(text.encode("utf-8", "surrogateescape"))

    def reveal(self) -> str:
        """The secret itself, for the one call that sends it. Do not keep what this returns."""
        return self._raw.decode("utf-8", "surrogateescape")

    def wipe(self) -> None:
        """Overwrite it; it is empty from now on."""
        self._raw[:] = bytes(len(self._raw))
        self._raw.clear()

    def copy(self) -> Self:
        """A secret of its own with the same content, wiped apart from this one."""
        return type(self)(self.reveal())

    def __bool__(self) -> bool:
        return bool(self._raw)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not stored or sent")


class Vault:
    """Secrets by host and purpose, for as long as somebody is connected."""

    def __init__(self) -> None:
        self._secrets: dict[tuple[str, Hashable], Secret] = {}
        self._notes: dict[tuple[str, Hashable], frozenset[bytes]] = {}

    def put(self, host: str, purpose: Hashable, secret: Secret) -> None:
        """Keep a copy of `secret`; what was kept for the same purpose is wiped."""
        self.forget_one(host, purpose)
        self._secrets[(host, purpose)] = secret.copy()

    def get(self, host: str, purpose: Hashable) -> Secret | None:
        """The kept secret; do not wipe it, ask the vault to forget it."""
        return self._secrets.get((host, purpose))

    def forget_one(self, host: str, purpose: Hashable) -> None:
        """Wipe one secret, as after the server refused it."""
        known = self._secrets.pop((host, purpose), None)
        if known is not None:
            known.wipe()

    def forget(self, host: str) -> None:
        """Wipe everything that belongs to `host`, as at disconnect."""
        for key in [key for key in self._secrets if key[0] == host]:
            self._secrets.pop(key).wipe()
        for key in [key for key in self._notes if key[0] == host]:
            self._notes.pop(key)

    def note(self, host: str, purpose: Hashable, what: frozenset[bytes]) -> None:
        """Remember something about `host` that is no secret, for as long as its secrets."""
        self._notes[(host, purpose)] = what

    def noted(self, host: str, purpose: Hashable) -> frozenset[bytes]:
        return self._notes.get((host, purpose), frozenset())

    @contextmanager
    def lent(self, host: str, *, in_use: Callable[[], bool]) -> Iterator[None]:
        """What comes in for `host` meanwhile is wiped at the end, unless somebody else has a use for it then."""
        before = {key for key in self._secrets if key[0] == host}
        try:
            yield
        finally:
            if not in_use():
                for key in [key for key in self._secrets if key[0] == host and key not in before]:
                    self.forget_one(*key)

    def wipe(self) -> None:
        """Wipe everything, as at exit."""
        for secret in self._secrets.values():
            secret.wipe()
        self._secrets.clear()
        self._notes.clear()

    def redact(self, text: str) -> str:
        """`text` with every kept secret replaced by `•••`, for logs and reports.

        Secrets of one or two characters are left: taking them out would ruin the text and give them away.
        """
        known = {secret.reveal() for secret in self._secrets.values()}
        for secret in sorted(known, key=len, reverse=True):
            if len(secret) >= _SHORTEST_REDACTED:
                text = text.replace(secret, REDACTED).replace(repr(secret)[1:-1], REDACTED)
        return text

    def __len__(self) -> int:
        return len(self._secrets)

    def __bool__(self) -> bool:
        """An empty vault is a vault: `vault or Vault()` must not put another in its place."""
        return True

    def __repr__(self) -> str:
        return f"Vault({len(self)} secrets)"
