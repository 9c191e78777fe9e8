"""Reads the files of ssh_config(5): which names they have, and where. `Include` and its globs are followed.

This is for listing, and for machines without an OpenSSH client; where there is one, only `ssh -G` says what a host's
options are. Lines that make no sense are left to it, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import field
from fnmatch import fnmatchcase
from pathlib import Path

from backend.dataclass import dataclass
from backend.hosts.entries import HostEntry, HostSource
from backend.patterns import pattern
from backend.settings.paths import short
from backend.text import clean_line

DEPTH = 16
"""Files within files, as OpenSSH allows (READCONF_MAX_DEPTH)."""

_LINE = pattern(r"\s*([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+)(.*?)\s*$")
_WORD = pattern(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"']+)""")
_VARIABLE = pattern(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SHOWN = {"hostname", "user", "port", "stricthostkeychecking"}


@dataclass(frozen=True, slots=True)
class Block:
    """A `Host` line with its patterns, or a `Match` line, which only OpenSSH can judge."""

    patterns: tuple[str, ...]
    """Empty for `Match`."""

    @property
    def is_match(self) -> bool:
        return not self.patterns

    def applies(self, name: str) -> bool:
        """Whether `name` matches (PATTERNS in ssh_config(5)): a negated pattern that matches decides against."""
        name = name.lower()
        positive = [pattern for pattern in self.patterns if not pattern.startswith("!")]
        negative = [pattern[1:] for pattern in self.patterns if pattern.startswith("!")]
        return any(_matches(name, pattern) for pattern in positive) and not any(
            _matches(name, pattern) for pattern in negative
        )


@dataclass(frozen=True, slots=True)
class Directive:
    """One line that says something."""

    file: Path
    line: int
    keyword: str
    """Lower case."""
    words: tuple[str, ...]
    blocks: tuple[Block, ...]
    """All of them must apply: the block it stands in, and those that the file is included from."""


def read_config(path: Path, home: Path, environ: Mapping[str, str]) -> Iterator[Directive]:
    """All directives of `path` and what it includes, in order; `host`, `match` and `include` lines as well.

    A file that cannot be read is passed over, as OpenSSH does for includes. Blocks while it reads.
    """
    yield from _Reader(home, environ).read(path, (), 0)


def list_hosts(directives: Iterator[Directive]) -> tuple[HostEntry, ...]:
    """Each concrete name of a `Host` line once, with what its own blocks say, in the order of the files."""
    found: dict[str, dict[str, str]] = {}
    names: tuple[str, ...] = ()
    block: tuple[Block, ...] = ()
    for directive in directives:
        if directive.keyword == "host":
            names = tuple(word for word in directive.words if _is_concrete(word))
            block = directive.blocks
            for name in names:
                found.setdefault(name, {"where": f"{short(directive.file)}:{directive.line}"})
        elif directive.blocks == block and directive.keyword in _SHOWN and directive.words:
            for name in names:
                found[name].setdefault(directive.keyword, directive.words[0])
    return tuple(_entry(name, shown) for name, shown in found.items())


def places(directives: Iterator[Directive], name: str) -> dict[str, str]:
    """Where it is written what holds for `name`, by keyword, as `~/.ssh/config:12`; empty where a `Match` block may be
    the first, which only OpenSSH can tell."""
    found: dict[str, str] = {}
    for directive in directives:
        patterns = [block for block in directive.blocks if not block.is_match]
        if directive.keyword not in found and all(block.applies(name) for block in patterns):
            sure = len(patterns) == len(directive.blocks)
            found[directive.keyword] = f"{short(directive.file)}:{directive.line}" if sure else ""
    return found


def _entry(name: str, shown: Mapping[str, str]) -> HostEntry:
    port = shown.get("port", "")
    unchecked = shown.get("stricthostkeychecking", "").lower() in {"no", "off", "false"}
    return HostEntry(
        clean_line(name),
        HostSource.SSH_CONFIG,
        where=shown["where"],
        address=clean_line(shown.get("hostname", "").replace("%h", name)),
        user=clean_line(shown.get("user", "")),
        port=int(port) if port.isdigit() else None,
        note="StrictHostKeyChecking is off there; Fairlead asks all the same" if unchecked else "",
    )


@dataclass(slots=True)
class _Reader:
    home: Path
    environ: Mapping[str, str]
    open_files: list[Path] = field(default_factory=list)

    def read(self, path: Path, outer: tuple[Block, ...], depth: int) -> Iterator[Directive]:
        if depth > DEPTH or path in self.open_files:
            return
        try:
            text = path.read_bytes().decode("utf-8", "surrogateescape")
        except OSError:
            return
        self.open_files.append(path)
        blocks = outer
        for number, keyword, words in _lines(text):
            if keyword in {"host", "match"}:
                blocks = (*outer, Block(words if keyword == "host" else ()))
            yield Directive(path, number, keyword, words, blocks)
            if keyword == "include":
                for included in self._included(words):
                    yield from self.read(included, blocks, depth + 1)
        self.open_files.pop()

    def _included(self, words: tuple[str, ...]) -> Iterator[Path]:
        for word in words:
            word = _VARIABLE.sub(lambda match: self.environ.get(match[1], ""), word)
            if word.startswith("~/"):
                word = str(self.home / word[2:])
            pattern = os.path.join(self.home / ".ssh", word)  # noqa: PTH118 - keeps absolute ones, and wildcards
            root = Path(pattern).anchor
            yield from sorted(Path(root).glob(os.path.relpath(pattern, root)))


def _lines(text: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.match(line)
        if match is not None:
            yield number, match[1].lower(), _words(match[2])


def _words(text: str) -> tuple[str, ...]:
    words: list[str] = []
    for match in _WORD.finditer(text):
        if match[3] is not None and match[3].startswith("#"):
            break
        words.append(next(part for part in match.groups() if part is not None))
    return tuple(words)


def _is_concrete(pattern: str) -> bool:
    return not any(character in pattern for character in "*?!") and not pattern.startswith("-")


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern.lower().replace("[", "[[]"))
