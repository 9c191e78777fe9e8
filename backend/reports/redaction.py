"""Takes out what must not leave this machine: secrets that were seen here, and what looks like one; counts them.

This is the second line: what a report or bundle holds is chosen so that there is nothing to take out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from backend.connection.vault import REDACTED, Vault

_NAME = r"pass(?:word|wd|phrase|code)?|secret|token|(?<!gss)api[_-]?key|access[_-]?key|private[_-]?key|credentials?|otp"
_NAMED = rf"[\w-]*?(?:{_NAME})"
_ARGUMENTS = r"[^|;&\n]{0,500}?"
_VALUE = r"\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&\"'|<>]+"
# Texts are whatever a host says. So that none of them takes long, a word is begun at its first sign only and never
# given back (`++`), and what stands before an option is bounded.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "private key",
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?"
            r"(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)",
            re.DOTALL,
        ),
    ),
    ("private key", re.compile(r"\b(?:b3BlbnNzaC1rZXktdjE|AGE-SECRET-KEY-1)[A-Za-z0-9+/=\s]{20,}")),
    (
        "password in an address",
        re.compile(r"(?i)(?P<kept>(?<![a-z0-9+.-])[a-z0-9+.-]++://[^\s/:@\"']*+:)[^\s/\"']+(?=@)"),
    ),
    ("authorization", re.compile(r"(?i)(?P<kept>\b(?:proxy-)?authorization[\"']?\s*[:=]\s*)[^\r\n\"']+")),
    ("authorization", re.compile(r"(?i)(?P<kept>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}")),
    (
        "token",
        re.compile(
            r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
            r"|AKIA[0-9A-Z]{16}|sk-(?!ssh-|ecdsa-)[\w-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}|tskey-[\w-]{10,}"
            r"|eyJ[\w-]{8,2000}+\.[\w-]{8,}+\.[\w-]*)"
        ),
    ),
    (
        "password of a command",
        re.compile(
            r"(?i)(?P<kept>\b(?:sshpass|mysql\w{0,40}+|mariadb[\w-]{0,40}+|mongo\w{0,40}+|redis-cli|ldap\w{1,40}+"
            r"|smbclient)(?!\w)" + _ARGUMENTS + r"\s-(?:p|a|w|-password)[\s=]?)(?:" + _VALUE + ")"
        ),
    ),
    (
        "password of a command",
        re.compile(r"(?i)(?P<kept>\bcurl\b" + _ARGUMENTS + r"\s-(?:u|-user)[\s=]++[^\s:]++:)\S+"),
    ),
    (
        "assigned secret",
        re.compile(rf"(?i)(?P<kept>(?<![\w-])(?={_NAMED})[\w-]++[\"']?\s*+[=:]\s*+)(?:{_VALUE})"),
    ),
    ("assigned secret", re.compile(rf"(?i)(?P<kept>(?<![\w-])(?=-{_NAMED})[\w-]++\s++)(?:{_VALUE})")),
    ("one-time code", re.compile(r"(?i)(?P<kept>\b(?:verification|one[- ]time|otp|pin)\b[^\w\n]{1,3})\d{4,10}\b")),
    ("one-time code", re.compile(r"(?i)(?P<kept>(?<!exit )(?<!error )\bcode\b[^\w\n]{1,3})\d{6,10}\b")),
)
_SECRET_NAME = re.compile(rf"(?i)(?:{_NAME})")
_TELLS_NO_SECRET = frozenset({"", REDACTED, "true", "false", "none", "yes", "no"})


class Redactor:
    """One pass over everything that goes out together; `counts` says what it took, by kind."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._others: set[str] = set()
        self.counts: Counter[str] = Counter()

    def learn(self, secret: str) -> None:
        """Take out `secret` wherever it is met, as one that stands in a file of the person's."""
        if len(secret) >= _SHORTEST_LEARNT and secret.lower() not in _TELLS_NO_SECRET:
            self._others.add(secret)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        text, seen = self._vault.cover_seen(text)
        self._count("secret of this session", seen)
        text = self._vault.redact(text)
        for secret in sorted(self._others, key=len, reverse=True):
            if (times := text.count(secret)) > 0:
                self._count("secret of the configuration", times)
                text = text.replace(secret, REDACTED)
        for kind, pattern in _PATTERNS:
            text = pattern.sub(lambda found, kind=kind: self._taken(kind, found), text)  # type: ignore[misc]
        return text

    def value(self, value: Any, name: str = "") -> Any:
        """A JSON value without secrets; a text under a name that says what it is goes as a whole."""
        if isinstance(value, Mapping):
            return {Redactor.text(self, str(key)): self.value(item, str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item, name) for item in value]
        if not isinstance(value, str):
            return value
        if _SECRET_NAME.search(name) and value.lower() not in _TELLS_NO_SECRET and not _is_harmless(name, value):
            self._count("assigned secret", 1)
            return REDACTED
        return self.text(value)

    def _taken(self, kind: str, found: re.Match[str]) -> str:
        kept = found.groupdict().get("kept") or ""
        if found[0][len(kept) :].strip("\"'").lower() in _TELLS_NO_SECRET:
            return found[0]
        self._count(kind, 1)
        return kept + REDACTED

    def _count(self, kind: str, times: int) -> None:
        if times:
            self.counts[kind] += times


_SHORTEST_LEARNT = 4


def secret_name(name: str) -> bool:
    """Whether what is called so is a secret by its name."""
    return _SECRET_NAME.search(name) is not None


def _is_harmless(name: str, value: str) -> bool:
    """`refused_secrets: 2` counts; it is no secret."""
    return name.endswith("s") and value.isdigit() and len(value) <= 2
