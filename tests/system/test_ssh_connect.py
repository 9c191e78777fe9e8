"""Connecting to OpenSSH servers: keys, agents, host keys, jump hosts, and what is told on the way."""

from __future__ import annotations

import asyncio
import getpass
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.connection.connector import Phase
from backend.connection.interaction import HostKeyDecision, HostKeyState
from backend.connection.logins import HopPassword
from backend.connection.target import Algorithms, HostKeyPolicy, KnownHostsFiles
from backend.connection.vault import Secret, Vault
from backend.errors import AuthError, Code, ConnectError, HostKeyError
from tests.support.connecting import connected, output, refused
from tests.support.loop_monitor import loop_monitor
from tests.support.openssh import Sshd, make_key, ssh_agent, sshd, target
from tests.support.person import Person, Phases
from tests.support.stubborn_agent import stubborn_agent
from tests.support.waiting import until

pytestmark = pytest.mark.sshd


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def key(server: Sshd, tmp_path: Path) -> Path:
    """A key that may log in."""
    path = make_key(tmp_path / "key")
    server.authorize(path)
    return path


@pytest.fixture
def known(server: Sshd, tmp_path: Path) -> Path:
    return server.known_hosts(tmp_path / "known_hosts")


# --- the way in ---


async def test_a_name_with_addresses_of_two_families_finds_the_one_that_answers(
    server: Sshd, key: Path, tmp_path: Path
) -> None:
    known = server.known_hosts(tmp_path / "known", f"[localhost]:{server.port}")
    phases = Phases()
    async with connected(target(server.hop(keys=[key], known=known, address="LocalHost")), observer=phases) as link:
        assert link.facts.address == f"127.0.0.1:{server.port}"
        assert phases.evidence(Phase.HOST_KEY)["known"] == f"{known}:1"


async def test_every_phase_is_told_in_order_with_its_evidence(server: Sshd, key: Path, known: Path) -> None:
    phases = Phases()
    async with connected(target(server.hop(keys=[key], known=known)), observer=phases) as link:
        assert phases.passed() == [Phase.NAME, Phase.TCP, Phase.BANNER, Phase.KEX, Phase.HOST_KEY, Phase.AUTH]
        assert phases.evidence(Phase.TCP)["address"] == f"127.0.0.1:{server.port}"
        assert phases.evidence(Phase.BANNER)["banner"].startswith("OpenSSH_")
        assert phases.evidence(Phase.KEX)["cipher"] == "aes128-gcm@openssh.com"
        assert phases.evidence(Phase.HOST_KEY)["known"] == f"{known}:1"
        assert phases.evidence(Phase.AUTH)["method"] == "publickey"
        assert link.facts.address == f"127.0.0.1:{server.port}"
        assert link.facts.host_key == phases.evidence(Phase.HOST_KEY)["fingerprint"]
        assert link.facts.kex == phases.evidence(Phase.KEX)["kex"] != ""
        assert str(key) in link.facts.auth_detail


async def test_an_encrypted_key_asks_for_its_passphrase_once_and_then_never_again(
    server: Sshd, known: Path, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "locked", passphrase="correct horse")
    server.authorize(key)
    person, vault = Person(passphrases=["wrong", "correct horse"]), Vault()
    there = target(server.hop(keys=[key], known=known))
    async with connected(there, person, vault=vault):
        assert [request.attempt for request in person.secrets] == [1, 2]
        assert person.secrets[0].subject == str(key)
    async with connected(there, Person(), vault=vault) as link:
        assert link.facts.auth_method == "publickey"


async def test_an_encrypted_key_that_the_server_does_not_want_asks_nobody(
    server: Sshd, key: Path, known: Path, tmp_path: Path
) -> None:
    locked = make_key(tmp_path / "locked", passphrase="secret")
    (tmp_path / "locked.pub").unlink()
    person = Person(passphrases=["secret"])
    async with connected(target(server.hop(keys=[locked, key], known=known)), person) as link:
        assert str(key) in link.facts.auth_detail
    assert person.secrets == []


async def test_three_wrong_passphrases_are_told_as_such(server: Sshd, known: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path / "locked", passphrase="secret")
    server.authorize(key)
    person = Person(passphrases=["a", "b", "c", "secret"])
    error = await refused(target(server.hop(keys=[key], known=known)), person)
    assert error.code is Code.AUTH_PASSPHRASE
    assert error.evidence["path"] == str(key)
    assert error.evidence["unusable"] == f"{key}: not opened"
    assert len(person.secrets) == 3


async def test_a_passphrase_that_nobody_can_give_is_the_only_thing_missing(
    server: Sshd, known: Path, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "locked", passphrase="secret")
    server.authorize(key)
    error = await refused(target(server.hop(keys=[key], known=known)))
    assert error.code is Code.NEEDS_PERSON
    assert "passphrase" in error.evidence["wanted"]
    assert f"ssh-add {key}" in [step.command for step in error.advice]


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
async def test_each_kind_of_key_logs_in(server: Sshd, known: Path, tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path / kind, kind=kind)
    server.authorize(key)
    async with connected(target(server.hop(keys=[key], known=known))) as link:
        assert link.facts.auth_method == "publickey"


@pytest.mark.parametrize("form", ["PEM", "PKCS8"])
async def test_older_key_formats_log_in_with_their_passphrase(
    server: Sshd, known: Path, tmp_path: Path, form: str
) -> None:
    key = make_key(tmp_path / "old", kind="rsa", form=form, passphrase="secret")
    server.authorize(key)
    (tmp_path / "old.pub").unlink()
    async with connected(target(server.hop(keys=[key], known=known)), Person(passphrases=["secret"])) as link:
        assert "SHA256:" in link.facts.auth_detail


async def test_a_key_signed_by_an_authority_logs_in_with_its_certificate(known: Path, tmp_path: Path) -> None:
    authority, key = make_key(tmp_path / "ca"), make_key(tmp_path / "key")
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", "root,nobody", str(key) + ".pub"]
    subprocess.run(command, check=True, capture_output=True)
    with sshd(tmp_path / "strict", f"TrustedUserCAKeys {authority}.pub") as strict:
        trusting = strict.known_hosts(tmp_path / "known")
        if strict.user not in ("root", "nobody"):
            pytest.skip("the certificate names root")
        async with connected(target(strict.hop(keys=[key], known=trusting))) as link:
            assert "certificate" in link.facts.auth_detail


@pytest.mark.parametrize(
    ("options", "doubt", "code"),
    [
        (["-V", "-2w:-1w"], ", expired", Code.AUTH_CERTIFICATE),
        (["-V", "+1w:+2w"], ", not yet valid", Code.AUTH_CERTIFICATE),
        (["-n", "somebody,else"], ", for somebody, else", Code.AUTH_DENIED),
        (["-h"], ", invalid certificate type", Code.AUTH_DENIED),
    ],
)
async def test_a_certificate_that_is_refused_shows_what_speaks_against_it(
    key: Path, known: Path, tmp_path: Path, options: list[str], doubt: str, code: Code
) -> None:
    authority = make_key(tmp_path / "ca")
    subprocess.run(["ssh-keygen", "-q", "-s", str(authority), "-I", "me", *options, f"{key}.pub"], check=True)
    with sshd(tmp_path / "strict", f"TrustedUserCAKeys {authority}.pub") as strict:
        hop = strict.hop(keys=[key], known=strict.known_hosts(tmp_path / "known"))
        error = await refused(target(hop))
    assert error.code is code
    assert f"({key}){doubt}" in error.evidence["tried"]


@pytest.mark.parametrize("held", [True, False], ids=["agent", "file"])
@pytest.mark.parametrize("of_another_key", [True, False])
async def test_a_certificate_that_does_not_do_leaves_the_bare_key_to_log_in(
    server: Sshd, key: Path, known: Path, tmp_path: Path, *, held: bool, of_another_key: bool
) -> None:
    authority, other = make_key(tmp_path / "ca"), make_key(tmp_path / "other")
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", server.user]
    signed = other if of_another_key else key
    with ssh_agent(tmp_path / "agent", *([key] if held else [])) as socket:
        subprocess.run([*command, f"{signed}.pub"], check=True, capture_output=True)
        signed.with_name(f"{signed.name}-cert.pub").rename(tmp_path / "key-cert.pub")
        phases = Phases()
        async with connected(target(server.hop(keys=[key], known=known, agent_socket=socket)), observer=phases) as link:
            assert "certificate of" not in link.facts.auth_detail
        told = phases.evidence(Phase.AUTH)
        assert ("for another key" in told.get("unusable", "")) is of_another_key
        assert ("certificate of" in told["tried"]) is not of_another_key


@pytest.mark.parametrize("held", [True, False], ids=["agent", "file"])
@pytest.mark.parametrize("only", [True, False], ids=["named keys only", "all keys"])
async def test_a_certificate_that_is_named_logs_in_with_a_key_from_anywhere(
    tmp_path: Path, *, held: bool, only: bool
) -> None:
    authority, key = make_key(tmp_path / "ca"), make_key(tmp_path / "key")
    certificate = _user_certificate(authority, key, tmp_path / "elsewhere" / "mine.pub")
    with (
        sshd(tmp_path / "strict", f"TrustedUserCAKeys {authority}.pub") as strict,
        ssh_agent(tmp_path / "agent", *([key] if held else [])) as socket,
    ):
        trusting = strict.known_hosts(tmp_path / "known")
        keys = () if held else (key,)
        hop = strict.hop(keys=keys, known=trusting, agent_socket=socket, identities_only=only)
        async with connected(target(replace(hop, certificate_files=(certificate,)))) as link:
            assert "certificate of" in link.facts.auth_detail
            assert str(certificate) in link.facts.auth_detail
        assert strict.log.count("Failed publickey") == 0


async def test_a_certificate_without_its_key_is_told_and_the_login_goes_on(
    server: Sshd, key: Path, known: Path, tmp_path: Path
) -> None:
    stranger = make_key(tmp_path / "stranger")
    certificate = _user_certificate(make_key(tmp_path / "ca"), stranger, tmp_path / "elsewhere" / "mine.pub")
    (tmp_path / "broken.pub").write_text("not a certificate")
    named = (certificate, tmp_path / "missing.pub", tmp_path / "broken.pub")
    phases = Phases()
    hop = replace(server.hop(keys=[key], known=known), certificate_files=named)
    async with connected(target(hop), observer=phases):
        pass
    told = phases.evidence(Phase.AUTH)["unusable"]
    assert f"{certificate}: its key is neither in a file nor in the agent" in told
    assert "missing.pub: No such file" in told
    assert "broken.pub: " in told


def _user_certificate(authority: Path, key: Path, place: Path) -> Path:
    """A certificate for the account that runs the tests, put at `place`."""
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", getpass.getuser(), f"{key}.pub"]
    subprocess.run(command, check=True, capture_output=True)
    place.parent.mkdir()
    return key.with_name(f"{key.name}-cert.pub").rename(place)


# --- agent ---


async def test_an_agent_signs_for_an_encrypted_key_and_nobody_is_asked(
    server: Sshd, key: Path, known: Path, tmp_path: Path
) -> None:
    with ssh_agent(tmp_path / "agent", key) as socket:
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(key)], check=True)
        person = Person()
        hop = server.hop(keys=[key], known=known, agent_socket=socket)
        async with connected(target(hop), person) as link:
            assert "agent" in link.facts.auth_detail
        assert person.secrets == []


async def test_an_agent_that_does_not_sign_is_named_and_no_refusal_of_the_server_counted(
    server: Sshd, key: Path, known: Path, tmp_path: Path
) -> None:
    """The server would have taken the key; the agent's person may take longer than the server may."""
    async with stubborn_agent(tmp_path / "agent", key, thinks=1.0) as socket:
        patience = replace(server.hop().timeouts, login=0.5)
        hop = server.hop(known=known, agent_socket=socket, timeouts=patience)
        error = await refused(target(hop))
    assert error.code is Code.AUTH_AGENT_REFUSED
    assert error.evidence["key"].startswith("SHA256:")
    assert error.evidence["tried"] == "nothing"


async def test_a_key_that_the_agent_does_not_sign_with_leaves_the_login_to_the_next(
    server: Sshd, key: Path, known: Path, tmp_path: Path
) -> None:
    other = make_key(tmp_path / "other")
    server.authorize(other)
    async with stubborn_agent(tmp_path / "agent", other) as socket:
        phases = Phases()
        hop = server.hop(known=known, agent_socket=socket, identity_files=(other.with_suffix(".pub"), key))
        async with connected(target(replace(hop, identities_named=True)), observer=phases) as link:
            assert str(key) in link.facts.auth_detail
    assert "Unable to sign" in phases.evidence(Phase.AUTH)["not_signed"]


async def test_an_agent_full_of_keys_does_not_shut_out_the_named_one(
    server: Sshd, key: Path, known: Path, tmp_path: Path
) -> None:
    others = [make_key(tmp_path / f"other{number}") for number in range(8)]
    with ssh_agent(tmp_path / "agent", *others) as socket:
        hop = server.hop(keys=[key], known=known, agent_socket=socket)
        async with connected(target(hop)) as link:
            assert str(key) in link.facts.auth_detail


async def test_no_more_keys_are_offered_than_a_server_stands(server: Sshd, known: Path, tmp_path: Path) -> None:
    others = [make_key(tmp_path / f"other{number}") for number in range(8)]
    with ssh_agent(tmp_path / "agent", *others) as socket:
        error = await refused(target(server.hop(known=known, agent_socket=socket)))
    assert error.code is Code.AUTH_DENIED
    assert error.evidence["tried"].count("SHA256:") == 5
    assert error.evidence["left_out"].startswith("3 more keys")


async def test_twelve_keys_and_a_wrong_password_stay_below_the_servers_limit(known: Path, tmp_path: Path) -> None:
    """What fail2ban counts: lines of failures, and the one that says that there were too many (MaxAuthTries 6)."""
    others = [make_key(tmp_path / f"other{number}") for number in range(12)]
    person, vault = Person(passwords=["wrong", "wrong", "wrong"]), Vault()
    with (
        sshd(tmp_path / "usual", "LogLevel VERBOSE", "PasswordAuthentication yes") as usual,
        ssh_agent(tmp_path / "agent", *others) as socket,
    ):
        hop = usual.hop(known=usual.known_hosts(tmp_path / "trusted"), agent_socket=socket)
        vault.put("server", HopPassword(hop.identity), Secret("stale"))
        error = await refused(target(hop), person, vault=vault)
        log = usual.log
    assert error.code is Code.AUTH_DENIED
    assert (log.count("Failed publickey"), log.count("Failed password")) == (4, 1)
    assert "Too many authentication failures" not in log and "maximum authentication attempts" not in log
    assert person.secrets == []
    told = error.evidence["left_out"]
    assert told.startswith("8 more keys") and told.count("SHA256:") == 8
    assert "-i" in error.advice[0].text
    assert len(vault) == 0


async def test_the_key_that_was_taken_goes_first_in_the_next_login(known: Path, tmp_path: Path) -> None:
    """A second connection, or a reconnect, counts no failure on the server."""
    others, right = [make_key(tmp_path / f"other{number}") for number in range(3)], make_key(tmp_path / "right")
    vault = Vault()
    with sshd(tmp_path / "usual", "LogLevel VERBOSE") as usual, ssh_agent(tmp_path / "agent", *others, right) as socket:
        usual.authorize(right)
        hop = usual.hop(known=usual.known_hosts(tmp_path / "trusted"), agent_socket=socket)
        for _ in range(3):
            async with connected(target(hop), vault=vault):
                assert usual.log.count("Failed publickey") == 3
        usual.authorized_keys.write_text("")
        assert (await refused(target(hop), vault=vault)).code is Code.AUTH_DENIED
        usual.authorize(others[0])
        async with connected(target(hop), vault=vault) as link:
            assert "other0" in link.facts.auth_detail


async def test_identities_only_keeps_the_agents_other_keys_back(
    server: Sshd, key: Path, known: Path, tmp_path: Path
) -> None:
    with ssh_agent(tmp_path / "agent", key) as socket:
        hop = server.hop(known=known, agent_socket=socket, identities_only=True)
        assert (await refused(target(hop))).code is Code.AUTH_NO_METHOD


async def test_an_agent_that_is_gone_is_named_and_the_key_file_used(
    server: Sshd, key: Path, known: Path, tmp_path: Path
) -> None:
    phases = Phases()
    hop = server.hop(keys=[key], known=known, agent_socket=tmp_path / "gone.sock")
    async with connected(target(hop), observer=phases):
        assert "agent" in phases.evidence(Phase.AUTH)


async def test_keys_and_agents_that_the_hop_does_not_name_are_left_alone(
    server: Sshd, key: Path, known: Path, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library would take ~/.ssh/id_* and SSH_AUTH_SOCK by itself."""
    (own_home / ".ssh").mkdir()
    (own_home / ".ssh" / "id_ed25519").write_bytes(key.read_bytes())
    (own_home / ".ssh" / "id_ed25519").chmod(0o600)
    with ssh_agent(tmp_path / "agent", key) as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        error = await refused(target(server.hop(known=known)))
    assert error.code is Code.AUTH_NO_METHOD
    assert error.evidence["tried"] == "nothing"


async def test_the_loop_is_never_kept_while_a_slow_key_is_opened(server: Sshd, known: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path / "locked", kind="rsa", bits=4096, passphrase="correct horse")
    server.authorize(key)
    hop = server.hop(keys=[key], known=known)
    async with connected(target(hop), Person(passphrases=["correct horse"])):
        pass
    with loop_monitor() as report:
        async with connected(target(hop), Person(passphrases=["correct horse"])) as link:
            await output(link, b"seq 100000")
    assert report.worst < 0.05, report.culprit


# --- refused logins ---


async def test_a_key_that_the_server_refuses_is_told_with_what_it_offers(
    server: Sshd, known: Path, tmp_path: Path
) -> None:
    stranger = make_key(tmp_path / "stranger")
    phases = Phases()
    error = await refused(target(server.hop(keys=[stranger], known=known)), observer=phases)
    assert isinstance(error, AuthError)
    assert error.code is Code.AUTH_DENIED
    assert str(stranger) in error.evidence["tried"]
    assert error.evidence["offered"] == "publickey"
    assert phases.failed is not None
    assert (phases.failed.phase, phases.failed.error) == (Phase.AUTH, error)
    assert error.host == "server"


async def test_nothing_to_log_in_with_is_its_own_code(server: Sshd, known: Path) -> None:
    error = await refused(target(server.hop(known=known)))
    assert error.code is Code.AUTH_NO_METHOD
    assert error.evidence["offered"] == "publickey"


async def test_a_key_open_to_others_is_not_used_and_the_mode_is_told(server: Sshd, key: Path, known: Path) -> None:
    key.chmod(0o644)
    error = await refused(target(server.hop(keys=[key], known=known)))
    assert error.code is Code.AUTH_KEY_PERMISSIONS
    assert error.evidence["mode"] == "0644"
    assert error.advice[0].command == f"chmod 600 {key}"


async def test_a_broken_key_file_matters_only_where_nothing_else_logs_in(
    server: Sshd, key: Path, known: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("no key at all")
    async with connected(target(server.hop(keys=[broken, key], known=known))):
        pass
    error = await refused(target(server.hop(keys=[broken], known=known)))
    assert error.code is Code.AUTH_KEY_UNREADABLE
    assert error.evidence["path"] == str(broken)


async def test_a_damaged_private_half_is_found_and_told(server: Sshd, key: Path, known: Path) -> None:
    lines = key.read_text().splitlines()
    key.write_text("\n".join([*lines[:-3], *lines[-2:], ""]))
    error = await refused(target(server.hop(keys=[key], known=known)))
    assert error.code is Code.AUTH_KEY_UNREADABLE


async def test_too_many_tries_are_told_as_such(known: Path, tmp_path: Path) -> None:
    keys = [make_key(tmp_path / f"key{number}") for number in range(5)]
    with sshd(tmp_path / "strict", "MaxAuthTries 3") as strict:
        trusting = strict.known_hosts(tmp_path / "known")
        error = await refused(target(strict.hop(keys=keys, known=trusting)))
    assert error.code is Code.AUTH_TOO_MANY


# --- host keys ---


async def test_a_first_key_is_shown_remembered_and_not_asked_about_again(
    server: Sshd, key: Path, tmp_path: Path
) -> None:
    file = tmp_path / "fresh" / "known_hosts"
    there = target(server.hop(keys=[key], known=file))
    person, phases = Person(host_keys=[HostKeyDecision.REMEMBER]), Phases()
    async with connected(there, person, observer=phases):
        pass
    question = person.questions[0]
    shown = subprocess.run(
        ["ssh-keygen", "-lv", "-f", str(server.host_keys[0])], capture_output=True, text=True, check=True
    ).stdout
    assert question.state is HostKeyState.UNKNOWN
    assert question.fingerprint in shown
    assert question.randomart in shown
    assert question.address == f"[127.0.0.1]:{server.port}"
    assert question.looked_in == (str(file),)
    assert phases.passed() == [Phase.NAME, Phase.TCP, Phase.BANNER, Phase.KEX, Phase.HOST_KEY, Phase.AUTH]
    async with connected(there, person):
        assert len(person.questions) == 1


async def test_a_key_trusted_once_is_asked_about_again(server: Sshd, key: Path, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    person = Person(host_keys=[HostKeyDecision.ONCE, HostKeyDecision.ONCE])
    for _ in range(2):
        async with connected(target(server.hop(keys=[key], known=file)), person):
            pass
    assert len(person.questions) == 2
    assert not file.exists()


async def test_a_refused_key_ends_the_attempt_before_any_login(server: Sshd, key: Path, tmp_path: Path) -> None:
    before = server.log.count("userauth-request")
    phases = Phases()
    error = await refused(target(server.hop(keys=[key])), Person(), observer=phases)
    assert isinstance(error, HostKeyError)
    assert error.code is Code.HOST_KEY_UNKNOWN
    assert phases.failed is not None and phases.failed.phase is Phase.HOST_KEY
    assert server.log.count("userauth-request") == before


async def test_a_changed_key_is_refused_by_nobody_and_by_accept_new(server: Sshd, key: Path, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    file = tmp_path / "known_hosts"
    blob = " ".join(other.with_name("other.pub").read_text().split()[:2])
    file.write_text(f"[127.0.0.1]:{server.port} {blob}\n")
    for policy in (HostKeyPolicy.ASK, HostKeyPolicy.ACCEPT_NEW, HostKeyPolicy.STRICT):
        hop = server.hop(keys=[key], known=file, host_key_policy=policy)
        error = await refused(target(hop))
        assert error.code is Code.HOST_KEY_CHANGED
        assert error.evidence["where"] == f"{file}:1"
    assert file.read_text() == f"[127.0.0.1]:{server.port} {blob}\n"
    (forget,) = [step.command for step in error.advice if step.command]
    subprocess.run(forget, shell=True, check=True, capture_output=True)
    assert file.read_text() == "", "the advice does what it says"


async def test_a_key_of_another_type_is_a_changed_key_and_not_a_failed_negotiation(
    server: Sshd, key: Path, tmp_path: Path
) -> None:
    other = make_key(tmp_path / "other", kind="rsa")
    file = tmp_path / "known_hosts"
    blob = " ".join(other.with_name("other.pub").read_text().split()[:2])
    file.write_text(f"[127.0.0.1]:{server.port} {blob}\n")
    person = Person(host_keys=[HostKeyDecision.REMEMBER])
    async with connected(target(server.hop(keys=[key], known=file)), person):
        assert person.questions[0].state is HostKeyState.CHANGED
        assert person.questions[0].known[0].algorithm == "ssh-rsa"
    assert blob not in file.read_text()
    assert blob in (tmp_path / "known_hosts.old").read_text()
    async with connected(target(server.hop(keys=[key], known=file))):
        pass


async def test_an_unknown_server_with_several_keys_shows_the_one_that_ssh_would_show(key: Path, tmp_path: Path) -> None:
    with sshd(tmp_path / "several", host_key_kinds=("rsa", "ecdsa", "ed25519")) as several:
        several.authorize(key)
        person = Person(host_keys=[HostKeyDecision.ONCE])
        async with connected(target(several.hop(keys=[key])), person):
            assert person.questions[0].algorithm == "ssh-ed25519"


async def test_the_key_that_is_known_is_asked_for_where_the_server_has_several(key: Path, tmp_path: Path) -> None:
    with sshd(tmp_path / "several", host_key_kinds=("ed25519", "rsa", "ecdsa")) as several:
        several.authorize(key)
        for host_key in several.host_keys:
            file = tmp_path / f"known_{host_key.name}"
            blob = " ".join(host_key.with_name(host_key.name + ".pub").read_text().split()[:2])
            file.write_text(f"[127.0.0.1]:{several.port} {blob}\n")
            async with connected(target(several.hop(keys=[key], known=file))):
                pass


async def test_a_revoked_key_is_never_asked_about(server: Sshd, key: Path, known: Path) -> None:
    blob = " ".join(server.host_keys[0].with_name(server.host_keys[0].name + ".pub").read_text().split()[:2])
    with known.open("a") as file:
        file.write(f"@revoked * {blob}\n")
    person = Person(host_keys=[HostKeyDecision.REMEMBER])
    error = await refused(target(server.hop(keys=[key], known=known)), person)
    assert error.code is Code.HOST_KEY_REVOKED
    assert error.evidence["where"] == f"{known}:2"
    assert person.questions == []


async def test_a_key_on_the_list_of_revoked_ones_is_refused_though_it_is_known(
    server: Sshd, key: Path, known: Path, tmp_path: Path
) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text(server.host_keys[0].with_name(server.host_keys[0].name + ".pub").read_text())
    files = KnownHostsFiles(user=(known,), revoked=(revoked,))
    error = await refused(target(server.hop(keys=[key], known_hosts=files)))
    assert error.code is Code.HOST_KEY_REVOKED
    assert error.evidence["where"] == f"{revoked}:1"
    revoked.unlink()
    error = await refused(target(server.hop(keys=[key], known_hosts=files)))
    assert error.code is Code.HOST_KEY_UNREADABLE


async def test_accept_new_remembers_a_first_key_without_asking(server: Sshd, key: Path, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    hop = server.hop(keys=[key], known=file, host_key_policy=HostKeyPolicy.ACCEPT_NEW)
    async with connected(target(hop)):
        assert f"[127.0.0.1]:{server.port}" in file.read_text()


async def test_strict_never_asks(server: Sshd, key: Path) -> None:
    person = Person(host_keys=[HostKeyDecision.REMEMBER])
    hop = server.hop(keys=[key], host_key_policy=HostKeyPolicy.STRICT)
    assert (await refused(target(hop), person)).code is Code.HOST_KEY_UNKNOWN
    assert person.questions == []


async def test_known_hosts_none_does_not_turn_the_check_off(server: Sshd, key: Path, own_home: Path) -> None:
    """asyncssh reads `UserKnownHostsFile none` as "trust everything", and an empty list as ~/.ssh/known_hosts."""
    (own_home / ".ssh").mkdir()
    server.known_hosts(own_home / ".ssh" / "known_hosts")
    (own_home / ".ssh" / "config").write_text("UserKnownHostsFile none\nStrictHostKeyChecking no\n")
    hop = server.hop(keys=[key])
    assert hop.known_hosts == KnownHostsFiles()
    assert (await refused(target(hop))).code is Code.HOST_KEY_UNKNOWN


async def test_known_hosts_that_cannot_be_read_fail_closed(server: Sshd, key: Path, tmp_path: Path) -> None:
    person = Person(host_keys=[HostKeyDecision.ONCE])
    error = await refused(target(server.hop(keys=[key], known=tmp_path)), person)
    assert error.code is Code.HOST_KEY_UNREADABLE
    assert person.questions == []


def _signed(authority: Path, server_key: Path, *names: str) -> Path:
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", "host", "-h", "-n", ",".join(names), f"{server_key}.pub"]
    subprocess.run(command, check=True, capture_output=True)
    return server_key.with_name(server_key.name + "-cert.pub")


async def test_a_certificate_by_a_trusted_authority_needs_no_line_of_its_own(key: Path, tmp_path: Path) -> None:
    authority, host_key = make_key(tmp_path / "ca"), make_key(tmp_path / "host")
    certificate = _signed(authority, host_key, "127.0.0.1")
    file = tmp_path / "known"
    blob = " ".join((tmp_path / "ca.pub").read_text().split()[:2])
    file.write_text(f"@cert-authority * {blob}\n")
    with sshd(tmp_path / "certified", f"HostCertificate {certificate}", host_keys=[host_key]) as certified:
        certified.authorize(key)
        phases = Phases()
        async with connected(target(certified.hop(keys=[key], known=file)), observer=phases):
            assert phases.evidence(Phase.HOST_KEY)["known"] == f"signed by {file}:1"
        file.write_text(f"@cert-authority * {blob}\n@revoked * {blob}\n")
        assert (await refused(target(certified.hop(keys=[key], known=file)))).code is Code.HOST_KEY_REVOKED


async def test_a_certificate_by_a_stranger_falls_back_to_the_plain_key(key: Path, tmp_path: Path) -> None:
    _, stranger, host_key = (make_key(tmp_path / name) for name in ("ca", "stranger", "host"))
    certificate = _signed(stranger, host_key, "127.0.0.1")
    file = tmp_path / "known"
    lines = {name: " ".join((tmp_path / f"{name}.pub").read_text().split()[:2]) for name in ("ca", "host")}
    with sshd(tmp_path / "certified", f"HostCertificate {certificate}", host_keys=[host_key]) as certified:
        certified.authorize(key)
        file.write_text(f"@cert-authority * {lines['ca']}\n")
        assert (await refused(target(certified.hop(keys=[key], known=file)))).code is Code.HOST_KEY_UNKNOWN
        file.write_text(f"@cert-authority * {lines['ca']}\n[127.0.0.1]:{certified.port} {lines['host']}\n")
        async with connected(target(certified.hop(keys=[key], known=file))):
            pass


async def test_a_certificate_for_another_name_is_not_trusted(key: Path, tmp_path: Path) -> None:
    authority, host_key = make_key(tmp_path / "ca"), make_key(tmp_path / "host")
    certificate = _signed(authority, host_key, "another.example.org")
    file = tmp_path / "known"
    file.write_text(f"@cert-authority * {' '.join((tmp_path / 'ca.pub').read_text().split()[:2])}\n")
    with sshd(tmp_path / "certified", f"HostCertificate {certificate}", host_keys=[host_key]) as certified:
        certified.authorize(key)
        error = await refused(target(certified.hop(keys=[key], known=file)))
        assert isinstance(error, HostKeyError)
        assert "principal" in error.evidence["reason"]
        revoked = " ".join((tmp_path / "host.pub").read_text().split()[:2])
        with file.open("a") as more:
            more.write(f"@revoked * {revoked}\n")
        error = await refused(target(certified.hop(keys=[key], known=file)))
        assert error.code is Code.HOST_KEY_REVOKED


@pytest.mark.parametrize(("names", "trusted"), [(("db",), True), (("127.0.0.1",), False)])
async def test_a_certificate_must_be_for_the_alias_where_there_is_one(
    key: Path, tmp_path: Path, names: tuple[str, ...], trusted: bool
) -> None:
    authority, host_key = make_key(tmp_path / "ca"), make_key(tmp_path / "host")
    certificate = _signed(authority, host_key, *names)
    file = tmp_path / "known"
    file.write_text(f"@cert-authority db {' '.join((tmp_path / 'ca.pub').read_text().split()[:2])}\n")
    with sshd(tmp_path / "certified", f"HostCertificate {certificate}", host_keys=[host_key]) as certified:
        certified.authorize(key)
        hop = certified.hop(keys=[key], known=file, host_key_alias="DB", host_key_policy=HostKeyPolicy.STRICT)
        if trusted:
            async with connected(target(hop)) as link:
                assert link.facts.auth_method == "publickey"
        else:
            error = await refused(target(hop))
            assert isinstance(error, HostKeyError)
            assert "principal" in error.evidence["reason"]


# --- algorithms ---


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("KexAlgorithms ecdh-sha2-nistp521", "key exchange"),
        ("Ciphers aes256-ctr", "cipher"),
        ("HostKeyAlgorithms rsa-sha2-512", "host key"),
    ],
)
async def test_nothing_in_common_is_told_with_both_lists(key: Path, tmp_path: Path, line: str, kind: str) -> None:
    algorithms = Algorithms(
        kex="curve25519-sha256,unheard-of", ciphers="aes128-gcm@openssh.com", host_keys="ssh-ed25519"
    )
    with sshd(tmp_path / "odd", line, host_key_kinds=("rsa", "ed25519")) as odd:
        odd.authorize(key)
        known = odd.known_hosts(tmp_path / "known")
        error = await refused(target(odd.hop(keys=[key], known=known, algorithms=algorithms)))
    assert error.code is Code.KEX_NO_MATCH
    assert error.evidence["kind"] == kind
    assert line.split()[1] in error.evidence["server"]
    assert error.evidence["client"] != ""


async def test_algorithms_that_nobody_here_speaks_are_told_before_connecting(
    server: Sshd, key: Path, known: Path
) -> None:
    hop = server.hop(keys=[key], known=known, algorithms=Algorithms(ciphers="blowfish-of-1995"))
    error = await refused(target(hop))
    assert error.code is Code.KEX_NO_MATCH
    assert error.evidence["client"] == "blowfish-of-1995"


@pytest.mark.parametrize("ciphers", ["+aes128-cbc", "^aes256-ctr", "-chacha20-poly1305@openssh.com", "aes256-ctr,new"])
async def test_lists_in_every_form_of_ssh_config_are_understood(
    server: Sshd, key: Path, known: Path, ciphers: str
) -> None:
    hop = server.hop(keys=[key], known=known, algorithms=Algorithms(ciphers=ciphers, host_keys="+ssh-rsa"))
    async with connected(target(hop)) as link:
        assert link.facts.cipher != ""


async def test_compression_is_spoken_where_it_is_wanted(server: Sshd, key: Path, known: Path) -> None:
    async with connected(target(server.hop(keys=[key], known=known, compression=True))) as link:
        assert await output(link, b"echo squeezed") == b"squeezed\n"


async def test_nothing_in_the_persons_ssh_config_stops_or_steers_the_library(
    server: Sshd, key: Path, known: Path, own_home: Path
) -> None:
    """asyncssh refuses trailing comments and some Match lines, and would take its own user and port from there."""
    (own_home / ".ssh").mkdir()
    (own_home / ".ssh" / "config").write_text(
        "User somebody # else\nPort 1 # odd\nMatch sessiontype shell\nServerAliveInterval 1m\nProxyCommand it's\n"
    )
    async with connected(target(server.hop(keys=[key], known=known))) as link:
        assert link.facts.user == server.user


# --- jump hosts ---


@pytest.fixture
def inner(tmp_path: Path, key: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "inner") as running:
        running.authorize(key)
        yield running


async def test_a_host_behind_two_jump_hosts_is_reached_hop_by_hop(
    server: Sshd, inner: Sshd, key: Path, known: Path, tmp_path: Path
) -> None:
    phases = Phases()
    first = server.hop(keys=[key], known=known, name="bastion")
    with sshd(tmp_path / "second") as middle:
        middle.authorize(key)
        second = middle.hop(keys=[key], known=middle.known_hosts(tmp_path / "known_middle"), name="second")
        last = inner.hop(keys=[key], known=inner.known_hosts(tmp_path / "known_inner"), name="inner")
        async with connected(target(first, second, last), observer=phases) as link:
            assert link.facts.route == ("bastion", "second")
            assert link.facts.host == "inner"
            assert await output(link, b"echo $SSH_CONNECTION") != b""
            files = await link.open_files()
            assert await files.resolve(b".")
            await files.close()
    for name in ("bastion", "second", "inner"):
        assert phases.passed(name) == [Phase.NAME, Phase.TCP, Phase.BANNER, Phase.KEX, Phase.HOST_KEY, Phase.AUTH]
    assert phases.evidence(Phase.NAME, "inner")["looked_up_by"] == "second"


async def test_each_hops_key_is_kept_under_its_own_name(server: Sshd, inner: Sshd, key: Path, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    person = Person(host_keys=[HostKeyDecision.REMEMBER, HostKeyDecision.REMEMBER])
    hops = (server.hop(keys=[key], known=file, name="bastion"), inner.hop(keys=[key], known=file, name="inner"))
    async with connected(target(*hops), person):
        pass
    assert [question.host for question in person.questions] == ["bastion", "inner"]
    lines = [line.split()[0] for line in file.read_text().splitlines()]
    assert lines == [f"[127.0.0.1]:{server.port}", f"[127.0.0.1]:{inner.port}"]


async def test_a_jump_host_that_may_not_forward_is_named(inner: Sshd, key: Path, tmp_path: Path) -> None:
    with sshd(tmp_path / "closed", "AllowTcpForwarding no") as closed:
        closed.authorize(key)
        first = closed.hop(keys=[key], known=closed.known_hosts(tmp_path / "known"), name="bastion")
        last = inner.hop(keys=[key], known=inner.known_hosts(tmp_path / "known_inner"), name="inner")
        error = await refused(target(first, last))
    assert isinstance(error, ConnectError)
    assert error.code is Code.FORWARD_PROHIBITED
    assert (error.host, error.hop) == ("inner", "bastion")
    assert error.message.startswith("bastion")


async def test_a_jump_host_that_cannot_reach_the_next_is_named(
    server: Sshd, inner: Sshd, key: Path, known: Path
) -> None:
    inner.stop()
    first = server.hop(keys=[key], known=known, name="bastion")
    phases = Phases()
    error = await refused(target(first, inner.hop(keys=[key], name="inner")), observer=phases)
    assert error.code is Code.JUMP_FAILED
    assert (error.host, error.hop) == ("inner", "bastion")
    assert "refused" in error.evidence["reason"].lower()
    assert phases.failed is not None
    assert (phases.failed.hop.name, phases.failed.phase) == ("inner", Phase.TCP)


async def test_a_failure_at_the_jump_host_itself_is_told_as_its_own(server: Sshd, key: Path, known: Path) -> None:
    stranger = replace(server.hop(keys=[key], known=known, name="bastion"), identity_files=())
    error = await refused(target(stranger, server.hop(keys=[key], known=known, name="inner")))
    assert error.code is Code.AUTH_NO_METHOD
    assert (error.host, error.hop) == ("inner", "bastion")
    assert "bastion" in error.message


async def test_all_hops_are_closed_when_a_later_one_fails(server: Sshd, inner: Sshd, key: Path, known: Path) -> None:
    first = server.hop(keys=[key], known=known, name="bastion")
    await refused(target(first, inner.hop(name="inner")))
    await until(lambda: server.log.count("Disconnected from") + server.log.count("Connection closed") > 0)
    assert _connections(server) == 0


# --- cancelling and closing ---


async def test_cancelling_while_a_person_is_asked_closes_everything(
    server: Sshd, inner: Sshd, key: Path, known: Path
) -> None:
    first = server.hop(keys=[key], known=known, name="bastion")
    person = Person(thinks=3600)
    attempt = asyncio.create_task(refused(target(first, inner.hop(keys=[key], name="inner")), person))
    await until(lambda: bool(person.questions))
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    await until(lambda: _connections(server) == 0)


async def test_closing_says_goodbye_and_leaves_no_reason(server: Sshd, key: Path, known: Path) -> None:
    async with connected(target(server.hop(keys=[key], known=known))) as link:
        await link.ping()  # the server is done with what follows a login: words of ours would not meet words of its own
        waiting = asyncio.ensure_future(link.closed())
        await link.close()
        assert await waiting is None
        assert link.lost is None
        await link.close()
    await until(lambda: "Received disconnect" in server.log)


def _connections(server: Sshd) -> int:
    """Processes of the server that serve somebody."""
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(server.process.pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return len([pid for pid in children if os.path.exists(f"/proc/{pid}/stat") and not _is_zombie(pid)])  # noqa: PTH110


def _is_zombie(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1].startswith("Z")
    except FileNotFoundError:
        return True
