"""Faults between here and the server's first word: configuration, names, addresses, ports, banners."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from backend.diagnostics.rungs import RungId
from backend.errors import Code
from tests.support.faults.model import NAME, QUICK, Fault, fault
from tests.support.faults.places import answering, bare, firewalled, island, server
from tests.support.openssh import free_port
from tests.support.tiers import need_root, unavailable

# --- configuration and names -------------------------------------------------------------------------------------


@fault
def unreadable_option(root: Path) -> Iterator[Fault]:
    """An option of ssh_config that means nothing."""
    yield Fault((bare(22),), RungId.CONFIG, Code.CONFIG_INVALID, config=f"Host {NAME}\n  Port twenty-two\n")


@fault
def jump_hosts_in_a_circle(root: Path) -> Iterator[Fault]:
    """Each of two hosts is reached through the other."""
    loop = f"Host {NAME}\n  ProxyJump other\nHost other\n  ProxyJump {NAME}\n"
    yield Fault((bare(22),), RungId.CONFIG, Code.CONFIG_INVALID, config=loop)


@fault
def unknown_name(root: Path) -> Iterator[Fault]:
    """A name that no resolver may know (RFC 2606)."""
    hop = replace(bare(22, "no-such-host.invalid"), timeouts=replace(QUICK, connect=10.0))
    yield Fault((hop,), RungId.NAME, Code.NAME_NOT_FOUND)


@fault
def misspelt_name(root: Path) -> Iterator[Fault]:
    """No alias of that name, so it is taken for an address that nobody knows; a host of nearly that name is known."""
    near = f"Host {NAME}-1\n  HostName 127.0.0.1\n"
    yield Fault((bare(22),), RungId.NAME, Code.NAME_NOT_FOUND, config=near)


@fault
def resolver_down(root: Path) -> Iterator[Fault]:
    """Nobody can be asked: this machine has no network, so the resolver does not answer."""
    with island():
        hop = replace(bare(22, "web-1.example.net"), timeouts=replace(QUICK, connect=10.0))
        yield Fault((hop,), RungId.NAME, Code.RESOLVER_DOWN)


# --- addresses and ports -----------------------------------------------------------------------------------------


@fault
def closed_port(root: Path) -> Iterator[Fault]:
    """The machine answers; nothing listens."""
    yield Fault((bare(free_port()),), RungId.TCP, Code.TCP_REFUSED)


@fault
def firewall_refuses(root: Path) -> Iterator[Fault]:
    """A firewall refuses in the port's place, as fail2ban has it do."""
    with firewalled(2222, "REJECT", "--reject-with", "icmp-port-unreachable"):
        yield Fault((bare(2222),), RungId.TCP, Code.TCP_REFUSED)


@fault
def firewall_prohibits(root: Path) -> Iterator[Fault]:
    """A firewall that says that it forbids it: the system tells it as a host without a route."""
    with firewalled(2222, "REJECT", "--reject-with", "icmp-admin-prohibited"):
        yield Fault((bare(2222),), RungId.TCP, Code.TCP_UNREACHABLE)


@fault
def firewall_drops(root: Path) -> Iterator[Fault]:
    """A firewall that drops packets without a word."""
    with firewalled(2222, "DROP"):
        yield Fault((bare(2222),), RungId.TCP, Code.TCP_TIMEOUT)


@fault
def black_hole(root: Path) -> Iterator[Fault]:
    """Packets are dropped without a word: a listener whose queue is full ignores them, as a firewall would."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield Fault((bare(listener.getsockname()[1]),), RungId.TCP, Code.TCP_TIMEOUT)


@fault
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
        yield Fault((bare(22, address),), RungId.TCP, Code.TCP_UNREACHABLE)
    finally:
        subprocess.run(["ip", "route", "del", "unreachable", address], check=False)


@fault
def no_ipv6_here(root: Path) -> Iterator[Fault]:
    """The host has an IPv6 address only, and this machine no IPv6 network (RFC 3849)."""
    with island():
        yield Fault((bare(22, "2001:db8::7"),), RungId.TCP, Code.TCP_UNREACHABLE)


# --- the first words ---------------------------------------------------------------------------------------------


@fault
def silent_port(root: Path) -> Iterator[Fault]:
    """Connections are taken, and nothing is ever said."""
    with answering(lambda taken: None) as port:
        yield Fault((bare(port),), RungId.BANNER, Code.BANNER_SILENT)


@fault
def http_port(root: Path) -> Iterator[Fault]:
    """A web server, which takes our identification for a bad request."""

    def answer(taken: socket.socket) -> None:
        taken.recv(256)
        taken.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        taken.close()

    with answering(answer) as port:
        yield Fault((bare(port),), RungId.BANNER, Code.BANNER_NOT_SSH)


@fault
def ssh_of_the_last_century(root: Path) -> Iterator[Fault]:
    """A server that speaks SSH 1 only."""

    def answer(taken: socket.socket) -> None:
        taken.sendall(b"SSH-1.5-1.2.27\n")

    with answering(answer) as port:
        yield Fault((bare(port),), RungId.BANNER, Code.BANNER_NOT_SSH)


@fault
def hangs_up(root: Path) -> Iterator[Fault]:
    """Banned, or not admitted: the connection is closed before a word."""
    with answering(lambda taken: taken.close()) as port:
        yield Fault((bare(port),), RungId.BANNER, Code.BANNER_CLOSED)


@fault
def resets(root: Path) -> Iterator[Fault]:
    """The connection is cut with a reset, as some firewalls do once they have seen that it is SSH."""

    def answer(taken: socket.socket) -> None:
        taken.recv(64)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        taken.close()

    with answering(answer) as port:
        yield Fault((bare(port),), RungId.BANNER, Code.BANNER_CLOSED)


@fault
def over_max_startups(root: Path) -> Iterator[Fault]:
    """A server with as many unfinished logins as it takes."""
    # Of MaxStartups the last line counts, so the usual ones are left out.
    with (
        server(root, "MaxStartups 1", defaults=False) as (_, hop),
        socket.create_connection(("127.0.0.1", hop.port)) as first,
    ):
        assert first.recv(64).startswith(b"SSH-2.0-")
        yield Fault((hop,), RungId.BANNER, Code.SERVER_CROWDED)


@fault
def penalised(root: Path) -> Iterator[Fault]:
    """A server that shuts this address out for its failures, in the words of OpenSSH since 9.8."""

    def answer(taken: socket.socket) -> None:
        taken.sendall(b"Not allowed at this time\r\n")
        taken.close()

    with answering(answer) as port:
        yield Fault((bare(port),), RungId.BANNER, Code.SHUT_OUT)


@fault
def silent_after_the_banner(root: Path) -> Iterator[Fault]:
    """It names itself, and the key exchange never begins: large packets are lost on the way, or the server hangs."""

    def answer(taken: socket.socket) -> None:
        taken.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

    with answering(answer) as port:
        hop = bare(port)
        yield Fault((replace(hop, timeouts=replace(QUICK, key_exchange=0.7)),), RungId.KEX, Code.KEX_FAILED)


@fault
def closed_after_the_banner(root: Path) -> Iterator[Fault]:
    """It names itself and hangs up."""

    def answer(taken: socket.socket) -> None:
        taken.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        taken.recv(4096)
        time.sleep(0.05)
        taken.close()

    with answering(answer) as port:
        yield Fault((bare(port),), RungId.KEX, Code.KEX_FAILED)
