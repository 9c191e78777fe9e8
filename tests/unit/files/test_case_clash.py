"""Two names of one transfer that the destination takes for one: neither is lost in silence."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Code
from backend.files.case_clash import Spellings, folded
from backend.files.local_tree import LocalTree
from backend.files.transfer import ConflictPolicy
from tests.support.memory_files import TARGET, DirectoryHost, QuickClock
from tests.support.transfer_world import Workbench, workbench


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "host").mkdir()
    return tmp_path / "host"


@pytest.fixture
def host(there: Path) -> DirectoryHost:
    return DirectoryHost(there)


@pytest.fixture
async def bench(host: DirectoryHost, tmp_path: Path) -> AsyncIterator[Workbench]:
    async with workbench(host, TARGET, tmp_path / "state", clock=QuickClock()) as services:
        yield services


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """`README` and `readme` side by side, and again under two spellings of one directory."""
    root = tmp_path / "tree"
    for name in ("README", "readme", "Sub/a", "sub/A", "sub/b"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


@pytest.mark.parametrize("policy", list(ConflictPolicy))
async def test_names_that_differ_in_case_only_do_not_replace_each_other(
    bench: Workbench, host: DirectoryHost, there: Path, tree: Path, policy: ConflictPolicy
) -> None:
    host.faults.folds_names = True
    host.faults.no_commands = True
    outcome = await bench.put(tree, to="tree", on_conflict=policy)
    found = {path.read_text() for path in (there / "tree").rglob("*") if path.is_file()}
    progress = outcome.progress
    if policy is ConflictPolicy.RENAME:
        assert found == {"README", "readme", "Sub/a", "sub/A", "sub/b"}
        assert (progress.files_done, progress.skipped, progress.failed) == (5, 0, 0)
        return
    assert len(found) == progress.files_done == 3
    left_out = (0, 2) if policy is ConflictPolicy.OVERWRITE else (2, 0)
    assert (progress.skipped, progress.failed) == left_out
    assert all("upper and lower case" in problem.note for problem in outcome.problems)
    if policy is ConflictPolicy.OVERWRITE:
        assert {problem.error.code for problem in outcome.problems if problem.error} == {Code.EXISTS}


@pytest.mark.parametrize("way", ["get", "put"])
async def test_where_case_matters_all_of_them_arrive(
    bench: Workbench, there: Path, tree: Path, tmp_path: Path, way: str
) -> None:
    if way == "put":
        outcome = await bench.put(tree, to="tree")
    else:
        outcome = await bench.get(str(tree), to=there / "tree")
    assert outcome.error is None
    assert outcome.progress.files_done == 5
    assert not list(there.rglob(".case*"))


def test_a_local_directory_is_tried_and_left_clean(tmp_path: Path) -> None:
    assert not LocalTree(bytes(tmp_path)).folds_names(())
    assert os.listdir(tmp_path) == []


def test_accents_written_in_two_ways_are_one_name() -> None:
    assert folded(("caf\u00e9".encode(),)) == folded(("CAFE\u0301".encode(),))


@given(st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=3).map(tuple))
def test_a_path_does_not_clash_with_itself(parts: tuple[bytes, ...]) -> None:
    spellings = Spellings()
    assert not spellings.clash(b"/anchor", parts)
    assert not spellings.clash(b"/anchor", parts)
    assert not spellings.clash(b"/other", parts)


@given(st.lists(st.lists(st.sampled_from([b"a", b"A", b"b", b"B\xff", b"ss", "ß".encode()]), min_size=1, max_size=3)))
def test_a_clash_is_what_a_dict_of_spellings_would_tell(paths: list[list[bytes]]) -> None:
    spellings, first = Spellings(), dict[str, tuple[bytes, ...]]()
    for path in paths:
        parts = tuple(path)
        assert spellings.clash(b"/", parts) is (first.setdefault(folded(parts), parts) != parts)


def test_many_paths_are_remembered_in_some_dozen_bytes_each() -> None:
    spellings = Spellings()
    tracemalloc.start()
    try:
        assert not any(spellings.clash(b"/", (b"%d" % number,)) for number in range(30_000))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 30_000 * 60
    assert all(spellings.clash(b"/", (b"%d" % number,)) is False for number in range(0, 30_000, 7))
