"""Which hosts are meant: names, ranges, patterns, groups and tags, as they are written on a command line. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

from backend.dataclass import dataclass
from backend.errors import Advice, Code, ConfigError
from backend.hosts.entries import HostEntry
from backend.text import clean_line

MOST_HOSTS = 10_000
"""What a range may become; more is taken for a mistake."""

_RANGE = re.compile(r"\[(\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)\]")
_COMMA = re.compile(r",(?![^\[]*\])")
"""A comma that does not stand in brackets."""


def pick(entries: Sequence[HostEntry], *, hosts: Iterable[str] = (), groups: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of the hosts that are meant, each once, in the order in which they are first named.

    `hosts` are lists as `web-1,db-*,node[01-20]`: a pattern (`*`, `?`) stands for the hosts of the book that it fits, a
    range for its numbers, and everything else for itself, be it in the book or not. `groups` are names or patterns of
    groups and tags. Raises ConfigError: HOST_UNKNOWN for a pattern, group or tag that fits nothing, USAGE for a range
    that cannot be, or when nobody is left.
    """
    found: dict[str, None] = {}
    for group in groups:
        found.update(dict.fromkeys(_in_group(entries, group)))
    for listed in hosts:
        for word in filter(None, (part.strip() for part in _COMMA.split(listed))):
            found.update(dict.fromkeys(_named(entries, word)))
    if not found:
        raise ConfigError(Code.USAGE, evidence={"problem": "no host is named."})
    if len(found) > MOST_HOSTS:
        raise _too_many()
    return tuple(found)


def _in_group(entries: Sequence[HostEntry], group: str) -> list[str]:
    names = [entry.name for entry in entries if any(fnmatchcase(label, group) for label in _labels(entry))]
    if not names:
        known = sorted({label for entry in entries for label in _labels(entry)})
        raise _nobody("group or tag", group, known)
    return names


def _labels(entry: HostEntry) -> tuple[str, ...]:
    return tuple(label for label in (entry.group, *entry.tags) if label)


def _named(entries: Sequence[HostEntry], word: str) -> list[str]:
    written = expand(word)
    if not any(mark in word for mark in "*?"):
        return written
    names = [entry.name for pattern in written for entry in entries if fnmatchcase(entry.name, pattern)]
    if not names:
        raise _nobody("host", word, [entry.name for entry in entries])
    return names


def expand(word: str) -> list[str]:
    """`node[1-3,7]` as node1, node2, node3 and node7; leading zeros are kept. A word without a range is itself.

    Raises ConfigError (USAGE) for a range that runs backwards, is too long or is not closed.
    """
    match = _RANGE.search(word)
    if match is None:
        if word.count("[") != word.count("]"):
            problem = f"a bracket is missing in {clean_line(word)!r}."
            advice = (Advice("Ranges are written as node[01-20] or node[1,3-5]."),)
            raise ConfigError(Code.USAGE, evidence={"problem": problem}, advice=advice)
        return [word]
    before, after = word[: match.start()], expand(word[match.end() :])
    numbers = [number for part in match[1].split(",") for number in _numbers(word, part)]
    if len(numbers) * len(after) > MOST_HOSTS:
        raise _too_many()
    return [f"{before}{number}{rest}" for number in numbers for rest in after]


def _numbers(word: str, part: str) -> list[str]:
    first, dash, last = part.partition("-")
    if not dash:
        return [first]
    if int(last) < int(first):
        raise ConfigError(Code.USAGE, evidence={"problem": f"the range in {clean_line(word)!r} runs backwards."})
    if int(last) - int(first) >= MOST_HOSTS:
        raise _too_many()
    width = len(first) if first.startswith("0") else 0
    return [f"{number:0{width}}" for number in range(int(first), int(last) + 1)]


def fold(hosts: Iterable[str]) -> str:
    """Names as `expand` reads them, shorter where numbers follow each other: `db-2,node[01-20],web`."""
    stretches: list[_Stretch] = []
    for host in hosts:
        match = _LAST_NUMBER.fullmatch(host)
        stretch = _Stretch(host, "", "", "") if match is None else _Stretch(match[1], match[2], match[2], match[3])
        if stretches and stretches[-1].is_followed_by(stretch):
            stretches[-1] = replace(stretches[-1], last=stretch.last)
        else:
            stretches.append(stretch)
    return ",".join(str(stretch) for stretch in stretches)


_LAST_NUMBER = re.compile(r"([^\[\],]*?)(\d{1,9})([^\d\[\],]*)")


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Names that differ in one number, which goes up by one."""

    before: str
    first: str
    last: str
    after: str

    def is_followed_by(self, other: _Stretch) -> bool:
        if not self.first or not other.first or (self.before, self.after) != (other.before, other.after):
            return False
        padded = self.first.startswith("0")
        alike = len(other.first) == len(self.first) if padded else not other.first.startswith("0")
        return alike and int(other.first) == int(self.last) + 1

    def __str__(self) -> str:
        numbers = self.first if self.first == self.last else f"[{self.first}-{self.last}]"
        return f"{self.before}{numbers}{self.after}"


def _too_many() -> ConfigError:
    return ConfigError(Code.USAGE, evidence={"problem": f"more than {MOST_HOSTS:,} hosts are named."})


def _nobody(kind: str, word: str, known: Sequence[str]) -> ConfigError:
    shown = clean_line(word)
    steps = [Advice("See which hosts are known, with their groups and tags.", "fairlead hosts list")]
    if near := get_close_matches(word, known, n=1):
        steps.insert(0, Advice(f"Perhaps {clean_line(near[0])} was meant."))
    message = f"No {kind} fits {shown!r}." if kind == "host" else f"No host has the {kind} {shown!r}."
    return ConfigError(Code.HOST_UNKNOWN, message, evidence={"name": shown}, advice=tuple(steps))
