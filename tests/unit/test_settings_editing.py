"""Editing one table of config.toml: what was asked for is changed, and no other byte."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.settings.editing import CannotEdit, remove_table, rename_table, set_values

WEB = ("hosts", "web-1")

TEXT = """\
# my hosts
[ui]
theme = "dark"   # at night

# the first one
[hosts.web-1]   # blue
address = "192.0.2.7"  # since May
# not used: user = "root"
port = 22
[hosts.web-1.keepalive]
interval = 5

# the second
[hosts.db]
address = "192.0.2.8"
"""


def test_a_value_is_changed_in_its_place_and_its_comment_stays() -> None:
    changed = set_values(TEXT, WEB, {"address": "192.0.2.9"})
    assert changed == TEXT.replace('"192.0.2.7"  # since May', '"192.0.2.9"  # since May')


def test_a_new_key_goes_to_the_end_of_its_own_table() -> None:
    changed = set_values(TEXT, WEB, {"user": "me", "tags": ["a", "b"]})
    assert changed == TEXT.replace("port = 22\n", 'port = 22\nuser = "me"\ntags = ["a", "b"]\n')


def test_a_key_is_taken_away_with_its_line() -> None:
    assert set_values(TEXT, WEB, {"port": None}) == TEXT.replace("port = 22\n", "")
    assert set_values(TEXT, WEB, {"keepalive": None}) == TEXT.replace("[hosts.web-1.keepalive]\ninterval = 5\n", "")


def test_a_table_goes_with_what_is_in_it_and_what_is_around_it_stays() -> None:
    assert remove_table(TEXT, WEB) == (
        '# my hosts\n[ui]\ntheme = "dark"   # at night\n\n# the first one\n\n'
        '# the second\n[hosts.db]\naddress = "192.0.2.8"\n'
    )


def test_a_table_is_renamed_in_all_its_headers() -> None:
    renamed = rename_table(TEXT, WEB, "web 2")
    assert renamed == TEXT.replace("hosts.web-1", 'hosts."web 2"')


def test_a_new_table_goes_to_the_end() -> None:
    made = set_values(TEXT, ("hosts", "new"), {"address": "h", "production": True})
    assert made == TEXT + '\n[hosts.new]\naddress = "h"\nproduction = true\n'
    assert set_values("", ("hosts", "new"), {"port": 1}) == "[hosts.new]\nport = 1\n"
    assert set_values("a = 1", ("hosts", "new"), {}) == "a = 1\n\n[hosts.new]\n"


def test_line_ends_of_windows_stay() -> None:
    text = TEXT.replace("\n", "\r\n")
    assert set_values(text, WEB, {"user": "me", "port": 23}) == text.replace(
        "port = 22\r\n", 'port = 23\r\nuser = "me"\r\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        '[hosts]\nweb-1.address = "a" # x\nweb-1.port = 1\ndb.port = 2\n',
        'hosts.web-1.address = "a" # x\nhosts.web-1.port = 1\n\n[ui]\ntheme = "dark"\n',
        '[hosts]\nweb-1 = { address = "a", port = 1 } # x\n',
        'hosts = { web-1 = { address = "a", port = 1 }, db = {} } # x\n',
        '[hosts.web-1] # x\nport = 1\n[ui]\ntheme = "dark"\n[hosts.db]\n[profiles.p]\n',
        '["hosts" . "web-1"] # x\n"port" = 1\n',
        "[hosts.'web-1'] # x\nport = 1",
        '[hosts.web-1.env]\nA = """\n[hosts.db]\n"""\n[hosts.web-1] # x\nport = 1\n',
    ],
)
def test_every_way_to_write_an_entry_is_understood_or_refused(text: str) -> None:
    before = tomllib.loads(text)
    changed = set_values(text, WEB, {"port": 9, "user": "me"})
    want = tomllib.loads(text)
    want["hosts"]["web-1"].update(port=9, user="me")
    assert tomllib.loads(changed) == want
    assert "# x" in changed
    assert "web-1" not in tomllib.loads(remove_table(text, WEB)).get("hosts", {})
    try:
        renamed = tomllib.loads(rename_table(text, WEB, "other"))
    except CannotEdit:
        assert "hosts = {" in text
    else:
        assert renamed["hosts"]["other"] == before["hosts"]["web-1"]


NAMES = st.sampled_from(["web-1", "db", "a b", "é", "x.y", 'q"']) | st.text(min_size=1, max_size=6)
SCALARS = st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=12) | st.floats(allow_nan=False)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(NAMES, SCALARS, max_size=3)
TABLES = st.dictionaries(NAMES.filter(str.isprintable), st.dictionaries(NAMES, VALUES, max_size=3), max_size=4)


def _written(hosts: dict[str, dict[str, Any]], noise: list[str]) -> str:
    """A document of these hosts with comments and other tables between them."""
    text = '# head\n[ui]\ntheme = "dark" # keep\n'
    for number, (name, values) in enumerate(hosts.items()):
        text += noise[number % len(noise)]
        text += set_values("", ("hosts", name), values)
    return text


@given(
    hosts=TABLES,
    noise=st.lists(st.sampled_from(["", "\n", "# a comment\n", "\n\n# two\n# lines\n\n"]), min_size=1, max_size=4),
    name=NAMES,
    values=st.dictionaries(NAMES, VALUES, max_size=3),
)
def test_adding_and_removing_again_gives_back_every_byte(
    hosts: dict[str, dict[str, Any]], noise: list[str], name: str, values: dict[str, Any]
) -> None:
    text = _written(hosts, noise)
    if name in hosts:
        del hosts[name]
        text = _written(hosts, noise)
    added = set_values(text, ("hosts", name), values)
    assert added.startswith(text)
    assert tomllib.loads(added)["hosts"][name] == values
    assert remove_table(added, ("hosts", name)).rstrip("\n") == text.rstrip("\n")


@given(hosts=TABLES.filter(bool), values=st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), data=st.data())
def test_the_lines_of_other_entries_are_untouched(
    hosts: dict[str, dict[str, Any]], values: dict[str, Any], data: st.DataObject
) -> None:
    text = _written(hosts, ["\n# about the next\n"])
    name = data.draw(st.sampled_from(sorted(hosts)))
    own = set_values("", ("hosts", name), hosts[name])
    before, found, after = text.partition("# about the next\n" + own)
    changed = set_values(text, ("hosts", name), values)
    assert found
    assert changed.startswith(before)
    assert changed.endswith(after)
    assert tomllib.loads(changed)["hosts"][name] == {**hosts[name], **values}
