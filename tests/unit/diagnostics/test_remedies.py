"""Which remedies a failure has: from its code, its evidence and its hop, and nothing that is only a text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.host_keys import shorten
from backend.connection.ssh.internals import supported
from backend.connection.target import Algorithms, Hop, HostKeyPolicy
from backend.diagnostics.remedies.case import Case, entry_name
from backend.diagnostics.remedies.derive import REMEDIED, remedies_for
from backend.diagnostics.remedies.legacy import kind_of, least_bad
from backend.diagnostics.remedies.model import Changes, Remedy, RemedyId
from backend.diagnostics.remedies.slow import remedied
from backend.diagnostics.slowness.judge import judge
from backend.diagnostics.slowness.report import LimitKind, SlowReport
from backend.errors import AuthError, Code, ConnectError, FairleadError, FileError
from tests.support.scripted import hop
from tests.unit.diagnostics.test_slowness_judge import CASES

KEY = Path("/keys/id_ed25519")
WEB = hop("web-1", identity_files=(KEY,))


def remedies(error: FairleadError, at: Hop | None = WEB, *, near: tuple[str, ...] = ()) -> dict[RemedyId, Remedy]:
    return {remedy.id: remedy for remedy in remedies_for(Case(error, "web-1", at, near))}


def open_key(path: object = KEY) -> AuthError:
    return AuthError(Code.AUTH_KEY_PERMISSIONS, evidence={"path": path, "mode": "0644"}, host="web-1")


def no_match(kind: str, server: str) -> ConnectError:
    return ConnectError(Code.KEX_NO_MATCH, evidence={"kind": kind, "server": server, "client": "new"}, host="web-1")


def test_an_open_key_file_is_closed_and_the_undo_gives_its_mode_back() -> None:
    fix = remedies(open_key())[RemedyId.FIX_MODE]
    assert (fix.path, fix.changes) == (KEY, Changes.THIS_MACHINE)
    assert fix.dry_run == f"chmod 600 {KEY}"
    assert fix.undo == f"chmod 644 {KEY}"
    assert "0644 becomes 0600" in fix.sentence


def test_only_a_key_file_that_the_host_names_is_ever_changed() -> None:
    """The path in an error is a text; what is changed must be what the book said."""
    assert RemedyId.FIX_MODE not in remedies(open_key("/etc/shadow"))
    assert RemedyId.FIX_MODE not in remedies(open_key(), at=None)


def test_a_key_in_the_home_directory_is_found_by_its_short_name(own_home: Path) -> None:
    path = own_home / ".ssh" / "a key"
    fix = remedies(open_key(shorten(path)), hop("web-1", identity_files=(path,)))[RemedyId.FIX_MODE]
    assert fix.path == path
    assert fix.dry_run == "chmod 600 ~/'.ssh/a key'"


def test_of_what_a_legacy_device_offers_the_least_bad_is_allowed_for_it_alone() -> None:
    offered = "diffie-hellman-group1-sha1,unheard-of,diffie-hellman-group14-sha1"
    allow = remedies(no_match("key exchange", offered))[RemedyId.ALLOW_ALGORITHM]
    assert (allow.option, allow.name, allow.changes) == ("kex", "diffie-hellman-group14-sha1", Changes.HOST_BOOK)
    assert allow.dry_run == '[hosts.web-1] algorithms = { kex = "+diffie-hellman-group14-sha1" }'


def test_a_host_in_a_command_to_copy_is_one_word_whatever_it_is_called() -> None:
    """A name may come from an inventory that somebody else has written."""
    near = remedies(ConnectError(Code.NAME_NOT_FOUND, host="web-1"), near=("web;reboot",))[RemedyId.NEAR_NAME]
    assert near.told.command == near.dry_run == "fairlead diagnose 'web;reboot'"
    odd = Case(ConnectError(Code.TCP_REFUSED), "web;reboot", replace(WEB, port=2222))
    (port,) = remedies_for(odd)
    assert port.told.command == "fairlead diagnose 'web;reboot' -p 22"


def test_what_this_program_cannot_speak_is_not_offered() -> None:
    assert remedies(no_match("cipher", "unheard-of")) == {}
    assert remedies(no_match("unheard-of", "aes256-cbc")) == {}


@pytest.mark.parametrize(
    ("kind", "can"),
    [
        ("key exchange", supported().kex),
        ("cipher", supported().ciphers),
        ("MAC", supported().macs),
        ("host key", supported().host_keys),
    ],
)
def test_every_algorithm_that_may_be_allowed_can_be_spoken(kind: str, can: tuple[str, ...]) -> None:
    known = kind_of(kind)
    assert known is not None
    assert set(known.known) <= set(can)


@given(st.lists(st.sampled_from(["ssh-rsa", "ssh-dss", "rsa-sha2-256", "other"])))
def test_a_stronger_one_is_never_passed_over(names: list[str]) -> None:
    kind = kind_of("host key")
    assert kind is not None
    chosen = least_bad(kind, names)
    usable = [name for name in kind.known if name in names]
    assert chosen == (usable[0] if usable else None)


def test_a_changed_key_is_shown_but_not_where_nobody_is_to_be_asked() -> None:
    changed = ConnectError(Code.HOST_KEY_CHANGED, host="web-1")
    assert "side by side" in remedies(changed)[RemedyId.SHOW_HOST_KEY].sentence
    assert remedies(changed, replace(WEB, host_key_policy=HostKeyPolicy.STRICT)) == {}


def test_a_revoked_key_has_no_remedy() -> None:
    assert remedies(ConnectError(Code.HOST_KEY_REVOKED, host="web-1")) == {}


def test_the_usual_port_is_tried_where_another_one_was() -> None:
    refused = ConnectError(Code.TCP_REFUSED, evidence={"address": "web-1", "port": 2222})
    assert "in place of 2222" in remedies(refused, hop("web-1", port=2222))[RemedyId.DEFAULT_PORT].sentence
    assert remedies(refused, hop("web-1")) == {}


def test_a_near_name_is_gone_on_with() -> None:
    unknown = FairleadError(Code.NAME_NOT_FOUND, evidence={"address": "wbe-1"})
    found = remedies_for(Case(unknown, "wbe-1", None, ("web-1", "web-2")))
    assert [(one.id, one.host) for one in found] == [(RemedyId.NEAR_NAME, "web-1"), (RemedyId.NEAR_NAME, "web-2")]


def test_an_agent_is_started_only_where_there_is_none() -> None:
    wrong = AuthError(Code.AUTH_PASSPHRASE, evidence={"path": KEY}, host="web-1")
    start = remedies(wrong)[RemedyId.START_AGENT]
    assert start.path == KEY
    assert not start.lasts
    assert RemedyId.START_AGENT not in remedies(wrong, replace(WEB, agent_socket=Path("/run/agent")))


def test_a_host_that_takes_no_keys_is_offered_none() -> None:
    denied = AuthError(Code.AUTH_DENIED, host="web-1")
    assert remedies(denied, replace(WEB, auth_methods=("password",))) == {}


def test_room_is_looked_for_on_the_host_only_where_it_is_the_hosts_disk() -> None:
    assert RemedyId.SHOW_SPACE in remedies(FileError(Code.DISK_FULL, evidence={"path": "/srv/x"}, host="web-1"))
    assert remedies(FileError(Code.DISK_FULL, evidence={"path": "/tmp/x"})) == {}


@pytest.mark.parametrize(
    ("name", "entry"),
    [("web-1", "web-1"), ("me@web-1:2222", "web-1"), ("[::1]:22", "::1"), ("no such @ :", "no such @ :")],
)
def test_an_entry_holds_for_every_way_of_writing_its_host(name: str, entry: str) -> None:
    assert entry_name(name) == entry


TEXT = st.text(max_size=40)


@given(code=st.sampled_from(Code), told=st.dictionaries(st.sampled_from(["path", "mode", "kind", "server"]), TEXT))
def test_whatever_a_server_says_a_remedy_says_what_it_does_on_one_line(code: Code, told: dict[str, str]) -> None:
    for remedy in remedies_for(Case(FairleadError(code, evidence=told, host="web-1"), "web-1", WEB)):
        assert code in REMEDIED
        assert remedy.told.apply == remedy.id.value
        for words in (remedy.label, remedy.sentence, remedy.dry_run, remedy.undo, remedy.told.text):
            assert words.isprintable()
        assert remedy.sentence
        assert remedy.dry_run


# --- a slow host ------------------------------------------------------------------------------------------------------

GCM = "aes128-gcm@openssh.com,aes256-gcm@openssh.com"
BOTH = tuple(GCM.split(","))


def slow_cipher(named: str | None, offered: tuple[str, ...] = (*BOTH, "3des-cbc")) -> SlowReport:
    """What is told of a host whose cipher is slow, of which these ciphers are `named`."""
    return remedied(judge(CASES[LimitKind.CIPHER]), hop("web-1", algorithms=Algorithms(ciphers=named)), offered)


@pytest.mark.parametrize(
    ("named", "written"),
    [
        ("3des-cbc", f"{GCM},3des-cbc"),
        ("3des-cbc,aes256-gcm@openssh.com", f"{GCM},3des-cbc"),
        ("^3des-cbc", f"^{GCM},3des-cbc"),
        ("+3des-cbc", f"^{GCM},3des-cbc"),
        ("+aes256-gcm@openssh.com", f"^{GCM}"),
    ],
)
def test_a_quicker_cipher_comes_before_those_that_are_named_and_none_is_lost(named: str, written: str) -> None:
    report = slow_cipher(named)
    [remedy] = report.can
    assert (remedy.id, remedy.option, remedy.name) == (RemedyId.QUICK_CIPHER, "ciphers", written)
    assert (remedy.changes, remedy.measures) == (Changes.HOST_BOOK, True)
    assert f'"{written}"' in remedy.dry_run
    assert report.remedies == (remedy.told,)
    assert report.remedies[0].apply == "quick-cipher"


@pytest.mark.parametrize("named", [None, "-3des-cbc", "aes256-gcm@openssh.com,3des-cbc", f"^{GCM}"])
def test_where_the_list_is_not_at_fault_it_is_not_touched(named: str | None) -> None:
    assert slow_cipher(named).can == ()


def test_what_a_server_does_not_offer_is_its_administrators() -> None:
    report = slow_cipher("3des-cbc", ("3des-cbc",))
    assert report.can == ()
    assert [advice.apply for advice in report.remedies] == [None]
    assert "administrator" in report.remedies[0].text


def test_where_nobody_knows_what_is_offered_nothing_is_promised() -> None:
    assert slow_cipher("3des-cbc", ()) == judge(CASES[LimitKind.CIPHER])


def test_only_ciphers_that_the_server_offers_are_written() -> None:
    [remedy] = slow_cipher("3des-cbc", ("aes256-gcm@openssh.com", "3des-cbc")).can
    assert remedy.name == "aes256-gcm@openssh.com,3des-cbc"


@pytest.mark.parametrize("kind", [kind for kind in LimitKind if kind is not LimitKind.CIPHER])
def test_other_limits_are_only_named(kind: LimitKind) -> None:
    report = judge(CASES[kind])
    assert remedied(report, hop("web-1", algorithms=Algorithms(ciphers="3des-cbc")), BOTH) == report
