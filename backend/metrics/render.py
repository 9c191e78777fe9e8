"""A registry as text for Prometheus, and as JSON. Pure.

The text is the exposition format 0.0.4:
https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from backend.metrics.registry import Counter, Family, Gauge, Histogram, LabelValues, Registry
from backend.text import clean_line

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def prometheus_text(registry: Registry) -> str:
    """Every family that has something to say; empty when none has."""
    lines = [line for family in registry.families() for line in _family_lines(family)]
    return "".join(f"{line}\n" for line in lines)


def metrics_json(registry: Registry) -> list[dict[str, Any]]:
    """The same for programs that read JSON: a list of families with their series."""
    return [_family_json(family) for family in registry.families()]


def _family_lines(family: Family) -> Iterator[str]:
    samples = list(_samples(family))
    if samples:
        yield f"# HELP {family.name} {_help(family.help)}"
        yield f"# TYPE {family.name} {family.kind}"
        yield from samples


def _samples(family: Family) -> Iterator[str]:
    if isinstance(family, Counter | Gauge):
        for values, number in family.series.items():
            yield f"{family.name}{_labels(family.labels, values)} {_number(number)}"
    elif isinstance(family, Histogram):
        for values, found in family.series.items():
            names = (*family.labels, "le")
            bounds = [*(_number(bound) for bound in family.bounds), "+Inf"]
            for bound, count in zip(bounds, accumulate(found.counts), strict=True):
                yield f"{family.name}_bucket{_labels(names, (*values, bound))} {count}"
            yield f"{family.name}_sum{_labels(family.labels, values)} {_number(found.sum)}"
            yield f"{family.name}_count{_labels(family.labels, values)} {found.count}"


def _labels(names: Sequence[str], values: LabelValues) -> str:
    told = ",".join(f'{name}="{_label(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{told}}}" if told else ""


def _label(value: str) -> str:
    return clean_line(value).replace("\\", "\\\\").replace('"', '\\"')


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    """Shortest exact form; whole numbers without a fraction."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _family_json(family: Family) -> dict[str, Any]:
    head = {"name": family.name, "kind": family.kind, "help": family.help}
    if isinstance(family, Histogram):
        series = [
            {
                "labels": dict(zip(family.labels, values, strict=True)),
                "count": found.count,
                "sum": found.sum,
                "buckets": [
                    {"le": bound, "count": count}
                    for bound, count in zip((*family.bounds, None), accumulate(found.counts), strict=True)
                ],
            }
            for values, found in family.series.items()
        ]
        return {**head, "series": series}
    assert isinstance(family, Counter | Gauge)
    plain = [
        {"labels": dict(zip(family.labels, values, strict=True)), "value": number}
        for values, number in family.series.items()
    ]
    return {**head, "series": plain}
