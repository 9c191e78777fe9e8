"""Finding the line of a key in a TOML file."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.settings.lines import key_lines, line_of, syntax_error


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("a = 1\nb = 2\n", ("b",), 2),
        ("[t]\na = 1\n", ("t", "a"), 2),
        ("[t.u]\na = 1\n", ("t",), 1),
        ("[t.'u.v']\na = 1\n", ("t", "u.v", "a"), 2),
        ('["t]"]\na = 1\n', ("t]", "a"), 2),
        ("[t] # [u]\na.b.c = 1\n", ("t", "a", "b", "c"), 2),
        ("a = { b = 1,  c = { d = 2 } }\n", ("a", "c", "d"), 1),
        ("a = [\n  1,\n  2,\n]\nb = 2\n", ("b",), 5),
        ('a = """\n[t]\nb = 1\n"""\nb = 2\n', ("b",), 5),
        ("a = '''\n'''\n\n# c = 1\nc = 1\n", ("c",), 5),
        ("[[list]]\na = 1\n[[list]]\na = 2\n", ("list", "a"), 2),
        ("\r\na = 1\r\n", ("a",), 2),
        ("[t]\r\na = 1\r\n[u]\r\nb = 1\r\n", ("u", "b"), 4),
    ],
)
def test_a_key_is_found_on_its_line(text: str, key: tuple[str, ...], line: int) -> None:
    assert key_lines(text)[key] == line


def test_what_has_no_line_of_its_own_is_where_its_container_is() -> None:
    lines = key_lines("\n[t]\na = [1, 2]\n")
    assert line_of(lines, ("t", "a", "1")) == 3
    assert line_of(lines, ("t", "missing")) == 2
    assert line_of(lines, ("missing",)) is None


_NAMES = st.from_regex(r"[a-z]{1,4}", fullmatch=True)


@given(st.dictionaries(_NAMES, st.dictionaries(_NAMES, st.integers(), max_size=4), min_size=1, max_size=4))
def test_every_key_of_a_document_has_a_line_that_mentions_it(tables: dict[str, dict[str, int]]) -> None:
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in table.items()) for name, table in tables.items()
    )
    assert tomllib.loads(text) == tables
    found, lines = key_lines(text), text.splitlines()
    for name, table in tables.items():
        assert lines[found[(name,)] - 1] == f"[{name}]"
        for key in table:
            assert lines[found[(name, key)] - 1].startswith(f"{key} = ")


def test_an_error_at_the_end_of_the_document_is_on_the_last_line() -> None:
    text = "a = 1\nb = {"
    with pytest.raises(tomllib.TOMLDecodeError) as raised:
        tomllib.loads(text)
    line, message = syntax_error(raised.value, text)
    assert line == 2
    assert "at " not in message
