"""Where things go: the rules of `cp -r`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.connector import FileKind
from backend.errors import Code, FileError
from backend.files.placement import DestinationPath, SourcePath, means_contents, place

FILE, DIRECTORY = FileKind.FILE, FileKind.DIRECTORY


def source(path: str, kind: FileKind = FILE, *, contents: bool = False) -> SourcePath:
    return SourcePath(path.encode(), kind, contents)


def destination(path: str, kind: FileKind | None = None, *, into: bool = False) -> DestinationPath:
    return DestinationPath(path.encode(), kind, into)


@pytest.mark.parametrize(
    ("what", "where", "goes_to"),
    [
        (source("/s/a"), destination("/d", DIRECTORY), b"/d/a"),
        (source("/s/a"), destination("/d", FILE), b"/d"),
        (source("/s/a"), destination("/d/new"), b"/d/new"),
        (source("/s/a"), destination("/d/new", into=True), b"/d/new/a"),
        (source("/s/t", DIRECTORY), destination("/d", DIRECTORY), b"/d/t"),
        (source("/s/t", DIRECTORY), destination("/d/new"), b"/d/new"),
        (source("/s/t", DIRECTORY), destination("/d/new", into=True), b"/d/new/t"),
        (source("/s/t", DIRECTORY, contents=True), destination("/d", DIRECTORY), b"/d"),
        (source("/s/t", DIRECTORY, contents=True), destination("/d/new"), b"/d/new"),
        (source("/s/t", DIRECTORY), destination("/", DIRECTORY), b"/t"),
        (source("/", DIRECTORY), destination("/d", DIRECTORY), b"/d"),
    ],
)
def test_one_source_goes_where_cp_would_put_it(what: SourcePath, where: DestinationPath, goes_to: bytes) -> None:
    (placed,) = place([what], where)
    assert placed.path == goes_to


@pytest.mark.parametrize(
    ("sources", "where", "code"),
    [
        ([source("/s/t", DIRECTORY)], destination("/d", FILE), Code.NOT_DIRECTORY),
        ([source("/s/a")], destination("/d", FILE, into=True), Code.NOT_DIRECTORY),
        ([source("/s/a"), source("/s/b")], destination("/d", FILE), Code.NOT_DIRECTORY),
        ([source("/s/a"), source("/s/b")], destination("/d"), Code.NOT_DIRECTORY),
        ([source("/s/a"), source("/t/a")], destination("/d", DIRECTORY), Code.EXISTS),
    ],
)
def test_what_has_no_place_is_refused_before_anything_is_copied(
    sources: list[SourcePath], where: DestinationPath, code: Code
) -> None:
    with pytest.raises(FileError) as caught:
        place(sources, where)
    assert caught.value.code is code
    assert caught.value.advice


def test_who_named_several_means_a_directory_though_only_one_of_them_is_there() -> None:
    for kind in (None, FILE):
        with pytest.raises(FileError) as caught:
            place([source("/s/a")], destination("/d", kind), named=2)
        assert caught.value.code is Code.NOT_DIRECTORY
    (placed,) = place([source("/s/a")], destination("/d", into=True), named=2)
    assert placed.path == b"/d/a"


def test_several_sources_go_into_a_directory_that_is_made_for_them() -> None:
    placed = place([source("/s/a"), source("/s/b")], destination("/d/new", into=True))
    assert [one.path for one in placed] == [b"/d/new/a", b"/d/new/b"]
    assert {one.anchor for one in placed} == {b"/d"}


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        (".", True),
        ("dir/.", True),
        ("..", True),
        ("", True),
        ("dir", False),
        ("dir/", False),
        ("a.", False),
        ("./x", False),
    ],
)
def test_a_source_that_ends_in_a_dot_is_its_contents(text: str, contents: bool) -> None:
    assert means_contents(text) is contents


names = (
    st.binary(min_size=1, max_size=8)
    .filter(lambda name: b"/" not in name and b"\0" not in name)
    .filter(lambda name: name not in (b".", b".."))
)


@given(st.lists(names, min_size=1, max_size=4, unique=True), st.booleans())
def test_every_place_lies_below_the_destination(found: list[bytes], exists: bool) -> None:
    where = DestinationPath(b"/d/e", DIRECTORY if exists else None, into=True)
    for placed in place([SourcePath(b"/s/" + name, FILE) for name in found], where):
        assert placed.path.startswith(b"/d/e/")
        assert b".." not in placed.base
