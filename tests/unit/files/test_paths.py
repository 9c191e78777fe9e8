"""Locations, the resolver, and joins that never leave their root."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Code, ConfigError, FileError
from backend.files.paths import (
    Location,
    PathResolver,
    check_component,
    collapse,
    format_location,
    join_inside,
    name_of,
    parent_of,
    parse_location,
    to_bytes,
    to_text,
)

any_bytes = st.binary(max_size=40)
hostile = st.one_of(
    any_bytes, st.sampled_from([b"..", b".", b"", b"/etc", b"a/../..", b"a\0b", b"../x", b"-rf", b"..."])
)


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("web-1:/etc/motd", "web-1", "/etc/motd"),
        ("web-1:", "web-1", ""),
        ("me@web-1:a b", "me@web-1", "a b"),
        ("web-1:a:b/c", "web-1", "a:b/c"),
        ("[::1]:x", "::1", "x"),
        ("me@[fe80::1%eth0]:/x", "me@fe80::1%eth0", "/x"),
        ("ssh://me@web-1:2222/srv/x", "ssh://me@web-1:2222", "/srv/x"),
        ("sftp://web-1", "ssh://web-1", ""),
        ("./a:b", None, "./a:b"),
        ("dir/a:b", None, "dir/a:b"),
        ("/a:b", None, "/a:b"),
        (":a", None, ":a"),
        ("plain", None, "plain"),
        ("-", None, "-"),
        ("[odd]", None, "[odd]"),
    ],
)
def test_a_colon_before_any_slash_makes_a_location_remote(text: str, host: str | None, path: str) -> None:
    assert parse_location(text) == Location(path, host)


def test_an_empty_location_is_a_usage_error() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_location("")
    assert caught.value.code is Code.USAGE


@given(st.text(min_size=1, max_size=30))
def test_what_is_formatted_is_parsed_back_to_the_same_place(text: str) -> None:
    location = parse_location(text)
    again = parse_location(format_location(location))
    assert again.host == location.host
    assert again.path.removeprefix("./") == location.path.removeprefix("./")


@given(st.sampled_from(["web-1", "me@web-1", "::1", "me@2001:db8::7", "ssh://me@h:22"]), any_bytes)
def test_every_remote_name_survives_the_command_line(host: str, name: bytes) -> None:
    path = to_text(b"/" + name)
    assert parse_location(format_location(Location(path, host))) == Location(path, host)


@given(any_bytes)
def test_names_that_are_no_utf8_survive_text_and_back(name: bytes) -> None:
    assert to_bytes(to_text(name)) == name


@given(st.binary(min_size=1, max_size=20), st.lists(hostile, max_size=5))
def test_a_join_never_leaves_its_root(root: bytes, components: list[bytes]) -> None:
    root = collapse(root.replace(b"\0", b"").replace(b"..", b"_"))
    try:
        joined = join_inside(root, *components)
    except FileError as error:
        assert error.code in (Code.OUTSIDE_ROOT, Code.NAME_INVALID)
        return
    normal = os.path.normpath(joined)
    base = os.path.normpath(root)
    assert os.path.commonpath([normal, base]) == base
    assert b"\0" not in joined
    assert normal.count(b"/") >= len(components)


@pytest.mark.parametrize(
    ("component", "code"),
    [
        (b"..", Code.OUTSIDE_ROOT),
        (b"/etc/passwd", Code.OUTSIDE_ROOT),
        (b"a/b", Code.OUTSIDE_ROOT),
        (b"", Code.NAME_INVALID),
        (b".", Code.NAME_INVALID),
        (b"a\0", Code.NAME_INVALID),
    ],
)
def test_names_that_would_leave_the_destination_are_refused(component: bytes, code: Code) -> None:
    with pytest.raises(FileError) as caught:
        check_component(component)
    assert caught.value.code is code


@pytest.mark.parametrize("component", [b"...", b"-rf", b"a\nb", b"\xff\xfe", b"[red]x", b" ", b"\\", b"x" * 255])
def test_odd_names_are_names(component: bytes) -> None:
    assert join_inside(b"/r", component) == b"/r/" + component


async def no_such_user(name: str) -> bytes:
    if name == "ann":
        return b"/home/ann"
    raise FileError(Code.NOT_FOUND, evidence={"path": f"~{name}"})


RESOLVER = PathResolver(
    home=b"/home/me",
    user="me",
    environment={"DATA": "/srv/data", "RUN": "run7"},
    roots={"scratch": b"/scratch/me"},
    look_up_home=no_such_user,
)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", b"/home/me"),
        (".", b"/home/me"),
        ("~", b"/home/me"),
        ("~/x", b"/home/me/x"),
        ("~me/x", b"/home/me/x"),
        ("~ann/x", b"/home/ann/x"),
        ("a/./b//c/", b"/home/me/a/b/c"),
        ("/", b"/"),
        ("//x", b"/x"),
        ("../x", b"/home/me/../x"),
        ("$DATA/in", b"/srv/data/in"),
        ("a${RUN}b", b"/home/me/arun7b"),
        ("$UNKNOWN/x", b"/home/me/$UNKNOWN/x"),
        ("scratch:deep/x", b"/scratch/me/deep/x"),
        ("other:x", b"/home/me/other:x"),
        ("a~b", b"/home/me/a~b"),
        ("\udcff", b"/home/me/\xff"),
    ],
)
async def test_the_resolver_says_what_a_person_means(text: str, path: bytes) -> None:
    assert await RESOLVER.resolve(text) == path


async def test_relative_paths_start_at_the_directory_one_is_in() -> None:
    assert await RESOLVER.resolve("x", b"/var/log") == b"/var/log/x"


async def test_an_unknown_user_and_a_nul_are_told() -> None:
    with pytest.raises(FileError) as caught:
        await RESOLVER.resolve("~nobody-such/x")
    assert caught.value.code is Code.NOT_FOUND
    with pytest.raises(FileError) as caught:
        await RESOLVER.resolve("a\0b")
    assert caught.value.code is Code.NAME_INVALID
    with pytest.raises(FileError) as caught:
        await PathResolver(home=b"/h").resolve("~ann")
    assert caught.value.code is Code.NOT_FOUND


@given(any_bytes)
async def test_a_resolved_path_is_absolute_and_stable(name: bytes) -> None:
    text = to_text(name.replace(b"\0", b"").lstrip(b"~"))
    path = await PathResolver(home=b"/home/me").resolve(text)
    assert path.startswith(b"/")
    assert collapse(path) == path


@pytest.mark.parametrize(
    ("path", "parent", "name"),
    [(b"/a/b", b"/a", b"b"), (b"/a", b"/", b"a"), (b"/", b"/", b""), (b"/a/b/", b"/a", b"b")],
)
def test_parent_and_name_divide_a_path(path: bytes, parent: bytes, name: bytes) -> None:
    assert (parent_of(path), name_of(path)) == (parent, name)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("C:\\Users\\ann\\x.txt", b"/C:/Users/ann/x.txt"),
        ("c:/x", b"/c:/x"),
        ("/D:/x", b"/D:/x"),
        ("D:", b"/D:"),
        ("a\\b", b"/C:/Users/ann/a/b"),
        ("~\\x", b"/C:/Users/ann/x"),
        ("cat:x", b"/C:/Users/ann/cat:x"),
    ],
)
async def test_paths_of_a_windows_server_are_read_as_people_write_them(text: str, path: bytes) -> None:
    assert await PathResolver(home=b"/C:/Users/ann").resolve(text) == path


async def test_a_backslash_is_a_letter_where_there_are_no_drives() -> None:
    assert await RESOLVER.resolve("a\\b") == b"/home/me/a\\b"


@pytest.mark.parametrize("text", ["scratch:..", "scratch:a/../../x", "scratch:/../x"])
async def test_what_climbs_out_of_a_root_is_refused(text: str) -> None:
    with pytest.raises(FileError) as caught:
        await RESOLVER.resolve(text)
    assert caught.value.code is Code.OUTSIDE_ROOT


async def test_going_up_within_a_root_is_fine() -> None:
    assert await RESOLVER.resolve("scratch:a/../b") == b"/scratch/me/a/../b"
