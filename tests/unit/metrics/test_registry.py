"""Metrics: bounded in number, and rendered exactly as Prometheus reads them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.metrics.registry import MOST_SERIES, OTHER, Registry
from backend.metrics.render import metrics_json, prometheus_text
from backend.text import clean_line
from tests.unit.metrics.exposition import read_exposition


def test_each_kind_is_rendered_with_help_type_and_samples() -> None:
    registry = Registry()
    registry.counter("a_total", "Things.", ("host",)).add(2, "web-1")
    registry.gauge("b", "Back\\slash and\nline.").set(-1.5)
    registry.histogram("c_seconds", "Times.", bounds=(0.1, 1)).observe(0.1)
    assert prometheus_text(registry) == (
        "# HELP a_total Things.\n# TYPE a_total counter\n"
        'a_total{host="web-1"} 2\n'
        "# HELP b Back\\\\slash and\\nline.\n# TYPE b gauge\n"
        "b -1.5\n"
        "# HELP c_seconds Times.\n# TYPE c_seconds histogram\n"
        'c_seconds_bucket{le="0.1"} 1\nc_seconds_bucket{le="1"} 1\nc_seconds_bucket{le="+Inf"} 1\n'
        "c_seconds_sum 0.1\nc_seconds_count 1\n"
    )


def test_what_has_nothing_to_say_is_left_out() -> None:
    registry = Registry()
    registry.counter("a_total", "Things.")
    assert prometheus_text(registry) == ""


@given(values=st.lists(st.tuples(st.text(max_size=12), st.floats(allow_nan=False, allow_infinity=False)), max_size=6))
def test_any_label_and_any_number_can_be_read_back(values: list[tuple[str, float]]) -> None:
    registry = Registry()
    gauge = registry.gauge("a", "Things.", ("host",))
    for label, number in values:
        gauge.set(number, label)
    read = read_exposition(prometheus_text(registry))
    expected = {("a", (("host", clean_line(label)),)) for label, _ in values}
    shown = read["a"].samples if values else {}
    assert set(shown) == expected
    if len(expected) == len({label for label, _ in values}):
        assert {key[1][0][1]: number for key, number in shown.items()} == {clean_line(a): b for a, b in values}


@given(values=st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=20))
def test_buckets_are_cumulative_and_end_with_everything(values: list[float]) -> None:
    registry = Registry()
    histogram = registry.histogram("a", "Times.", ("host",), bounds=(0.5, 5, 50))
    for value in values:
        histogram.observe(value, "web-1")
    samples = read_exposition(prometheus_text(registry))["a"].samples
    host = ("host", "web-1")
    for bound in (0.5, 5, 50):
        shown = samples["a_bucket", (host, ("le", f"{bound:g}"))]
        assert shown == sum(value <= bound for value in values)
    assert samples["a_count", (host,)] == len(values)


def test_the_number_of_series_is_bounded_and_nothing_goes_uncounted() -> None:
    registry = Registry()
    counter = registry.counter("a_total", "Things.", ("host",))
    for number in range(MOST_SERIES + 50):
        counter.add(1, f"host-{number}")
    assert len(counter.series) == MOST_SERIES + 1
    assert counter.series[(OTHER,)] == 50
    assert sum(counter.series.values()) == MOST_SERIES + 50


def test_a_name_is_given_once_and_labels_as_declared() -> None:
    registry = Registry()
    counter = registry.counter("a_total", "Things.", ("host",))
    with pytest.raises(ValueError, match="already"):
        registry.gauge("a_total", "Again.")
    with pytest.raises(ValueError, match="labels"):
        counter.add(1)


def test_json_holds_the_same() -> None:
    registry = Registry()
    registry.counter("a_total", "Things.", ("host",)).add(2, "web-1")
    registry.histogram("c", "Times.", bounds=(1,)).observe(3)
    first, second = json.loads(json.dumps(metrics_json(registry)))
    assert first["series"] == [{"labels": {"host": "web-1"}, "value": 2.0}]
    assert second["series"][0]["buckets"] == [{"le": 1, "count": 0}, {"le": None, "count": 1}]
