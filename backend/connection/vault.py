"""Secrets in memory: one wrapper that never shows itself, one vault that forgets on demand.

Python cannot promise that no copy of a string survives; what is promised is that our copies are overwritten, and that a
secret reaches no log, repr, traceback, argument list, environment or file through us.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, Self

if TYPE_CHECKING:
    from backend.connection.seen import Seen

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


Belongs = Callable[[Hashable], bool]
"""Whether what is kept for a purpose has to do with a login."""


class Vault:
    """Secrets by host and purpose, for as long as somebody is connected.

    Names of one login (`join`) know what was given for it under any of them, and nothing else of each other.
    """

    def __init__(self) -> None:
        self._secrets: dict[tuple[str, Hashable], Secret] = {}
        self._notes: dict[tuple[str, Hashable], frozenset[bytes]] = {}
        self._names: dict[Hashable, dict[str, Belongs]] = {}
        """By login."""
        self._seen: Seen | None = None

    def join(self, host: str, login: Hashable, belongs: Belongs = lambda purpose: True) -> None:
        """`host` has to do with `login` until it parts: what `belongs` to that for this name and another one is found
        under both."""
        self._names.setdefault(login, {})[host] = belongs

    def part(self, host: str) -> None:
        """`host` has to do with no login any more, as when it may mean another machine from now on."""
        emptied = [login for login, names in self._names.items() if names.pop(host, None) is not None and not names]
        for login in emptied:
            del self._names[login]

    def names_of(self, login: Hashable) -> frozenset[str]:
        """The names that have joined `login`."""
        return frozenset(self._names.get(login, ()))

    def put(self, host: str, purpose: Hashable, secret: Secret) -> None:
        """Keep a copy of `secret`; what was kept for the same purpose is wiped."""
        kept = secret.copy()
        self.remember(secret)
        self.forget_one(host, purpose)
        self._secrets[(host, purpose)] = kept

    def get(self, host: str, purpose: Hashable) -> Secret | None:
        """The kept secret; do not wipe it, ask the vault to forget it."""
        kept = (self._secrets.get((name, purpose)) for name in (host, *self._kin(host, purpose)))
        return next((secret for secret in kept if secret is not None), None)

    def forget_one(self, host: str, purpose: Hashable) -> None:
        """Wipe one secret, as after the server refused it."""
        for name in (host, *self._kin(host, purpose)):
            if (known := self._secrets.pop((name, purpose), None)) is not None:
                known.wipe()

    def forget(self, host: str, *, in_use: Callable[[str], bool] = lambda name: False) -> None:
        """Wipe everything that belongs to `host`, as at disconnect. Other names that know it too and are `in_use` then
        keep it."""
        for _, purpose in [key for key in self._secrets if key[0] == host]:
            secret = self._secrets.pop((host, purpose))
            for heir in self._heirs(host, purpose, in_use):
                if (heir, purpose) not in self._secrets:
                    self._secrets[(heir, purpose)] = secret.copy()
            secret.wipe()
        for _, purpose in [key for key in self._notes if key[0] == host]:
            note = self._notes.pop((host, purpose))
            for heir in self._heirs(host, purpose, in_use):
                self._notes.setdefault((heir, purpose), note)
        self.part(host)

    def _heirs(self, host: str, purpose: Hashable, in_use: Callable[[str], bool]) -> list[str]:
        return [name for name in self._kin(host, purpose) if in_use(name)]

    def _kin(self, host: str, purpose: Hashable) -> list[str]:
        """The other names under which what is kept for `purpose` may be known as well."""
        joined = [names for names in self._names.values() if host in names and names[host](purpose)]
        return sorted({name for names in joined for name, belongs in names.items() if belongs(purpose)} - {host})

    def note(self, host: str, purpose: Hashable, what: frozenset[bytes]) -> None:
        """Remember something about `host` that is no secret, for as long as its secrets."""
        self._notes[(host, purpose)] = what

    def noted(self, host: str, purpose: Hashable) -> frozenset[bytes]:
        kept = (self._notes.get((name, purpose)) for name in (host, *self._kin(host, purpose)))
        return next((note for note in kept if note is not None), frozenset())

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
        self._names.clear()
        if self._seen is not None:
            self._seen.forget()

    def remember(self, secret: Secret) -> None:
        """Recognise `secret` in texts (`cover_seen`) until the end, also after it is wiped; it is not kept for that."""
        if self._seen is None:
            from backend.connection.seen import Seen

            self._seen = Seen()
        self._seen.remember(secret.reveal())

    def cover_seen(self, text: str) -> tuple[str, int]:
        """`text` without any secret that was ever kept or given here, in whatever usual form; how many were taken out.

        Slow beside `redact`: for texts of at most a megabyte, in a thread.
        """
        return (text, 0) if self._seen is None else self._seen.cover(text, REDACTED)

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
