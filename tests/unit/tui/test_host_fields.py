"""The form's fields: texts in and out, and what is said about a host that is changed or goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from backend.hosts.book import HostEntry, HostSource
from backend.hosts.draft import FIELDS, HostDraft
from tui.book_words import own_entry_words, removal_words
from tui.form_fields import ALL, SECTIONS, Field
from tui.host_fields import (
    begun_with,
    difference,
    draft_of,
    filled_in,
    taken_apart,
    text_of,
    unknown_jumps,
    unreadable,
)


def _said(draft: HostDraft, **changes: object) -> dict[str, object]:
    begun = {field.key: draft.said(field.key) if field.choices else text_of(draft, field.key) for field in ALL}
    return {**begun, **{key.replace("__", "."): value for key, value in changes.items()}}


def test_every_field_of_an_entry_has_a_line() -> None:
    assert [field.key for field in ALL if field.key not in FIELDS] == []
    assert sorted(field.key for field in ALL) == sorted(FIELDS)


@pytest.mark.parametrize("field", ALL, ids=lambda field: field.key)
def test_a_hint_fits_into_its_two_lines_at_80_columns(field: Field) -> None:
    assert len(Content(field.hint).wrap(70)) <= 2


def test_what_is_typed_becomes_the_entry() -> None:
    typed = {"name": " web-1 ", "identity_files": "~/.ssh/a, ~/.ssh/b", "tags": "web,, nginx ,web", "port": "22"}
    draft = draft_of(_said(HostDraft(name=""), **typed, production=True), HostDraft(name=""))
    assert draft.name == "web-1"
    assert draft.identity_files == ("~/.ssh/a", "~/.ssh/b")
    assert draft.tags == ("web", "nginx")
    assert draft.port == "22"
    assert draft.production is True


def test_routes_variables_and_limits_become_what_the_file_says() -> None:
    more = {
        "routes": "tailscale, jump:a,b,direct",
        "env": 'A=1 B="x y" C=',
        "roots": "scratch=/scratch/me",
        "forwards": "L 8080:db:80, D 1080",
        "keepalive__interval": " 7.5 ",
        "timeouts__login": "120",
        "idle_close": "1800",
        "host_key": "strict",
        "agent": False,
    }
    assert draft_of(_said(HostDraft(name="x"), **more), HostDraft(name="x")).table() == {
        "routes": ["tailscale", "jump:a,b", "direct"],
        "env": {"A": "1", "B": "x y", "C": ""},
        "roots": {"scratch": "/scratch/me"},
        "forwards": ["L 8080:db:80", "D 1080"],
        "keepalive": {"interval": 7.5},
        "timeouts": {"login": 120},
        "idle_close": 1800,
        "host_key": "strict",
        "agent": False,
    }


def test_an_emptied_line_says_nothing_any_more() -> None:
    before = HostDraft(name="x", keepalive={"interval": "5", "misses": "3"}, env={"A": "1"}, routes=("direct",))
    draft = draft_of(_said(before, keepalive__interval="", env="", routes=""), before)
    assert draft.table() == {"keepalive": {"misses": 3}}


_NAMES = st.from_regex(r"[A-Z]{1,4}", fullmatch=True)


@given(st.dictionaries(_NAMES, st.text(max_size=12), max_size=4))
def test_variables_survive_their_line_whatever_is_in_them(env: dict[str, str]) -> None:
    line = text_of(HostDraft(name="x", env=env), "env")
    assert draft_of(_said(HostDraft(name="x"), env=line), HostDraft(name="x")).env == env


@pytest.mark.parametrize(("line", "told"), [("A", "A has no '='"), ('A="x', "a quotation mark has no second one")])
def test_a_line_that_cannot_be_read_is_told_and_keeps_its_value(line: str, told: str) -> None:
    before = HostDraft(name="x", env={"A": "1"})
    said = _said(before, env=line)
    assert told in unreadable(said, before)["env"]
    assert draft_of(said, before) == before


def test_a_part_of_the_form_that_is_shut_tells_what_is_filled_in() -> None:
    draft = HostDraft(name="x", tailscale="h", routes=("direct",), timeouts={"login": "5"}, password=False)
    told = {section.title: filled_in(section, draft) for section in SECTIONS if section.folds}
    assert told == {
        "other ways there": ("tailscale", "routes"),
        "logging in": ("password",),
        "on the host": (),
        "limits": ("login",),
    }


@given(st.lists(st.text(max_size=8), max_size=4), st.text(max_size=20), st.dictionaries(st.text(), st.text()))
def test_a_line_that_is_not_touched_changes_nothing(tags: list[str], note: str, env: dict[str, str]) -> None:
    before = HostDraft(name="x", tags=tuple(tags), note=note, env=env, forwards=tuple(tags))
    assert draft_of(_said(before), before) == before
    assert difference(before, draft_of(_said(before), before)) == ()


@pytest.mark.parametrize(
    ("address", "user", "port", "becomes"),
    [
        ("me@10.0.0.1:2222", "", "", {"address": "10.0.0.1", "user": "me", "port": "2222"}),
        ("ssh://me@gate.example", "", "22", {"address": "gate.example", "user": "me", "port": "22"}),
        ("[::1]:2222", "me", "", {"address": "::1", "user": "me", "port": "2222"}),
        ("me@gate", "you", "", {}),
        ("gate", "", "", {}),
        ("", "", "", {}),
        ("me@gate:port", "", "", {}),
    ],
)
def test_a_pasted_address_is_taken_apart_where_user_and_port_are_free(
    address: str, user: str, port: str, becomes: dict[str, str]
) -> None:
    assert taken_apart({"address": address, "user": user, "port": port}) == becomes


def test_an_own_entry_begins_with_what_is_known() -> None:
    alias = begun_with(HostEntry("gate", HostSource.SSH_CONFIG, "~/.ssh/config:3"))
    assert (alias.name, alias.ssh_host, alias.address) == ("gate", "gate", "")
    typed = begun_with(HostEntry("me@gate.example.org:2222", HostSource.TYPED))
    assert (typed.name, typed.address, typed.user, typed.port) == ("gate", "gate.example.org", "me", "2222")
    assert begun_with(HostEntry("10.0.0.1", HostSource.TYPED)).name == ""


def test_a_jump_host_that_nobody_knows_is_told() -> None:
    assert unknown_jumps("bastion, bastoin, me@gate, gate.example.org", ["bastion"]) == ("bastoin",)


def test_a_removal_says_what_goes_and_what_stays() -> None:
    entry = HostEntry("web-1", HostSource.OWN, address="10.0.4.7", user="deploy", note="mind\x1b[31m the gap")
    words = removal_words(entry, Path("/etc/config.toml"), users=[f"h{n}" for n in range(7)], in_use=True)
    assert "web-1 (deploy@10.0.4.7) goes out of /etc/config.toml" in words
    assert "jump host of h0, h1, h2, h3, h4 and 2 more" in words
    assert "stays until you disconnect" in words
    assert "A copy of the file" in words
    assert "\x1b" not in words


def test_a_host_of_the_ssh_configuration_stays_where_it_is() -> None:
    words = own_entry_words(HostEntry("gate", HostSource.SSH_CONFIG, "~/.ssh/config:3"))
    assert words.startswith("~/.ssh/config:3 stays as it is.")
