"""Hosts that an ssh configuration says the same about, but for name, address, port, user, alias and key. Pure.

`ssh -G` is a process for each host; of a hundred hosts that are written down alike two answers tell the rest. What may
be told from them is narrow: the same lines apply in the same order, nothing but plain values of a few keywords differs,
no line needs judging (`Match`), and what the first answer foretells of the second host is what ssh says of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from backend.dataclass import dataclass
from backend.hosts.config_files import Directive
from backend.hosts.options import Options, Question

_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_PLAIN = {
    "host": _PLAIN_NAME,
    "hostname": _PLAIN_NAME,
    "hostkeyalias": _PLAIN_NAME,
    "port": re.compile(r"[1-9][0-9]{0,4}"),
    "user": re.compile(r"[A-Za-z_][A-Za-z0-9._-]*"),
    "identityfile": re.compile(r"/[A-Za-z0-9/._-]+"),
}
"""What may differ, and which values of it ssh hands on as they are written."""
_ADDED_UP = frozenset({"identityfile"})
"""Of these not the first alone counts."""


@dataclass(frozen=True, slots=True)
class Written:
    """What is written about one host."""

    question: Question
    own: Mapping[str, str]
    """Its own values by keyword, its name as `host` among them."""


def alike(directives: Sequence[Directive], questions: Sequence[Question]) -> list[list[Written]]:
    """The questions in groups of which two answers may tell the rest; those that need an answer of their own are left
    out, all of them where the files have lines that only ssh can judge."""
    if any(_needs_ssh(directive) for directive in directives):
        return []
    by_line = _Lines(directives)
    found: dict[object, list[Written]] = {}
    for question in dict.fromkeys(questions):
        if (read := by_line.read(question)) is not None:
            shape, written = read
            found.setdefault(shape, []).append(written)
    return [group for group in found.values() if len(group) > 2]


def _needs_ssh(directive: Directive) -> bool:
    if any(block.is_match for block in directive.blocks):
        return True
    match directive.keyword:
        case "canonicalizehostname":
            return directive.words != ("no",)
        case "include":
            return any("%" in word for word in directive.words)
        case _:
            return False


class _Lines:
    """The lines of the files, those of hosts' own blocks apart: so each host looks at few."""

    def __init__(self, directives: Sequence[Directive]) -> None:
        self._shared: list[tuple[int, Directive]] = []
        self._by_name: dict[str, list[tuple[int, Directive]]] = {}
        for place, directive in enumerate(directives):
            match directive.blocks:
                case (block,) if len(block.patterns) == 1 and _PLAIN_NAME.fullmatch(block.patterns[0]):
                    self._by_name.setdefault(block.patterns[0], []).append((place, directive))
                case _:
                    self._shared.append((place, directive))

    def read(self, question: Question) -> tuple[object, Written] | None:
        """The shape of what is written about a host, which it has in common with others, and what is its own."""
        spec, jump = question
        if not _PLAIN_NAME.fullmatch(spec.host):
            return None
        own = {"host": spec.host}
        own |= {word: str(said) for word, said in (("user", spec.user), ("port", spec.port)) if said is not None}
        shape: list[object] = [jump, tuple(own)]
        lines = [(place, line, True) for place, line in self._by_name.get(spec.host, ()) if line.keyword != "host"]
        lines += [(place, line, False) for place, line in self._shared if _applies(line, spec.host)]
        said: set[str] = set()
        for place, line, is_own in sorted(lines, key=lambda each: each[0]):
            word = line.keyword
            if not is_own:
                shape.append(place)
            elif word in _PLAIN and word not in own and word not in said:
                shape.append(word)
                own[word] = " ".join(line.words)
            else:
                shape.append((word, () if word in _PLAIN and word not in _ADDED_UP else line.words))  # without effect
            said.add(word)
        if not all(_PLAIN[word].fullmatch(value) for word, value in own.items()):
            return None
        return tuple(shape), Written(question, own)


def _applies(line: Directive, host: str) -> bool:
    return line.keyword not in {"host", "include"} and all(block.applies(host) for block in line.blocks)


def second_probe(group: Sequence[Written]) -> Written:
    """The host that differs most from the first: its answer shows best what becomes of what differs."""
    first = group[0]
    return max(group[1:], key=lambda other: sum(other.own[word] != first.own[word] for word in first.own))


def foretold(first: Written, answer: Options, other: Written) -> Options:
    """What ssh would say about `other`, going by its `answer` about `first`."""
    return {
        keyword: tuple(_other(keyword, value, first, other) for value in values) for keyword, values in answer.items()
    }


def _other(keyword: str, value: str, first: Written, other: Written) -> str:
    slot = "host" if keyword == "hostname" and "hostname" not in first.own else keyword
    return other.own[slot] if slot in first.own and value == first.own[slot] else value


def is_shown(first: Written, second: Written, other: Written) -> bool:
    """Whether all that is different about `other` was different between the two that ssh was asked about."""
    return all(other.own[word] == first.own[word] or second.own[word] != first.own[word] for word in first.own)
