"""Hosts with one thing wrong each, for real: what the ladder must name. For the services and for the command line.

Each fault is a context manager that gives a `Fault`: the hops to go, and what the diagnosis must say. `ssh_config` is
the same host for programs that are started from outside. OpenSSH servers where the fault needs one, plain sockets in
threads where it does not.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from backend.connection.target import Hop, HostKeyPolicy, Target, Timeouts
from backend.diagnostics.rungs import RungId
from backend.errors import Code
from tests.support.openssh import Sshd, free_port, make_key, sshd
from tests.support.tiers import need_root, unavailable

NAME = "faulty"
QUICK = Timeouts(connect=1.0, first_byte=1.0, key_exchange=5.0, login=10.0, channel=5.0, close=1.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """A host that cannot be used, and why."""

    hops: tuple[Hop, ...]
    rung: RungId
    code: Code
    verdict: str = "failed"
    password: str = ""
    """What is typed when a password is asked for."""

    @property
    def target(self) -> Target:
        return Target(NAME, self.hops)

    @property
    def ssh_config(self) -> str:
        """The same hosts for ssh_config(5)."""
        entries = [_entry(hop, before) for hop, before in zip(self.hops, (None, *self.hops), strict=False)]
        return "\n".join(entries)


def _entry(hop: Hop, before: Hop | None) -> str:
    known = " ".join(str(path) for path in hop.known_hosts.user) or "/dev/null"
    lines = [
        f"Host {hop.name}",
        f"HostName {hop.address}",
        f"Port {hop.port}",
        f"User {hop.user}",
        f"UserKnownHostsFile {known}",
        "GlobalKnownHostsFile /dev/null",
        f"StrictHostKeyChecking {'yes' if hop.host_key_policy is HostKeyPolicy.STRICT else 'ask'}",
        "IdentityAgent none",
        "IdentitiesOnly yes",
        f"ConnectTimeout {max(1, int(hop.timeouts.connect))}",
        *(f"IdentityFile {path}" for path in hop.identity_files),
        *([] if hop.identity_files else ["IdentityFile none"]),
        *([f"ProxyJump {before.name}"] if before else []),
    ]
    return "\n    ".join(lines) + "\n"


Maker = Callable[[Path], contextlib.AbstractContextManager[Fault]]
FAULTS: dict[str, Maker] = {}
"""Every fault by name; each takes a directory of its own."""


def _fault(make: Callable[[Path], Iterator[Fault]]) -> Maker:
    maker = contextmanager(make)
    FAULTS[make.__name__] = maker
    return maker


def _bare(port: int, address: str = "127.0.0.1") -> Hop:
    """A hop to something that is not meant to be logged in to."""
    return Hop(NAME, address, port, "deploy", timeouts=QUICK, host_key_policy=HostKeyPolicy.STRICT)


# --- the network -------------------------------------------------------------------------------------------------


@_fault
def unknown_name(root: Path) -> Iterator[Fault]:
    """A name that no resolver may know (RFC 2606)."""
    hop = replace(_bare(22, "no-such-host.invalid"), timeouts=replace(QUICK, connect=10.0))
    yield Fault((hop,), RungId.NAME, Code.NAME_NOT_FOUND)


@_fault
def closed_port(root: Path) -> Iterator[Fault]:
    """The machine answers; nothing listens."""
    yield Fault((_bare(free_port()),), RungId.TCP, Code.TCP_REFUSED)


@_fault
def black_hole(root: Path) -> Iterator[Fault]:
    """Packets are dropped without a word: a listener whose queue is full ignores them, as a firewall would."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield Fault((_bare(listener.getsockname()[1]),), RungId.TCP, Code.TCP_TIMEOUT)


@_fault
def unreachable(root: Path) -> Iterator[Fault]:
    """The routing table says that there is no way (a documentation address, RFC 5737)."""
    need_root("a route to nowhere")
    if shutil.which("ip") is None:
        unavailable("netns", "no ip command; on Debian and Ubuntu: apt install iproute2")
    address = f"203.0.113.{os.getpid() % 250 + 1}"
    added = subprocess.run(["ip", "route", "add", "unreachable", address], capture_output=True, check=False, text=True)
    if added.returncode != 0:
        unavailable("netns", f"no route can be added: {added.stderr.strip()}")
    try:
        yield Fault((_bare(22, address),), RungId.TCP, Code.TCP_UNREACHABLE)
    finally:
        subprocess.run(["ip", "route", "del", "unreachable", address], check=False)


@contextmanager
def _answering(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port of loopback where every connection gets `answer`, in a thread; closed at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as stack:
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    taken, _ = listener.accept()
                    stack.enter_context(taken)
                    answer(taken)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            ended.set()
            with contextlib.suppress(OSError), socket.create_connection(listener.getsockname(), timeout=1):
                pass
            thread.join(5)


@_fault
def silent_port(root: Path) -> Iterator[Fault]:
    """Connections are taken, and nothing is ever said."""
    with _answering(lambda taken: None) as port:
        yield Fault((_bare(port),), RungId.BANNER, Code.BANNER_SILENT)


@_fault
def http_port(root: Path) -> Iterator[Fault]:
    """A web server, which takes our identification for a bad request."""

    def answer(taken: socket.socket) -> None:
        taken.recv(256)
        taken.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        taken.close()

    with _answering(answer) as port:
        yield Fault((_bare(port),), RungId.BANNER, Code.BANNER_NOT_SSH)


@_fault
def hangs_up(root: Path) -> Iterator[Fault]:
    """Over its limit of connections, or banned: the connection is closed before a word."""
    with _answering(lambda taken: taken.close()) as port:
        yield Fault((_bare(port),), RungId.BANNER, Code.BANNER_CLOSED)


# --- trust -------------------------------------------------------------------------------------------------------


@contextmanager
def _server(root: Path, *lines: str, **options: bool) -> Iterator[tuple[Sshd, Hop]]:
    """An OpenSSH server and the hop that can log in to it."""
    with sshd(root / "server", *lines, **options) as server:  # type: ignore[arg-type]  # only `defaults` is given
        key = make_key(root / "id_ed25519")
        server.authorize(key)
        known = server.known_hosts(root / "known_hosts")
        yield server, server.hop(keys=[key], known=known, name=NAME, timeouts=replace(QUICK, connect=5.0))


@_fault
def no_common_kex(root: Path) -> Iterator[Fault]:
    """A server that speaks only what was given up years ago."""
    with _server(root, "KexAlgorithms diffie-hellman-group1-sha1") as (_, hop):
        yield Fault((hop,), RungId.KEX, Code.KEX_NO_MATCH)


@_fault
def unknown_host_key(root: Path) -> Iterator[Fault]:
    """Nobody has seen this server before, and nobody is asked."""
    with _server(root) as (_, hop):
        (root / "known_hosts").write_text("")
        yield Fault((replace(hop, host_key_policy=HostKeyPolicy.STRICT),), RungId.HOST_KEY, Code.HOST_KEY_UNKNOWN)


@_fault
def changed_host_key(root: Path) -> Iterator[Fault]:
    """Another key is written down for this server."""
    with _server(root) as (server, hop):
        other = make_key(root / "other_host_key").with_name("other_host_key.pub").read_text().split()
        (root / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {other[0]} {other[1]}\n")
        yield Fault((hop,), RungId.HOST_KEY, Code.HOST_KEY_CHANGED)


@_fault
def revoked_host_key(root: Path) -> Iterator[Fault]:
    """The server's key is marked as revoked."""
    with _server(root) as (_, hop):
        known = (root / "known_hosts").read_text()
        (root / "known_hosts").write_text(known + f"@revoked * {known.split(' ', 1)[1]}")
        yield Fault((hop,), RungId.HOST_KEY, Code.HOST_KEY_REVOKED)


# --- logging in --------------------------------------------------------------------------------------------------


@_fault
def wrong_password(root: Path) -> Iterator[Fault]:
    """A password that is not the account's."""
    with _server(root, "PasswordAuthentication yes", "PubkeyAuthentication no") as (_, hop):
        hop = replace(hop, identity_files=(), identities_named=False)
        yield Fault((hop,), RungId.AUTH, Code.AUTH_DENIED, password="not the password")


@_fault
def no_usable_key(root: Path) -> Iterator[Fault]:
    """The server wants a key, and there is none."""
    with _server(root) as (_, hop):
        hop = replace(hop, identity_files=(), identities_named=False)
        yield Fault((hop,), RungId.AUTH, Code.AUTH_NO_METHOD)


@_fault
def refused_key(root: Path) -> Iterator[Fault]:
    """There is a key, and the account does not list it."""
    with _server(root) as (_, hop):
        yield Fault((replace(hop, identity_files=(make_key(root / "stranger"),)),), RungId.AUTH, Code.AUTH_DENIED)


@_fault
def open_key_file(root: Path) -> Iterator[Fault]:
    """A private key that everybody may read."""
    with _server(root) as (_, hop):
        hop.identity_files[0].chmod(0o644)
        yield Fault((hop,), RungId.AUTH, Code.AUTH_KEY_PERMISSIONS)


# --- after the login ---------------------------------------------------------------------------------------------


@_fault
def nologin_shell(root: Path) -> Iterator[Fault]:
    """An account whose shell is nologin(8): a real one where root may log in as it, else by forced command."""
    nologin = shutil.which("nologin", path="/usr/sbin:/sbin") or unavailable("sshd", "no nologin(8)")
    if os.geteuid() != 0 or pwd.getpwnam("nobody").pw_shell != nologin:
        with _server(root, f"ForceCommand {nologin}") as (_, hop):
            yield Fault((hop,), RungId.SESSION, Code.SESSION_REFUSED)
        return
    keys = root / "server" / "authorized_keys"
    with _server(root, f"AuthorizedKeysCommand /bin/cat {keys}", "AuthorizedKeysCommandUser root") as (_, hop):
        yield Fault((replace(hop, user="nobody"),), RungId.SESSION, Code.SESSION_REFUSED)


@contextmanager
def _noisy(root: Path, subsystem: str) -> Iterator[Hop]:
    """An account whose .bashrc prints, in a home directory of the test's own."""
    if Path(pwd.getpwuid(os.geteuid()).pw_shell).name != "bash":
        unavailable("sshd", "the login shell of this account is not bash")
    home = root / "noisy home"
    home.mkdir(parents=True)
    (home / ".bashrc").write_text("echo Welcome to the machine!\n")
    lines = (f'SetEnv "HOME={home}"', "PermitRootLogin yes", "PasswordAuthentication no", f"Subsystem sftp {subsystem}")
    with _server(root, *lines, defaults=False) as (_, hop):
        yield hop


@_fault
def noisy_bashrc(root: Path) -> Iterator[Fault]:
    """Login files print, and the SFTP server is started through the shell: files cannot be reached."""
    program = Path("/usr/lib/openssh/sftp-server")
    if not program.exists():
        unavailable("sshd", f"no {program}")
    with _noisy(root, str(program)) as hop:
        yield Fault((hop,), RungId.FILES, Code.SHELL_NOISE)


@_fault
def noisy_bashrc_beside_sftp(root: Path) -> Iterator[Fault]:
    """Login files print, but SFTP does not pass through the shell: a warning."""
    with _noisy(root, "internal-sftp") as hop:
        yield Fault((hop,), RungId.SESSION, Code.SHELL_NOISE, verdict="warn")


@_fault
def no_sftp(root: Path) -> Iterator[Fault]:
    """A server without the subsystem."""
    with _server(root, "PermitRootLogin yes", "PasswordAuthentication no", defaults=False) as (_, hop):
        yield Fault((hop,), RungId.FILES, Code.SFTP_UNAVAILABLE)


# --- jump hosts --------------------------------------------------------------------------------------------------


@_fault
def jump_host_forbids(root: Path) -> Iterator[Fault]:
    """The jump host lets us in and nobody through."""
    with _server(root, "AllowTcpForwarding no") as (_, jump), _server(root / "behind") as (_, hop):
        yield Fault((replace(jump, name="bastion"), hop), RungId.TCP, Code.FORWARD_PROHIBITED)


@_fault
def jump_host_cannot_reach(root: Path) -> Iterator[Fault]:
    """The jump host may, and finds the port closed."""
    with _server(root) as (_, jump):
        yield Fault((replace(jump, name="bastion"), _bare(free_port())), RungId.TCP, Code.JUMP_FAILED)
