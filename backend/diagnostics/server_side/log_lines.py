"""What a server's log has about one login: the lines that belong to it, and the causes that they name. Pure.

OpenSSH's words, as `auth.c`, `auth2.c`, `misc.c` and `auth2-pubkey.c` of the portable release write them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from backend.dataclass import dataclass
from backend.diagnostics.server_side.causes import Cause
from backend.diagnostics.server_side.findings import Finding, finding

_LINE = re.compile(r"sshd(?:-session|-auth)?\[(\d+)\]: (.*)$")
_OF_SOMEBODY = re.compile(
    r"\b(?:[Uu]ser|for(?: invalid user)?|Account|account|Connection (?:closed|reset) by \w+ user) (\S+)"
)
_LET_IN = re.compile(r"^Accepted |^Disconnected from user (?!.*\[preauth\])|^pam_unix\(sshd:session\): session opened")
_MOST_LINES = 20
_MOST_LOGINS = 2
"""The last ones count: older reasons may be mended by now."""


@dataclass(frozen=True, slots=True)
class Login:
    """The lines of one connection."""

    pid: str
    messages: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """It was let in; its end is told by another process than its beginning."""
        return any(_LET_IN.search(message) for message in self.messages)

    def names(self, user: str) -> bool:
        return user in self._named

    def concerns(self, user: str, address: str) -> bool:
        """It is of that user; or from that address and of nobody who is named."""
        if self.names(user):
            return True
        nobody = not self._named - {"authenticating", "invalid"}
        ours = re.compile(rf"\b(?:from|by|with) {re.escape(address)}(?: |$)")
        return nobody and bool(address) and any(ours.search(message) for message in self.messages)

    @property
    def _named(self) -> frozenset[str]:
        found = (match[1] for message in self.messages for match in _OF_SOMEBODY.finditer(message))
        return frozenset(name.strip("'\",:;") for name in found)


def refused_logins(log: Sequence[str], user: str, address: str, *, succeeds: bool = False) -> tuple[Login, ...]:
    """The last logins of `user` that were not let in, oldest first; where there are none, those of nobody from
    `address`. What is older than a login that was let in is mended by now, unless the user `succeeds` elsewhere."""
    logins = [login for login in _logins(log) if login.concerns(user, address)]
    if not succeeds:
        last = max((place for place, login in enumerate(logins) if login.accepted), default=-1)
        logins = logins[last + 1 :]
    refused = [login for login in logins if not login.accepted]
    named = [login for login in refused if login.names(user)]
    return tuple((named or refused)[-_MOST_LOGINS:])


def _logins(log: Sequence[str]) -> list[Login]:
    """The lines by connection, in the order of their last ones."""
    by_pid: dict[str, list[tuple[str, str]]] = {}
    for line in log:
        if (found := _LINE.search(line)) is not None:
            pid, message = found.groups()
            by_pid.setdefault(pid, []).append((message, line))
            by_pid[pid] = by_pid.pop(pid)
    return [
        Login(pid, tuple(message for message, _ in told), tuple(line for _, line in told))
        for pid, told in by_pid.items()
    ]


def lines_of(logins: Sequence[Login]) -> tuple[str, ...]:
    """The lines of these logins, without what only a programmer wants to know; the last ones where they are many."""
    lines = [line for login in logins for line in login.lines if ": debug" not in line]
    return tuple(lines[-_MOST_LINES:])


def logged_causes(logins: Sequence[Login], user: str, address: str) -> Iterator[Finding]:
    """What the lines name, the last login first, each with its line."""
    for login in reversed(logins):
        for message in login.messages:
            for pattern, make in _PATTERNS:
                if (found := pattern.search(message)) is not None:
                    cause, more = make(found)
                    yield finding(cause, logged=True, **{"user": user, "address": address, **more, "log": message})
                    break


Named = tuple[Cause, dict[str, str]]


def _because(reason: str) -> Callable[[re.Match[str]], Named]:
    return lambda found: (Cause.USER_NOT_ALLOWED, {"reason": reason})


def _of(cause: Cause, *groups: str, **fixed: str) -> Callable[[re.Match[str]], Named]:
    def make(found: re.Match[str]) -> Named:
        return cause, {**fixed, **dict(zip(groups, (group or "" for group in found.groups()), strict=False))}

    return make


def _modes(found: re.Match[str]) -> Named:
    path = found[1]
    return Cause.PATH_MODE, {"path": path}


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Named]], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"bad ownership or modes for (?:file|directory) (.+?)(?: \[preauth\])?$", _modes),
        (r"not allowed because not listed in AllowUsers", _because("it is not listed in AllowUsers")),
        (r"not allowed because listed in DenyUsers", _because("it is listed in DenyUsers")),
        (
            r"not allowed because none of user's groups are listed in AllowGroups",
            _because("none of its groups is listed in AllowGroups"),
        ),
        (r"not allowed because a group is listed in DenyGroups", _because("one of its groups is listed in DenyGroups")),
        (r"not allowed because not in any group", _because("it is in no group, and AllowGroups is set")),
        (r"not allowed because shell (.+?) (?:does not exist|is not executable)", _of(Cause.SHELL_MISSING, "shell")),
        (r"not allowed because account is locked", _of(Cause.ACCOUNT_LOCKED)),
        (r"[Aa]ccount \S+ has expired", _of(Cause.ACCOUNT_EXPIRED, when="the server says so")),
        (
            r"(?:expired password for user|Password for \S+ has expired|password has expired)",
            _of(Cause.PASSWORD_EXPIRED, when="the server says so"),
        ),
        (r"temporarily locked|pam_faillock.*(?:denied|locked)|pam_tally", _of(Cause.LOCKED_OUT)),
        (r"^[Ii]nvalid user ", _of(Cause.USER_UNKNOWN)),
        (r"ROOT LOGIN REFUSED", _of(Cause.ROOT_NOT_ALLOWED, setting="no")),
        (
            r"Could not open (?:user '[^']*' )?authorized keys '(.+?)': (.+?)(?: \[preauth\])?$",
            _of(Cause.KEYS_UNREADABLE, "path", "reason"),
        ),
        (r"(signature algorithm \S+ not in \S+|key type \S+ not in \S+)", _of(Cause.KEY_ALGORITHM, "reason")),
        (
            r"(?:error: )?(Certificate invalid: .+?|name is not a listed principal.*?|certificate signature .+?)"
            r"(?: \[preauth\])?$",
            _of(Cause.CERTIFICATE, "reason"),
        ),
        (r"refusing certificate ID .* (?:signed|because) (.+)$", _of(Cause.CERTIFICATE, "reason")),
        (
            r"Authentication tried for \S+ with correct key but not from a permitted host",
            _of(Cause.KEY_RESTRICTED, options="from=", line="as logged", path="authorized_keys"),
        ),
        (r"maximum authentication attempts exceeded", _of(Cause.TOO_MANY_TRIES, setting="reached")),
        (r"Failed (?:password|keyboard-interactive/pam) for (?!invalid)", _of(Cause.WRONG_PASSWORD)),
        (
            r"Access denied for user \S+ by PAM account configuration",
            _of(Cause.SERVER_SAYS, reason="PAM's account rules (pam_access, time, nologin) deny it"),
        ),
        (r"fatal: (.+?)(?: \[preauth\])?$", _of(Cause.SERVER_SAYS, "reason")),
    )
)
"""What a line means, the first that fits."""
