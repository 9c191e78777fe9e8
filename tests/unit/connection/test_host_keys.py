"""What known_hosts lines mean, held against OpenSSH's own tools where they can be asked."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.host_keys import (
    HostKey,
    HostNames,
    KnownHosts,
    hashed,
    load,
    matches,
    parse,
    shorten,
    without,
)
from backend.connection.interaction import HostKeyState
from backend.connection.target import Hop, KnownHostsFiles
from backend.errors import Code, HostKeyError


def key(seed: int = 1, algorithm: str = "ssh-ed25519") -> HostKey:
    """A key that is well formed and belongs to nobody."""
    name = algorithm.encode()
    return HostKey(len(name).to_bytes(4, "big") + name + (32).to_bytes(4, "big") + bytes([seed]) * 32)


ED, RSA, OTHER = key(1), key(2, "ssh-rsa"), key(3)


def known(text: str, *, address: str = "web-1", port: int = 22, alias: str | None = None) -> KnownHosts:
    names = HostNames.of(Hop("h", address, port, "me", host_key_alias=alias))
    lines = parse(text.encode(), Path("/home/me/known"))
    return KnownHosts(
        names,
        tuple(line for line in lines if matches(line.names, names.main)),
        tuple(line for line in lines if names.bare and matches(line.names, names.bare)),
    )


def test_a_key_that_is_written_down_is_trusted_and_its_place_is_named() -> None:
    judgement = known(f"# old\n\nweb-1 {ED.line} comment\n").judge(ED)
    assert judgement.state is HostKeyState.TRUSTED
    assert judgement.known[0].where == "/home/me/known:3"
    assert judgement.known[0].fingerprint == ED.fingerprint


def test_a_host_without_lines_is_unknown() -> None:
    assert known(f"web-2 {ED.line}\n").judge(ED).state is HostKeyState.UNKNOWN


def test_another_key_of_the_same_type_is_a_changed_key() -> None:
    judgement = known(f"web-1 {ED.line}\n").judge(OTHER)
    assert judgement.state is HostKeyState.CHANGED
    assert [item.fingerprint for item in judgement.known] == [ED.fingerprint]


def test_a_key_of_another_type_is_a_changed_key_too() -> None:
    assert known(f"web-1 {ED.line}\n").judge(RSA).state is HostKeyState.CHANGED


def test_any_of_several_keys_is_trusted() -> None:
    both = known(f"web-1 {RSA.line}\nweb-1 {ED.line}\n")
    assert both.judge(ED).state is HostKeyState.TRUSTED
    assert both.judge(RSA).state is HostKeyState.TRUSTED
    assert both.algorithms == ("ssh-rsa", "ssh-ed25519")


def test_a_revoked_key_stays_revoked_where_another_line_trusts_it() -> None:
    judgement = known(f"web-1 {ED.line}\n@revoked * {ED.line}\n").judge(ED)
    assert judgement.state is HostKeyState.REVOKED
    assert judgement.known[0].where == "/home/me/known:2"


def test_a_key_that_is_revoked_for_another_host_is_only_unknown_here() -> None:
    assert known(f"@revoked web-2 {ED.line}\n").judge(ED).state is HostKeyState.UNKNOWN


def test_an_authority_is_no_host_key_and_a_host_key_is_no_authority() -> None:
    there = known(f"@cert-authority web-* {ED.line}\nweb-1 {RSA.line}\n")
    assert there.authorities == (ED,)
    assert there.judge_authority(ED).state is HostKeyState.TRUSTED
    assert there.judge_authority(RSA).state is HostKeyState.UNKNOWN
    assert there.judge(ED).state is HostKeyState.CHANGED


def test_a_revoked_authority_signs_for_nobody() -> None:
    there = known(f"@cert-authority * {ED.line}\n@revoked * {ED.line}\n")
    assert there.authorities == ()
    assert there.judge_authority(ED).state is HostKeyState.REVOKED


def test_a_port_other_than_22_has_a_name_of_its_own() -> None:
    assert known(f"[web-1]:2222 {ED.line}\n", port=2222).judge(ED).state is HostKeyState.TRUSTED
    assert known(f"[web-1]:2222 {ED.line}\n").judge(ED).state is HostKeyState.UNKNOWN


def test_off_port_22_a_key_known_for_the_bare_name_is_trusted_and_another_is_not_changed() -> None:
    bare = known(f"web-1 {ED.line}\n", port=2222)
    assert bare.judge(ED).state is HostKeyState.TRUSTED
    assert bare.judge(OTHER).state is HostKeyState.UNKNOWN


def test_a_name_with_the_port_wins_over_the_bare_name() -> None:
    both = known(f"web-1 {ED.line}\n[web-1]:2222 {OTHER.line}\n", port=2222)
    assert both.judge(ED).state is HostKeyState.CHANGED


def test_host_key_alias_replaces_name_and_port() -> None:
    there = known(f"cluster {ED.line}\n", port=2222, alias="Cluster")
    assert there.names == HostNames("cluster")
    assert there.judge(ED).state is HostKeyState.TRUSTED


@pytest.mark.parametrize(
    ("names", "host", "expected"),
    [
        ("web-1", "web-1", True),
        ("WEB-1", "web-1", True),
        ("web-2,web-1", "web-1", True),
        ("web-?", "web-1", True),
        ("web-?", "web-12", False),
        ("*.example.org", "a.b.example.org", True),
        ("*.example.org", "example.org", False),
        ("*,!web-1", "web-1", False),
        ("!web-1,*", "web-1", False),
        ("!web-1", "web-2", False),
        ("[web-1]:22*", "[web-1]:2222", True),
        ("web[1]", "web1", False),
        ("w.b-1", "web-1", False),
        ("*" * 60 + "x", "y" * 200, False),
    ],
)
def test_patterns_match_as_in_sshd_8(names: str, host: str, expected: bool) -> None:
    assert matches(names, host) is expected


def test_hashed_names_are_those_that_ssh_keygen_writes_and_finds(tmp_path: Path) -> None:
    file = tmp_path / "known"
    file.write_text(f"web-1 {ED.line}\n[web-1]:2222 {OTHER.line}\n")
    subprocess.run(["ssh-keygen", "-H", "-f", str(file)], check=True, capture_output=True)
    text = file.read_text()
    assert text.startswith("|1|")
    assert known(text).judge(ED).state is HostKeyState.TRUSTED
    assert known(text, port=2222).judge(OTHER).state is HostKeyState.TRUSTED
    assert known(text, address="web-2").judge(ED).state is HostKeyState.UNKNOWN


def test_ssh_keygen_finds_names_that_we_hash(tmp_path: Path) -> None:
    file = tmp_path / "known"
    file.write_text(f"{hashed('[web-1]:2222', os.urandom(20))} {ED.line}\n")
    found = subprocess.run(["ssh-keygen", "-F", "[web-1]:2222", "-f", str(file)], capture_output=True, text=True)
    assert "found: line 1" in found.stdout


@pytest.mark.parametrize(
    "line",
    [
        "web-1",
        "web-1 ssh-ed25519",
        "web-1 ssh-ed25519 not-base64!",
        f"web-1 ssh-rsa {base64.b64encode(ED.blob).decode()}",
        "@made-up web-1 " + ED.line,
        "web-1 2048 35 1234567890",
        "|1|broken " + ED.line,
        "web-1 ssh-ed25519 AAAA",
    ],
)
def test_lines_that_make_no_sense_are_passed_over(line: str) -> None:
    assert known(f"{line}\nweb-1 {ED.line}\n").judge(ED).state is HostKeyState.TRUSTED


@given(st.binary(max_size=400))
def test_no_file_whatever_it_holds_stops_the_reader(raw: bytes) -> None:
    for line in parse(raw, Path("x")):
        matches(line.names, "web-1")
    without(raw, "web-1")


@given(st.lists(st.sampled_from(["web-1", "web-2", "*", "!web-1", "web-?", "[web-1]:22"]), min_size=1, max_size=5))
def test_after_forgetting_a_name_nothing_is_said_exactly_about_it(names: list[str]) -> None:
    text = f"{','.join(names)} {ED.line}\n".encode()
    left = parse(without(text, "web-1"), Path("x"))
    assert all("web-1" not in line.names.split(",") for line in left)
    if "web-2" in names:
        assert any("web-2" in line.names.split(",") for line in left)


def test_forgetting_keeps_other_hosts_comments_and_markers() -> None:
    text = (
        f"# mine\nweb-1,web-2 {ED.line}\nweb-1 {OTHER.line}\n{hashed('web-1', b's' * 20)} {ED.line}\n"
        f"@revoked web-1 {RSA.line}\nweb-* {RSA.line}"
    )
    kept = f"# mine\nweb-2 {ED.line}\n@revoked web-1 {RSA.line}\nweb-* {RSA.line}"
    assert without(text.encode(), "web-1").decode() == kept


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_fingerprint_and_picture_are_those_of_ssh_keygen(tmp_path: Path, kind: str) -> None:
    for number in range(4):
        path = tmp_path / f"{kind}{number}"
        bits = ["-b", "2048"] if kind == "rsa" else []
        subprocess.run(["ssh-keygen", "-q", "-t", kind, *bits, "-N", "", "-f", str(path)], check=True)
        shown = subprocess.run(["ssh-keygen", "-lv", "-f", str(path)], check=True, capture_output=True, text=True)
        first, *picture = shown.stdout.rstrip("\n").split("\n")
        own = HostKey(base64.b64decode(path.with_name(path.name + ".pub").read_text().split()[1]))
        assert own.fingerprint == first.split()[1]
        assert own.randomart == "\n".join(picture)
        assert own.title.split()[1] == first.split()[0]


def test_files_are_searched_in_order_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    user, system = tmp_path / "user", tmp_path / "system"
    system.write_text(f"web-1 {ED.line}\n")
    found = load(KnownHostsFiles(user=(user,), system=(system,)), HostNames("web-1"))
    assert found.judge(ED).known[0].where == f"{system}:1"
    assert found.looked_in == (user, system)


@pytest.mark.parametrize("hash_names", [True, False], ids=["hashed", "plain"])
def test_a_file_of_ten_thousand_hosts_delays_nobody(tmp_path: Path, hash_names: bool) -> None:
    names = [f"host-{number}.example" for number in range(10_000)]
    written = [hashed(name, number.to_bytes(20, "big")) for number, name in enumerate(names)] if hash_names else names
    (file := tmp_path / "known").write_text("".join(f"{name} {ED.line}\n" for name in written))
    began = process_time()
    found = load(KnownHostsFiles(user=(file,)), HostNames("[host-9999.example]:2222", "host-9999.example"))
    assert found.judge(ED).known[0].where == f"{file}:10000"
    assert process_time() - began < 0.5, "seconds of CPU; it takes about a tenth of that on an idle machine"


def test_a_file_that_cannot_be_read_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(HostKeyError) as caught:
        load(KnownHostsFiles(user=(tmp_path,)), HostNames("web-1"))
    assert caught.value.code is Code.HOST_KEY_UNREADABLE
    assert str(tmp_path) in caught.value.evidence["path"]


def test_a_list_of_revoked_keys_outweighs_every_line_that_trusts_them(tmp_path: Path) -> None:
    user, revoked = tmp_path / "user", tmp_path / "revoked"
    user.write_text(f"web-1 {ED.line}\nweb-1 {OTHER.line}\n@cert-authority * {RSA.line}\n")
    revoked.write_text(f"# lost in March\n\n  {ED.line} old disk\n{RSA.line}\r\n")
    found = load(KnownHostsFiles(user=(user,), revoked=(revoked,)), HostNames("[web-1]:2222", "web-1"))
    assert found.judge(ED).state is HostKeyState.REVOKED
    assert found.judge(ED).known[0].where == f"{revoked}:3"
    assert found.judge(OTHER).state is HostKeyState.TRUSTED
    assert found.judge_authority(RSA).state is HostKeyState.REVOKED


@pytest.mark.parametrize("content", [None, b"SSHKRL\n\0\0\0\0\1", b"ssh-ed25519 AAAA\n", b"something else\n"])
def test_a_list_of_revoked_keys_that_cannot_be_read_whole_trusts_nobody(tmp_path: Path, content: bytes | None) -> None:
    revoked = tmp_path / "revoked"
    if content is not None:
        revoked.write_bytes(f"{ED.line}\n".encode() * (not content.startswith(b"SSHKRL")) + content)
    with pytest.raises(HostKeyError) as caught:
        load(KnownHostsFiles(revoked=(revoked,)), HostNames("web-1"))
    assert caught.value.code is Code.HOST_KEY_UNREADABLE
    assert caught.value.evidence["path"] == str(revoked)


def test_no_files_mean_that_nothing_is_known_and_not_that_everything_is_trusted() -> None:
    assert load(KnownHostsFiles(), HostNames("web-1")).judge(ED).state is HostKeyState.UNKNOWN


def test_paths_are_shown_from_home(own_home: Path) -> None:
    assert shorten(own_home / ".ssh" / "known_hosts") == "~/.ssh/known_hosts"
    assert shorten(Path("/etc/ssh/ssh_known_hosts")) == "/etc/ssh/ssh_known_hosts"
