"""Reading what a host's module command answers. Pure; nothing in it is trusted to be what it should be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from backend.commands.modules.values import Module
from backend.text import clean_text

OURS = frozenset({b"PWD", b"OLDPWD", b"SHLVL", b"_", b"PS1", b"TERM"})
"""Variables that say where a shell stands, not what was loaded."""
_DIRECTORY = re.compile(r"(/.*|.*/modulefiles[^ ]*):")
_TAG = re.compile(r"\s*(?:\(([^()]*)\)|<([^<>]*)>)\s*$")
_FAILURE = re.compile(r"\bERROR\b|unable to locate a modulefile|are unknown|cannot be loaded", re.IGNORECASE)
_PREFIX = re.compile(r"^(?:Lmod has detected the following error:|ERROR:|\S*:ERROR:\d+:)\s*")
_BREAK = re.compile(r"\n\s*\n|\n(?=While processing|Loading |Unable )")
_NEAREST = 4
_LIKENESS = 0.6
_REASON = 400
"""Characters of a reason."""


def parts(mark: bytes, answer: bytes) -> dict[str, bytes]:
    """What stands between the marks of `backend.commands.modules.script`, by name."""
    found = re.finditer(re.escape(mark) + rb":(\w+)\n(.*?)" + re.escape(mark) + rb":end\n", answer, re.DOTALL)
    return {match[1].decode("ascii", "replace"): match[2] for match in found}


def environment(raw: bytes) -> dict[bytes, bytes]:
    """The variables in what `env -0` prints."""
    pairs = (entry.partition(b"=") for entry in raw.split(b"\0"))
    return {name: value for name, equals, value in pairs if name and equals}


def difference(
    before: Mapping[bytes, bytes], after: Mapping[bytes, bytes]
) -> tuple[dict[bytes, bytes], tuple[bytes, ...]]:
    """The variables that are new or have another value, and those that are gone."""
    changed = {name: value for name, value in after.items() if name not in OURS and before.get(name) != value}
    return changed, tuple(sorted(name for name in before if name not in after and name not in OURS))


def available(answer: bytes) -> tuple[Module, ...]:
    """The modules in what `module -t avail` prints: one a line under the directory they are in, each once."""
    found: dict[str, Module] = {}
    where = ""
    for line in clean_text(answer.decode("utf-8", "replace")).splitlines():
        text = line.strip()
        if match := _DIRECTORY.fullmatch(text):
            where = match[1]
            continue
        name, tags = _untagged(text)
        if not name.isprintable() or " " in name or name.endswith("/") or name.startswith("-") or not name:
            continue  # a heading, a sentence, or a family without a version (Lmod lists both)
        found.setdefault(name, Module(name, where, default=bool(tags & {"default", "D"})))
    return tuple(found.values())


def loaded(variables: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """What `LOADEDMODULES` says."""
    names = variables.get(b"LOADEDMODULES", b"").decode("utf-8", "replace").split(":")
    return tuple(clean_text(name) for name in names if name)


def _untagged(text: str) -> tuple[str, set[str]]:
    """A name without `(default)`, `(L,D)` or `<aL>` behind it, and those."""
    tags: set[str] = set()
    while match := _TAG.search(text):
        tags |= {tag.strip() for tag in re.split("[,:]", match[1] or match[2] or "")}
        text = text[: match.start()]
    return text, tags


def failed(status: bytes, said: str, wanted: Iterable[str], now: Sequence[str]) -> bool:
    """Whether loading failed. Old versions of Environment Modules say so in words only, with status 0."""
    if status.strip() != b"0":
        return True
    missing = [name for name in wanted if not any(one == name or one.startswith(name + "/") for one in now)]
    return bool(missing) and _FAILURE.search(said) is not None


def unknown(names: Iterable[str], modules: Sequence[Module]) -> tuple[str, ...]:
    """Those of `names` that none of `modules` is called, with or without its version."""
    known = {part for module in modules for part in _prefixes(module.name)}
    return tuple(name for name in names if name not in known)


def nearest(name: str, modules: Sequence[Module]) -> tuple[str, ...]:
    """The modules that somebody who typed `name` may have meant, the best first."""
    family = name.partition("/")[0]
    same = [module.name for module in modules if module.name.partition("/")[0] == family]
    if same:
        return tuple(same[-_NEAREST:][::-1])
    lowered = {module.name.casefold(): module.name for module in modules}
    lowered.update({module.family.casefold(): module.name for module in modules})
    close = difflib.get_close_matches(name.casefold(), lowered, n=_NEAREST, cutoff=_LIKENESS)
    inside = [text for text in lowered if family.casefold() in text]
    return tuple(dict.fromkeys(lowered[text] for text in (*close, *inside)))[:_NEAREST]


def reason(said: str) -> str:
    """The paragraph of what a module command said that tells of the failure, on one line."""
    paragraphs = [" ".join(part.split()) for part in _BREAK.split(said.strip())]
    telling = [part for part in paragraphs if _FAILURE.search(part)] or paragraphs
    return _PREFIX.sub("", telling[0])[:_REASON] or "It did not say why."


def _prefixes(name: str) -> Iterable[str]:
    words = name.split("/")
    return ("/".join(words[:count]) for count in range(1, len(words) + 1))
