"""The grammar of Prometheus' text format, written from its description: a strict reader for tests.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? ([-+]?(?:[0-9.eE+-]+|Inf|NaN))")
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
Labels = tuple[tuple[str, str], ...]


@dataclass
class Exposed:
    """One family as it was read."""

    kind: str
    help: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)


def read_exposition(text: str) -> dict[str, Exposed]:
    """The families of `text`. Fails the test for anything the format does not allow."""
    assert text == "" or text.endswith("\n"), "the last line must end with a line feed"
    families: dict[str, Exposed] = {}
    lines = iter(text.split("\n")[:-1])
    current = ""
    for line in lines:
        if line.startswith("# HELP "):
            current, help_text = line.removeprefix("# HELP ").split(" ", 1)
            assert current not in families, f"{current} comes twice"
            kind = re.fullmatch(rf"# TYPE ({_NAME}) (counter|gauge|histogram)", next(lines))
            assert kind is not None and kind[1] == current, line
            families[current] = Exposed(kind[2], help_text)
        else:
            _read_sample(line, current, families[current])
    for name, family in families.items():
        _check(name, family)
    return families


def _read_sample(line: str, name: str, family: Exposed) -> None:
    match = _SAMPLE.fullmatch(line)
    assert match is not None, line
    allowed = {name} if family.kind != "histogram" else {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    assert match[1] in allowed, line
    labels = tuple((key, _unescaped(value)) for key, value in re.findall(_LABEL, match[2] or ""))
    assert len(dict(labels)) == len(labels), line
    assert (match[1], labels) not in family.samples, f"twice: {line}"
    family.samples[match[1], labels] = float(match[7])


def _unescaped(value: str) -> str:
    return re.sub(r'\\[\\"n]', lambda found: _ESCAPES[found[0]], value)


def _check(name: str, family: Exposed) -> None:
    assert family.samples, f"{name} has no sample"
    if family.kind == "counter":
        assert name.endswith("_total")
        assert all(value >= 0 for value in family.samples.values())
    if family.kind != "histogram":
        return
    for (sample, labels), count in family.samples.items():
        if sample == f"{name}_count":
            buckets = [
                (dict(where)["le"], value)
                for (kind, where), value in family.samples.items()
                if kind == f"{name}_bucket" and tuple(one for one in where if one[0] != "le") == labels
            ]
            assert [float(bound) for bound, _ in buckets] == sorted(float(bound) for bound, _ in buckets)
            assert [value for _, value in buckets] == sorted(value for _, value in buckets)
            assert buckets[-1] == ("+Inf", count)
