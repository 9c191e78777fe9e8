"""The small reader of ssh_config files: names, where they are, includes; and the fallback without OpenSSH."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.hosts.config_files import Block, list_hosts, read_config
from backend.hosts.entries import HostEntry
from backend.hosts.names import Spec
from backend.hosts.options import PlainFiles, evaluate

# Made to be hard: quotes, equals signs, includes with globs, negation, Match, an entry twice, comments after values.
MAIN = """\
# my hosts
Include config.d/*.conf
Host web-1 web-2   # two of them
    HostName %h.example.net
    User = deploy
\tPort=2222
Host "quoted" *.lab !bastion.lab one-more
  HostName "10.0.0.9"
Match host web-1 exec "true"
  User nobody
Host web-1
  User second
  StrictHostKeyChecking no
Host *
  User everybody
"""


@pytest.fixture
def home(own_home: Path) -> Path:
    (own_home / ".ssh" / "config.d").mkdir(parents=True)
    (own_home / ".ssh" / "config").write_text(MAIN)
    return own_home


def entries(home: Path) -> dict[str, HostEntry]:
    found = list_hosts(read_config(home / ".ssh" / "config", home, {"WHERE": "elsewhere"}))
    return {entry.name: entry for entry in found}


def test_concrete_names_are_listed_in_order_and_patterns_are_not(home: Path) -> None:
    assert list(entries(home)) == ["web-1", "web-2", "quoted", "one-more"]


def test_an_entry_says_where_it_is_and_what_is_written_there(home: Path) -> None:
    entry = entries(home)["web-2"]
    assert (entry.where, entry.address, entry.user, entry.port) == (
        "~/.ssh/config:3", "web-2.example.net", "deploy", 2222,
    )  # fmt: skip


def test_the_first_value_counts_and_what_others_say_about_it_is_left_out(home: Path) -> None:
    assert entries(home)["web-1"].user == "deploy"
    assert entries(home)["quoted"].user == ""


def test_an_entry_that_is_not_checked_is_told_to_be_checked_all_the_same(home: Path) -> None:
    assert "asks" in entries(home)["web-1"].note
    assert entries(home)["web-2"].note == ""


def test_includes_are_followed_with_globs_in_sorted_order(home: Path) -> None:
    for name in ("b", "a"):
        (home / ".ssh" / "config.d" / f"{name}.conf").write_text(f"\nHost from-{name}\n")
    (home / ".ssh" / "config.d" / "ignored.txt").write_text("Host ignored\n")
    assert list(entries(home))[:3] == ["from-a", "from-b", "web-1"]
    assert entries(home)["from-a"].where == "~/.ssh/config.d/a.conf:2"


@pytest.mark.parametrize("written", ["~/elsewhere/more", "${WHERE}", "/absolute"])
def test_includes_by_home_variable_and_absolute_path(home: Path, written: str, tmp_path: Path) -> None:
    place = {
        "~/elsewhere/more": home / "elsewhere" / "more",
        "${WHERE}": home / ".ssh" / "elsewhere",
        "/absolute": tmp_path / "absolute",
    }[written]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("Host included\n")
    line = str(place) if written == "/absolute" else written
    (home / ".ssh" / "config").write_text(f'Include "{line}"\n')
    assert list(entries(home)) == ["included"]


def test_files_that_include_each_other_are_read_once(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Include other\nHost a\n")
    (home / ".ssh" / "other").write_text("Include config\nHost b\n")
    assert list(entries(home)) == ["b", "a"]


def test_files_that_are_not_there_or_cannot_be_read_hold_no_hosts(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Include nowhere/*\nInclude config.d\nHost a\n")
    assert list(entries(home)) == ["a"]
    (home / ".ssh" / "config").unlink()
    assert entries(home) == {}


def test_names_with_control_codes_are_cleaned_for_the_list(home: Path) -> None:
    (home / ".ssh" / "config").write_bytes(b"Host a\x1b[31m \xff\xfe\n")
    assert all(name.isprintable() for name in entries(home))


@given(st.text(max_size=200))
def test_no_text_whatever_upsets_the_reader(text: str) -> None:
    from backend.hosts.config_files import _lines

    for number, keyword, words in _lines(text):
        assert number >= 1
        assert keyword == keyword.lower()
        assert all(isinstance(word, str) for word in words)


@pytest.mark.parametrize(
    ("patterns", "name", "applies"),
    [
        (("*",), "web-1", True),
        (("web-?",), "web-1", True),
        (("web-?",), "web-10", False),
        (("WEB-1",), "web-1", True),
        (("*.lab", "!bastion.lab"), "x.lab", True),
        (("*.lab", "!bastion.lab"), "bastion.lab", False),
        (("!bastion.lab",), "x.lab", False),
        (("[ab]",), "a", False),
        (("[ab]",), "[ab]", True),
        ((), "web-1", False),
    ],
)
def test_patterns_match_as_in_ssh_config(patterns: tuple[str, ...], name: str, applies: bool) -> None:
    assert Block(patterns).applies(name) is applies


# --- without an OpenSSH client -----------------------------------------------------------------------------------


def evaluated(home: Path, name: str) -> dict[str, tuple[str, ...]]:
    return evaluate(list(read_config(home / ".ssh" / "config", home, {})), Spec(name))


def test_the_first_value_wins_and_match_is_left_out(home: Path) -> None:
    found = evaluated(home, "web-1")
    assert found["user"] == ("deploy",)
    assert found["hostname"] == ("web-1.example.net",)
    assert found["stricthostkeychecking"] == ("no",)
    assert evaluated(home, "anything")["user"] == ("everybody",)


def test_identity_files_add_up_and_times_are_in_seconds(home: Path) -> None:
    (home / ".ssh" / "config").write_text(
        "Host a\nIdentityFile ~/one\nConnectTimeout 1m30s\nHost *\nIdentityFile ~/two\nServerAliveInterval 2m\n"
    )
    found = evaluated(home, "a")
    assert found["identityfile"] == ("~/one", "~/two")
    assert found["connecttimeout"] == ("90",)
    assert found["serveraliveinterval"] == ("120",)


def test_an_include_inside_a_block_holds_for_that_block_only(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Host a\n  Include more\nHost b\n  Port 3\n")
    (home / ".ssh" / "more").write_text("User included\nHost *\n  Port 5\n")
    assert evaluated(home, "a")["user"] == ("included",)
    assert evaluated(home, "a")["port"] == ("5",)
    assert evaluated(home, "b")["port"] == ("3",)


async def test_what_was_typed_wins_over_the_files(home: Path) -> None:
    source = PlainFiles(home / ".ssh" / "config", home, {})
    options = await source.options(Spec("web-1", "typed", 7), "bastion")
    assert (options["user"], options["port"], options["proxyjump"]) == (("typed",), ("7",), ("bastion",))
    assert [entry.name for entry in await source.entries()][:2] == ["web-1", "web-2"]
