"""Reading the command line: where the remote command begins, rates, assignments, HOST:PATH."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Code, ConfigError
from cli.arguments import Assignment, Rate, mark_command
from cli.commands.run import run
from cli.paths import RemotePath, one_host, parse_remote, remote

_OPTIONS = run.params


@pytest.mark.parametrize(
    ("given_words", "marked"),
    [
        ("web-1 uptime", "web-1 -- uptime"),
        ("web-1 ls -l", "web-1 -- ls -l"),
        ("web-1 -- ls -l", "web-1 -- ls -l"),
        ("-t 5 web-1 sleep -h", "-t 5 web-1 -- sleep -h"),
        ("web-1 -t 5 sleep 9", "web-1 -t 5 -- sleep 9"),
        ("web-1 -t5 sleep 9", "web-1 -t5 -- sleep 9"),
        ("web-1 -vt 5 sleep 9", "web-1 -vt 5 -- sleep 9"),
        ("web-1 --cwd /srv ls --json", "web-1 --cwd /srv -- ls --json"),
        ("web-1 --cwd=/srv ls", "web-1 --cwd=/srv -- ls"),
        ("--json web-1 --pty --env A=1 env -i", "--json web-1 --pty --env A=1 -- env -i"),
        ("web-1 cat - -n", "web-1 -- cat - -n"),
        ("web-1", "web-1"),
        ("", ""),
    ],
)
def test_what_follows_the_commands_first_word_belongs_to_the_command(given_words: str, marked: str) -> None:
    assert mark_command(given_words.split(), _OPTIONS) == marked.split()


@given(st.lists(st.text("-abtvn =/", max_size=5), max_size=6))
def test_marking_adds_at_most_one_separator_and_changes_nothing_else(words: list[str]) -> None:
    marked = mark_command(words, _OPTIONS)
    if marked != words:
        position = marked.index("--")
        assert marked[:position] + marked[position + 1 :] == words


@pytest.mark.parametrize(
    ("text", "rate"),
    [("500", 500), ("500k", 512000), ("2M", 2 << 20), ("1.5m", 3 << 19), ("1G", 1 << 30), ("10MB/s", 10 << 20)],
)
def test_a_rate_is_bytes_a_second(text: str, rate: int) -> None:
    assert Rate().convert(text, None, None) == rate


@pytest.mark.parametrize("text", ["", "fast", "-1", "0", "5x", "k"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="no rate"):
        Rate().convert(text, None, None)


def test_an_assignment_keeps_every_equals_sign_of_its_value() -> None:
    assert Assignment().convert("A=b=c", None, None) == ("A", "b=c")


@pytest.mark.parametrize("text", ["A", "=b", "1A=b", "A B=c"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="NAME=VALUE"):
        Assignment().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("web-1:/etc", "web-1", "/etc"),
        ("web-1:", "web-1", "."),
        ("web-1:a:b", "web-1", "a:b"),
        ("me@web-1:~/x", "me@web-1", "~/x"),
        ("[fe80::1]:/x", "[fe80::1]", "/x"),
        ("me@[::1]:x", "me@[::1]", "x"),
        ("web-1:a\nb", "web-1", "a\nb"),
    ],
)
def test_host_and_path_are_told_apart_at_the_first_colon(text: str, host: str, path: str) -> None:
    assert parse_remote(text) == RemotePath(host, path)


@pytest.mark.parametrize("text", ["notes.txt", "./a:b", "/tmp/a:b", "a/b:c", ":x", "", "-"])
def test_a_colon_after_a_slash_belongs_to_a_local_name(text: str) -> None:
    assert parse_remote(text) is None


def test_a_local_path_where_a_remote_one_is_needed_is_a_usage_error() -> None:
    with pytest.raises(ConfigError, match="write HOST:PATH") as caught:
        remote("notes.txt")
    assert caught.value.code is Code.USAGE


def test_paths_on_two_hosts_are_refused_with_both_names() -> None:
    with pytest.raises(ConfigError, match="db-2, web-1"):
        one_host((remote("web-1:a"), remote("db-2:b")))
