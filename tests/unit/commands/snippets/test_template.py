"""A snippet's values arrive as they were typed, wherever they stand in the line."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.commands.snippets.template import Snippet, Variable
from backend.errors import Code, ConfigError

VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)


def _printed(line: str) -> bytes:
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True).stdout


@settings(max_examples=40)
@given(VALUES, VALUES, VALUES)
def test_values_arrive_in_a_shell_whatever_quotes_they_stand_in(bare: str, single: str, double: str) -> None:
    snippet = Snippet("s", "printf '%s|' a{bare} 'b {single}' \"c {double}\"")
    line = snippet.fill({"bare": bare, "single": single, "double": double})
    expected = f"a{bare}|b {single}|c {double}|"
    assert _printed(line) == expected.encode()


def test_variables_are_told_once_in_order_with_their_defaults() -> None:
    told = {"dir": Variable("dir", "/srv", "where to look"), "n": Variable("n", "9")}
    snippet = Snippet("s", "head -n {n=20} {dir}/log; echo {n} {who}", told=told)
    assert snippet.variables == (Variable("n", "20"), Variable("dir", "/srv", "where to look"), Variable("who"))
    assert snippet.fill({"who": "me"}) == "head -n 20 /srv/log; echo 20 me"


@pytest.mark.parametrize(
    "line", ["echo ${HOME}", "cp a.{txt,bak}", "{ true; }", "awk '{print $1}'", "find . -exec ls {} +", "a{1..3}"]
)
def test_what_the_shell_reads_as_braces_stays(line: str) -> None:
    assert Snippet("s", line).variables == ()
    assert Snippet("s", line).fill({}) == line


def test_doubled_braces_are_braces() -> None:
    assert Snippet("s", "awk '{{print}}' {file}").fill({"file": "x"}) == "awk '{print}' x"


def test_the_home_directory_stays_one() -> None:
    snippet = Snippet("s", "ls {dir}")
    assert snippet.fill({"dir": "~/my files"}) == "ls ~/'my files'"
    assert snippet.fill({"dir": "~/"}) == "ls ~/"
    assert snippet.fill({"dir": "~x y"}) == "ls '~x y'"


def test_an_empty_value_is_an_empty_word() -> None:
    assert Snippet("s", "grep {what} file").fill({"what": ""}) == "grep '' file"


@pytest.mark.parametrize("values", [{}, {"a": "1", "b": "2"}, {"a": "\0"}])
def test_what_is_missing_or_unknown_is_said(values: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        Snippet("s", "echo {a}").fill(values)
    assert caught.value.code is Code.USAGE
