"""The ways of a route's first hop, to a real server: proxies, proxy commands, Tailscale and Cloudflare Access.

Proxies run in this process; programs are small scripts that really carry the bytes, found first on PATH.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from backend.connection.connector import Phase
from backend.connection.ssh import command as ssh_command
from backend.connection.target import Hop, Target
from backend.connection.vault import Vault
from backend.connection.ways import Cloudflare, Proxy, ProxyCommand, ProxyKind, Tailscale, Way
from backend.errors import Code, FairleadError
from tests.support.connecting import connected, output, refused
from tests.support.openssh import Sshd, free_port, make_key, sshd, target
from tests.support.person import Person, Phases
from tests.support.proxies import http_proxy, socks_proxy
from tests.support.waiting import no_tasks_left, until

pytestmark = pytest.mark.sshd

RELAY = """
import os, socket, sys, threading
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def pump(read, write):
    while data := read(65536):
        write(data)
def up():
    pump(lambda size: os.read(0, size), far.sendall)
    far.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
pump(far.recv, lambda data: os.write(1, data))
"""
"""What `nc HOST PORT` does."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def hop(server: Sshd, tmp_path: Path) -> Hop:
    key = make_key(tmp_path / "key")
    server.authorize(key)
    return server.hop(keys=[key], known=server.known_hosts(tmp_path / "known"))


@pytest.fixture
def by(hop: Hop) -> Callable[[Way], Target]:
    """The server by a way."""
    return lambda way: target(replace(hop, way=way))


@pytest.fixture
def relay(tmp_path: Path) -> str:
    """A command line that carries bytes to the host and port that follow it."""
    script = tmp_path / "relay.py"
    script.write_text(RELAY)
    return f"{sys.executable} -S {script}"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts shell scripts first on PATH."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")

    def put(name: str, script: str) -> Path:
        path = directory / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return put


def alive(pid: int) -> bool:
    """Whether a process is there; a zombie counts."""
    return Path(f"/proc/{pid}").exists()


def children() -> set[int]:
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has just ended
            found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# --- proxies ---


async def test_a_socks_proxy_carries_the_connection_and_looks_the_name_up(
    by: Callable[[Way], Target], server: Sshd
) -> None:
    phases = Phases()
    async with (
        no_tasks_left(),
        socks_proxy() as proxy,
        connected(by(proxy.proxy), observer=phases) as link,
    ):
        assert await output(link, b"echo through") == b"through\n"
        assert proxy.asked == [("127.0.0.1", server.port)]
        assert phases.evidence(Phase.TCP)["proxy"] == str(proxy.proxy)


async def test_an_http_proxy_carries_the_connection(by: Callable[[Way], Target]) -> None:
    async with no_tasks_left(), http_proxy() as proxy, connected(by(proxy.proxy)) as link:
        assert await output(link, b"head -c 3000000 /dev/zero | wc -c") == b"3000000\n"


async def test_an_http_proxy_inside_tls_carries_the_connection(
    by: Callable[[Way], Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, tmp_path / "tls.key")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with http_proxy(tls=context) as proxy, connected(by(proxy.proxy)) as link:
        assert await output(link, b"head -c 3000000 /dev/zero") == bytes(3_000_000)


async def test_a_proxy_whose_certificate_nobody_vouches_for_is_not_spoken_to(
    by: Callable[[Way], Target], tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path), tmp_path / "tls.key")
    async with http_proxy(tls=context, login=("ada", "pw"), user="ada") as proxy:
        error = await refused(by(proxy.proxy), Person(passwords=["pw"]))
        assert error.code is Code.PROXY_PROTOCOL
        assert "certificate" in error.message
        assert proxy.asked == []


def self_signed(directory: Path) -> Path:
    """A certificate for localhost; its key is beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (directory / "tls.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    return directory / "tls.crt"


@pytest.mark.parametrize("kind", [socks_proxy, http_proxy])
async def test_a_proxys_password_is_asked_for_and_kept_for_the_next_time(
    by: Callable[[Way], Target], kind: Any
) -> None:
    person, vault = Person(passwords=["wrong", "right"]), Vault()
    async with kind(login=("ada", "right"), user="ada") as proxy:
        async with connected(by(proxy.proxy), person, vault=vault) as link:
            assert await output(link, b"echo in") == b"in\n"
        assert [(request.host, request.user, request.attempt) for request in person.secrets] == [
            (f"the proxy {proxy.proxy.place}", "ada", 1),
            (f"the proxy {proxy.proxy.place}", "ada", 2),
        ]
        assert not any(request.is_target for request in person.secrets)
        async with connected(by(proxy.proxy), vault=vault):
            pass
        vault.wipe()


@pytest.mark.parametrize("kind", [socks_proxy, http_proxy])
@pytest.mark.parametrize(("user", "passwords"), [("", []), ("ada", []), ("ada", ["a", "b", "c", "right"])])
async def test_a_proxy_that_lets_nobody_in_is_told_as_such(
    by: Callable[[Way], Target], kind: Any, user: str, passwords: list[str]
) -> None:
    async with kind(login=("ada", "right"), user=user) as proxy:
        error = await refused(by(proxy.proxy), Person(passwords=passwords))
    assert error.code is Code.PROXY_AUTH
    assert error.evidence["proxy"] == str(proxy.proxy)


async def test_a_proxys_refusals_are_told_in_words(by: Callable[[Way], Target]) -> None:
    async with socks_proxy(reply=5) as proxy:
        error = await refused(by(proxy.proxy))
        assert (error.code, error.evidence["reason"]) == (Code.PROXY_REFUSED, "the host refused the connection")
    async with http_proxy(status="403 Forbidden") as proxy:
        error = await refused(by(proxy.proxy))
        assert error.code is Code.PROXY_REFUSED
        assert "rules do not allow this connection (403 Forbidden)" in error.message


async def test_a_proxy_that_is_not_there_is_not_taken_for_the_host(by: Callable[[Way], Target]) -> None:
    error = await refused(by(Proxy(ProxyKind.SOCKS5, "127.0.0.1", free_port())))
    assert error.code is Code.PROXY_UNREACHABLE
    assert "refused" in error.message.lower()
    error = await refused(by(Proxy(ProxyKind.HTTP, "no-such-proxy.invalid", 3128)))
    assert error.code is Code.PROXY_UNREACHABLE
    assert "no address" in error.message


@pytest.mark.parametrize("kind", [ProxyKind.SOCKS5, ProxyKind.HTTP])
async def test_what_is_no_proxy_is_told_as_such(by: Callable[[Way], Target], server: Sshd, kind: ProxyKind) -> None:
    error = await refused(by(Proxy(kind, "127.0.0.1", server.port)))
    assert error.code in {Code.PROXY_PROTOCOL, Code.PROXY_REFUSED}


async def test_a_jump_host_is_reached_through_a_proxy_and_the_host_through_it(
    by: Callable[[Way], Target], hop: Hop
) -> None:
    async with socks_proxy() as proxy:
        bastion = replace(hop, name="bastion", way=proxy.proxy)
        async with connected(target(bastion, hop)) as link:
            assert await output(link, b"echo two") == b"two\n"
            assert link.facts.route == ("bastion",)
        assert len(proxy.asked) == 1


# --- proxy commands ---


async def test_a_proxy_command_carries_the_connection_and_is_gone_with_it(
    by: Callable[[Way], Target], relay: str, server: Sshd
) -> None:
    before, open_before = children(), descriptors()
    async with no_tasks_left():
        async with connected(by(ProxyCommand(f"{relay} 127.0.0.1 {server.port}"))) as link:
            assert await output(link, b"head -c 3000000 /dev/zero") == bytes(3_000_000)
            assert len(children() - before) == 1
        assert children() == before
    assert descriptors() == open_before


async def test_noise_on_stderr_leaves_the_stream_alone(
    by: Callable[[Way], Target], relay: str, server: Sshd, caplog: pytest.LogCaptureFixture
) -> None:
    noisy = f"echo before >&2; (while :; do echo noise; done) >&2 & {relay} 127.0.0.1 {server.port}; kill $!"
    caplog.set_level("INFO", ssh_command.__name__)
    before = children()
    async with connected(by(ProxyCommand(f"sh -c '{noisy}'"))) as link:
        assert await output(link, b"head -c 2000000 /dev/zero | md5sum") == await output(
            link, b"head -c 2000000 /dev/zero | md5sum"
        )
    assert children() == before
    told = [record.getMessage() for record in caplog.records if record.name == ssh_command.__name__]
    assert "server, proxy command: before" in told
    assert len(told) <= 102
    assert told[-1].endswith("more lines")


async def test_a_command_that_ignores_the_hang_up_is_killed_with_what_it_started(
    by: Callable[[Way], Target], relay: str, server: Sshd, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    stubborn = (
        f"""sh -c 'trap "" HUP TERM; sleep 600 & echo $$ $! > {pids}; {relay} 127.0.0.1 {server.port}; sleep 600'"""
    )
    async with connected(by(ProxyCommand(stubborn))):
        mine, sleeper = (int(pid) for pid in pids.read_text().split())
        assert alive(mine)
        assert alive(sleeper)
    await until(lambda: not alive(mine) and not _runs(sleeper))


def _runs(pid: int) -> bool:
    """Whether it lives; whoever it was left to may take a moment to reap it."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        ("no-such-relay-program %h", Code.PROXY_COMMAND_MISSING, "did not find"),
        ("/etc/passwd", Code.PROXY_COMMAND_MISSING, "not executable"),
        ("sh -c 'echo gateway closed >&2; exit 3'", Code.PROXY_COMMAND_FAILED, "exit status 3"),
        ("sh -c 'kill -9 $$'", Code.PROXY_COMMAND_FAILED, "SIGKILL"),
        ("true", Code.PROXY_COMMAND_FAILED, "exit status 0"),
        ("sh -c 'echo Usage: relay HOST; exit 1'", Code.PROXY_COMMAND_FAILED, "exit status 1"),
    ],
)
async def test_a_command_that_fails_is_told_with_its_status(
    by: Callable[[Way], Target], command: str, code: Code, told: str
) -> None:
    before, phases = children(), Phases()
    error = await refused(by(ProxyCommand(command)), observer=phases)
    assert (error.code, told in error.message) == (code, True), error.message
    assert error.evidence["command"] == command
    assert phases.failed is not None
    assert phases.failed.error is error
    assert children() == before


async def test_what_a_failing_command_wrote_is_shown_without_control_codes(by: Callable[[Way], Target]) -> None:
    error = await refused(by(ProxyCommand("printf '\\033[31mno way\\nfor you\\n' >&2; false")))
    assert error.evidence["said"].endswith("no way; for you")
    assert "\x1b" not in error.evidence["said"]
    assert "no way; for you" in error.advice[0].text


async def test_a_command_that_says_nothing_runs_into_the_limit_and_is_ended(hop: Hop) -> None:
    limits = replace(hop.timeouts, connect=0.2, first_byte=0.2)
    before = children()
    error = await refused(target(replace(hop, way=ProxyCommand("sleep 600"), timeouts=limits)))
    assert error.code is Code.BANNER_SILENT
    assert error.evidence["command"] == "sleep 600"
    assert children() == before


async def test_cancelling_ends_the_command(by: Callable[[Way], Target]) -> None:
    before = children()
    async with no_tasks_left():
        connecting = asyncio.create_task(refused(by(ProxyCommand("sleep 600"))))
        await until(lambda: len(children()) > len(before))
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await until(lambda: children() == before)


# --- Cloudflare ---


async def test_cloudflared_carries_the_connection(
    by: Callable[[Way], Target], programs: Callable[[str, str], Path], relay: str, server: Sshd, tmp_path: Path
) -> None:
    programs("cloudflared", f'echo "$@" > {tmp_path}/asked; exec {relay} 127.0.0.1 {server.port}')
    async with connected(by(Cloudflare("gpu7.example.com"))) as link:
        assert await output(link, b"echo in") == b"in\n"
    assert (tmp_path / "asked").read_text() == "access ssh --hostname gpu7.example.com\n"


async def test_a_missing_cloudflared_is_told_with_how_to_get_it(
    by: Callable[[Way], Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    error = await refused(by(Cloudflare("gpu7.example.com")))
    assert error.code is Code.CLOUDFLARED_MISSING
    assert any("install" in advice.text.lower() for advice in error.advice)


async def test_a_service_token_reaches_cloudflared_in_its_environment_and_nothing_else(
    by: Callable[[Way], Target],
    programs: Callable[[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("TUNNEL_SERVICE_TOKEN_ID", "the-id.access")
    monkeypatch.setenv("TUNNEL_SERVICE_TOKEN_SECRET", "the-secret")
    caplog.set_level("DEBUG")
    programs("cloudflared", f'echo "$TUNNEL_SERVICE_TOKEN_SECRET" > {tmp_path}/token; echo "$@" >&2; exit 1')
    error = await refused(by(Cloudflare("gpu7.example.com")))
    assert (tmp_path / "token").read_text() == "the-secret\n"
    assert error.code is Code.CLOUDFLARE_FAILED
    assert error.evidence["service_token"] == "set"
    assert "the-secret" not in json.dumps(error.to_json()) + caplog.text


async def test_a_login_page_is_shown_and_no_limit_runs_while_the_person_logs_in(
    hop: Hop, programs: Callable[[str, str], Path], relay: str, server: Sshd, tmp_path: Path
) -> None:
    page = "https://gpu7.example.com/cdn-cgi/access/cli?token=abc"
    wait = f"while [ ! -e {tmp_path}/logged-in ]; do sleep 0.02; done"
    programs("cloudflared", f"echo 'Open this:' >&2; echo '{page}' >&2; {wait}; exec {relay} 127.0.0.1 {server.port}")
    limits = replace(hop.timeouts, connect=0.2, first_byte=0.2)
    place = target(replace(hop, way=Cloudflare("gpu7.example.com"), timeouts=limits))
    person = Person()

    async def log_in() -> None:
        await until(lambda: bool(person.announced))
        await asyncio.sleep(0.6)  # longer than all limits of this hop
        (tmp_path / "logged-in").touch()

    logging_in = asyncio.create_task(log_in())
    async with connected(place, person) as link:
        assert await output(link, b"echo in") == b"in\n"
    await logging_in
    assert person.announced[0][0] == "server"
    assert page in person.announced[0][1]


async def test_without_a_person_a_login_page_ends_the_attempt(
    by: Callable[[Way], Target], programs: Callable[[str, str], Path]
) -> None:
    programs("cloudflared", "echo https://gpu7.example.com/cdn-cgi/access/cli?x >&2; exec sleep 600")
    error = await refused(by(Cloudflare("gpu7.example.com")))
    assert error.code is Code.CLOUDFLARE_LOGIN
    assert "https://gpu7.example.com/cdn-cgi/access/cli?x" in error.message


# --- Tailscale ---

PEER = {
    "TailscaleIPs": ["127.0.0.1"],
    "DNSName": "gpu7.tail.ts.net.",
    "Online": True,
    "LastSeen": "2026-11-20T08:00:00Z",
}


def status(state: str, *, online: bool = True, tun: bool = True) -> str:
    said = {"BackendState": state, "TUN": tun, "Peer": {"key": {**PEER, "Online": online}}}
    return f"cat <<'END'\n{json.dumps(said)}\nEND"


async def test_an_address_in_the_tailnet_is_connected_to_and_the_key_is_that_of_the_host(
    hop: Hop, server: Sshd, tmp_path: Path
) -> None:
    known = replace(hop.known_hosts, user=(server.known_hosts(tmp_path / "k", f"[gpu-7.example.net]:{server.port}"),))
    place = replace(hop, address="gpu-7.example.net", known_hosts=known, way=Tailscale("127.0.0.1"))
    async with connected(target(place)) as link:
        assert await output(link, b"echo in") == b"in\n"
        assert link.facts.address == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    ("script", "code", "told"),
    [
        (status("Stopped"), Code.TAILSCALE_DOWN, "stopped"),
        (status("NeedsLogin"), Code.TAILSCALE_LOGGED_OUT, "login"),
        (status("NeedsMachineAuth"), Code.TAILSCALE_LOGGED_OUT, "approval"),
        (status("Running", online=False), Code.TAILSCALE_PEER_OFFLINE, "2026-11-20"),
        ("echo failed to connect to local tailscaled >&2; exit 1", Code.TAILSCALE_DOWN, "local tailscaled"),
        ("echo '{'", Code.TAILSCALE_DOWN, "not JSON"),
        ("exec sleep 600", Code.TAILSCALE_DOWN, "no answer"),
        (status("Running"), Code.TCP_REFUSED, "refused"),
    ],
)
async def test_why_the_tailnet_does_not_carry_is_told(
    hop: Hop,
    programs: Callable[[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    code: Code,
    told: str,
) -> None:
    monkeypatch.setattr("backend.connection.tailscale.TIME_LIMIT", 0.5)
    programs("tailscale", script)
    before = children()
    error = await refused(target(replace(hop, port=free_port(), way=Tailscale("127.0.0.1"))))
    assert (error.code, told in error.message) == (code, True), error.message
    assert children() == before


async def test_without_the_tailscale_program_that_is_what_is_told(hop: Hop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    error: FairleadError = await refused(target(replace(hop, port=free_port(), way=Tailscale("127.0.0.1"))))
    assert error.code is Code.TAILSCALE_MISSING


async def test_where_tailscaled_has_no_network_of_its_own_its_program_carries_the_connection(
    hop: Hop, programs: Callable[[str, str], Path], relay: str, server: Sshd, tmp_path: Path
) -> None:
    programs(
        "tailscale", f'if [ "$1" = nc ]; then exec {relay} 127.0.0.1 {server.port}; fi; {status("Running", tun=False)}'
    )
    before, port = children(), free_port()
    known = replace(hop.known_hosts, user=(server.known_hosts(tmp_path / "k", f"[127.0.0.1]:{port}"),))
    async with connected(target(replace(hop, port=port, known_hosts=known, way=Tailscale("127.0.0.1")))) as link:
        assert await output(link, b"echo in") == b"in\n"
    assert children() == before
