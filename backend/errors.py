"""Every failure of the program: one hierarchy, one stable code for each cause.

```
FairleadError                  code · sentence · evidence · advice
├── ConfigError                a file, flag or entry of ours or of OpenSSH's cannot be used
├── ConnectError               no connection: name, network, banner, key exchange, jump host
│   └── HostKeyError           the server's key is unknown, changed or revoked
├── AuthError                  the server did not let the person in
├── SessionError               logged in, but the shell, command or channel was refused
├── LinkLost                   there was a connection and it is gone; what was in flight is unknown
├── FileError                  a remote or local file operation failed
│   └── IntegrityError         both ends have the file and they differ
├── TimeLimitError             a limit the person set was reached
└── Interrupted                the person stopped it
```

The category, the advice and whether a repeat may help belong to the *code* (`backend.catalogue`), so that a failure
gets the same answer wherever it is met. Text in `evidence` may come from a server: it is cleaned when it enters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Self

from backend.catalogue import CATALOGUE, Advice, Category, Code, Entry
from backend.text import clean_text, shell_word

__all__ = [
    "Advice",
    "AuthError",
    "Category",
    "Code",
    "ConfigError",
    "ConnectError",
    "FairleadError",
    "FileError",
    "HostKeyError",
    "IntegrityError",
    "Interrupted",
    "LinkLost",
    "SessionError",
    "TimeLimitError",
]


class FairleadError(Exception):
    """A failure that a person can be told about.

    `message` is one plain sentence that stands alone. Left out, the catalogue's sentence for the code is used.
    `hop` names the jump host at fault, where it was not the target itself.
    """

    def __init__(
        self,
        code: Code,
        message: str = "",
        *,
        evidence: Mapping[str, object] | None = None,
        host: str | None = None,
        hop: str | None = None,
        advice: tuple[Advice, ...] | None = None,
    ) -> None:
        self.code = code
        self.host = host
        self.hop = hop
        self.evidence: Mapping[str, str] = MappingProxyType(
            {name: clean_text(str(value)) for name, value in (evidence or {}).items()}
        )
        self._own_advice = advice
        self._own_message = clean_text(message)
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """One plain sentence that stands alone."""
        return self._own_message or self._fill(self.entry.sentence)

    def __str__(self) -> str:
        return self.message

    @property
    def entry(self) -> Entry:
        """What the catalogue says about this code."""
        return CATALOGUE[self.code]

    @property
    def category(self) -> Category:
        return self.entry.category

    @property
    def retryable(self) -> bool:
        """Whether the same attempt, unchanged, may succeed later."""
        return self.entry.retryable

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What to do next, most likely remedy first; never empty."""
        if self._own_advice is not None:
            return self._own_advice
        return tuple(
            Advice(self._fill(item.text), self._fill(item.command, shell_word) if item.command else None)
            for item in self.entry.advice
        )

    def located(self, *, host: str, hop: str | None = None) -> FairleadError:
        """This failure, told where it happened; what is known already is kept. Returns itself for `raise`."""
        self.host = self.host or host
        self.hop = self.hop or (hop if hop != host else None)
        return self

    def told_of(self, host: str, hop: str | None = None) -> Self:
        """The same failure, of what is called `host` here, and its jump host `hop`; itself where it says so already."""
        if self.host == host and (hop is None or self.hop == hop):
            return self
        told = type(self).__new__(type(self), *self.args)
        told.__dict__.update(self.__dict__)
        told.host, told.hop, told.__cause__ = host, hop or self.hop, self.__cause__
        return told

    def explained(self, evidence: Mapping[str, str], advice: tuple[Advice, ...]) -> Self:
        """The same failure with more known about it: `evidence`, already cleaned, and `advice` in place of its own."""
        told = type(self).__new__(type(self), *self.args)
        told.__dict__.update(self.__dict__)
        told.evidence, told._own_advice, told.__cause__ = MappingProxyType(dict(evidence)), advice, self.__cause__
        return told

    def to_json(self) -> dict[str, Any]:
        """The body of `{"error": …}` on the command line."""
        return {
            "code": self.code.value,
            "category": self.category.value,
            "message": self.message,
            "evidence": dict(self.evidence),
            "advice": [item.to_json() for item in self.advice],
            "host": self.host,
            "hop": self.hop,
            "retryable": self.retryable,
        }

    def _fill(self, template: str, written: Callable[[str], str] = str) -> str:
        """`template` with what is known, each value as it is `written` there: what others name reaches no shell."""
        known = {
            "host": self.host or "the host",
            "hop": self.hop or self.host or "the jump host",
            **self.evidence,
        }
        return template.format_map(_Known({name: written(value) for name, value in known.items()}))


class _Known(dict[str, str]):
    """Template values; a name that nobody supplied reads as an ellipsis rather than failing while failing."""

    def __missing__(self, key: str) -> str:
        return "…"


class ConfigError(FairleadError):
    """A file, flag, entry or address that we were given cannot be used."""


class ConnectError(FairleadError):
    """No connection came about, or none that can be trusted."""


class HostKeyError(ConnectError):
    """The server's host key was not accepted; no secret has been sent."""


class AuthError(FairleadError):
    """The server refused every way to log in that was tried. Never retried by itself."""


class SessionError(FairleadError):
    """The login worked; the shell, command, subsystem or channel did not."""


class LinkLost(FairleadError):
    """The connection ended while it was in use. The outcome of what was running is unknown."""


class FileError(FairleadError):
    """An operation on a local or remote file failed; nothing was left half-written under a final name."""

    def about(self, path: str) -> None:
        """Tell this failure of `path`; it was met under another name."""
        met = self.evidence.get("path")
        if met is not None:
            self._own_message = self._own_message.replace(met, path)
            self.evidence = MappingProxyType({**self.evidence, "path": clean_text(path)})


class IntegrityError(FileError):
    """The checksums of the two ends differ."""


class TimeLimitError(FairleadError):
    """A limit that the person set was reached. The remote may still be at work."""


class Interrupted(FairleadError):
    """The person stopped it."""
