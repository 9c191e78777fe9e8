"""Order, filter and tree of processes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.commands.processes.arranging import Order, as_tree, in_order, matching, rows_of
from backend.commands.processes.model import Process, ProcessTable

AT = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)


def _process(pid: int, parent: int = 1, *, cpu: float = 0.0, memory: int = 0, **more: object) -> Process:
    known = {"user": "root", "state": "S", "age": 100.0, "start": "5", "command": b"x", **more}
    return Process(pid=pid, parent=parent, resident=memory, cpu_seconds=cpu, **known)  # type: ignore[arg-type]


def _table(*processes: Process, at: datetime = AT) -> ProcessTable:
    return ProcessTable("h", at, processes, None)


def test_processor_is_that_since_the_look_before_where_it_is_the_same_process() -> None:
    before = _table(_process(1, cpu=10), _process(2, cpu=10), at=AT - timedelta(seconds=2))
    now = _table(_process(1, cpu=11), _process(2, cpu=11, start="900"), _process(3, cpu=50))
    assert [row.cpu for row in rows_of(now, before)] == [50.0, 11.0, 50.0]
    assert [row.cpu for row in rows_of(now)] == [11.0, 11.0, 50.0]


def test_rows_are_sorted_with_the_most_first() -> None:
    rows = rows_of(_table(_process(1, memory=5), _process(2, memory=9), _process(3, memory=9, command=b"/bin/a b")))
    assert [row.process.pid for row in in_order(rows, Order.MEMORY)] == [2, 3, 1]
    assert [row.process.pid for row in in_order(rows, Order.NAME)] == [3, 1, 2]
    assert [row.process.pid for row in in_order(rows, Order.PID, reverse=True)] == [3, 2, 1]


def test_every_word_must_stand_somewhere_in_the_line() -> None:
    rows = rows_of(_table(_process(812, command=b"nginx: worker"), _process(99, user="www", command=b"nginx: master")))
    assert [row.process.pid for row in matching(rows, words="NGINX 81")] == [812]
    assert [row.process.pid for row in matching(rows, words="www nginx")] == [99]
    assert [row.process.pid for row in matching(rows, user="root")] == [812]


def test_the_tree_has_children_below_their_parents() -> None:
    rows = rows_of(_table(_process(1, 0), _process(5, 2), _process(2, 1), _process(3, 1), _process(9, 77)))
    assert [(row.process.pid, row.depth) for row in as_tree(rows)] == [(1, 0), (2, 1), (5, 2), (3, 1), (9, 0)]


@given(st.dictionaries(st.integers(1, 30), st.integers(0, 30), max_size=30))
def test_each_process_stands_in_the_tree_once_whatever_the_host_says(parents: dict[int, int]) -> None:
    rows = rows_of(_table(*(_process(pid, parent) for pid, parent in parents.items())))
    arranged = as_tree(rows)
    assert sorted(row.process.pid for row in arranged) == sorted(parents)


def test_ten_thousand_in_one_line_of_descent_are_no_trouble() -> None:
    rows = rows_of(_table(*(_process(pid, pid - 1) for pid in range(1, 10_001))))
    assert [row.depth for row in as_tree(rows)] == list(range(10_000))
