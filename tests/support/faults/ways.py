"""Faults on the way: jump hosts, proxies, and programs that carry the connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from backend.connection.target import Hop, HostKeyPolicy
from backend.connection.ways import Cloudflare, Proxy, ProxyCommand, ProxyKind, Tailscale
from backend.diagnostics.rungs import RungId
from backend.errors import Code
from tests.support.faults.model import BASTION, QUICK, Fault, fault
from tests.support.faults.places import answering, bare, in_thread, script, server
from tests.support.faults.trust import write_other_key
from tests.support.openssh import Sshd, free_port, make_key
from tests.support.proxies import http_proxy, socks_proxy

# --- jump hosts --------------------------------------------------------------------------------------------------


@contextmanager
def _through(root: Path, *lines: str) -> Iterator[tuple[Sshd, Hop, Hop]]:
    """A jump host with these lines of sshd_config, and a healthy host behind it."""
    with server(root, *lines, name=BASTION) as (running, jump), server(root / "behind") as (_, hop):
        yield running, jump, hop


@fault
def jump_host_forbids(root: Path) -> Iterator[Fault]:
    """The jump host lets us in and nobody through."""
    with _through(root, "AllowTcpForwarding no") as (_, jump, hop):
        yield Fault((jump, hop), RungId.TCP, Code.FORWARD_PROHIBITED)


@fault
def jump_host_cannot_reach(root: Path) -> Iterator[Fault]:
    """The jump host may, and finds the port closed."""
    with server(root, name=BASTION) as (_, jump):
        yield Fault((jump, bare(free_port())), RungId.TCP, Code.JUMP_FAILED)


@fault
def jump_host_does_not_know_the_name(root: Path) -> Iterator[Fault]:
    """The host's name means nothing where the jump host stands."""
    with server(root, name=BASTION) as (_, jump):
        hop = replace(bare(22, "no-such-host.invalid"), timeouts=replace(QUICK, connect=10.0))
        yield Fault((jump, hop), RungId.TCP, Code.JUMP_FAILED)


@fault
def jump_host_is_down(root: Path) -> Iterator[Fault]:
    """Nothing listens on the jump host."""
    jump = replace(bare(free_port()), name=BASTION)
    yield Fault((jump, bare(22)), RungId.TCP, Code.TCP_REFUSED, hop=BASTION)


@fault
def jump_host_refuses_the_login(root: Path) -> Iterator[Fault]:
    """The jump host does not list the key."""
    with _through(root) as (_, jump, hop):
        jump = replace(jump, identity_files=(make_key(root / "stranger"),))
        yield Fault((jump, hop), RungId.AUTH, Code.AUTH_DENIED, hop=BASTION)


@fault
def jump_host_unknown(root: Path) -> Iterator[Fault]:
    """Nobody has seen the jump host's key."""
    with _through(root) as (_, jump, hop):
        (root / "known_hosts").write_text("")
        jump = replace(jump, host_key_policy=HostKeyPolicy.STRICT)
        yield Fault((jump, hop), RungId.HOST_KEY, Code.HOST_KEY_UNKNOWN, hop=BASTION)


@fault
def jump_host_changed(root: Path) -> Iterator[Fault]:
    """Another key is written down for the jump host."""
    with _through(root) as (running, jump, hop):
        write_other_key(root, running.port)
        yield Fault((jump, hop), RungId.HOST_KEY, Code.HOST_KEY_CHANGED, hop=BASTION)


# --- proxies -----------------------------------------------------------------------------------------------------


def _by(proxy: Proxy, code: Code, rung: RungId = RungId.TCP) -> Fault:
    return Fault((replace(bare(22), way=proxy),), rung, code)


@fault
def socks_proxy_down(root: Path) -> Iterator[Fault]:
    """Nothing listens where the proxy should be."""
    yield _by(Proxy(ProxyKind.SOCKS5, "127.0.0.1", free_port()), Code.PROXY_UNREACHABLE)


@fault
def socks_proxy_refuses(root: Path) -> Iterator[Fault]:
    """The proxy's rules do not allow the connection (RFC 1928 §6, reply 2)."""
    with in_thread(socks_proxy(reply=2)) as running:
        yield _by(running.proxy, Code.PROXY_REFUSED)


@fault
def http_proxy_down(root: Path) -> Iterator[Fault]:
    """Nothing listens where the proxy should be."""
    yield _by(Proxy(ProxyKind.HTTP, "127.0.0.1", free_port()), Code.PROXY_UNREACHABLE)


@fault
def http_proxy_refuses(root: Path) -> Iterator[Fault]:
    """The proxy lets port 443 through and nothing else."""
    with in_thread(http_proxy(status="403 Forbidden")) as running:
        yield _by(running.proxy, Code.PROXY_REFUSED)


@fault
def http_proxy_wants_a_login(root: Path) -> Iterator[Fault]:
    """The proxy asks who it is, and no name is given."""
    with in_thread(http_proxy(login=("me", "secret"))) as running:
        yield _by(running.proxy, Code.PROXY_AUTH)


@fault
def not_a_proxy(root: Path) -> Iterator[Fault]:
    """What answers at the proxy's port is a mail server."""

    with answering(lambda taken: taken.sendall(b"220 mail.example.net ESMTP\r\n")) as port:
        yield _by(Proxy(ProxyKind.SOCKS5, "127.0.0.1", port), Code.PROXY_PROTOCOL)


# --- programs ----------------------------------------------------------------------------------------------------


@fault
def proxy_command_missing(root: Path) -> Iterator[Fault]:
    """The program is not installed."""
    hop = replace(bare(22), way=ProxyCommand("no-such-program %h %p".replace("%h", "h").replace("%p", "22")))
    yield Fault((hop,), RungId.BANNER, Code.PROXY_COMMAND_MISSING)


@fault
def proxy_command_fails(root: Path) -> Iterator[Fault]:
    """The program says why it cannot, and ends."""
    relay = script(root / "relay.sh", "echo the tunnel is down >&2\nexit 3")
    yield Fault((replace(bare(22), way=ProxyCommand(str(relay))),), RungId.BANNER, Code.PROXY_COMMAND_FAILED)


def _without_programs(root: Path) -> tuple[tuple[str, str], ...]:
    (root / "bin").mkdir(parents=True, exist_ok=True)
    return (("PATH", f"{root / 'bin'}"),)


@fault
def tailscale_missing(root: Path) -> Iterator[Fault]:
    """An address of a tailnet that nothing here leads to, and no tailscale program."""
    port = free_port()
    hop = replace(bare(port), way=Tailscale("127.0.0.1"))
    yield Fault((hop,), RungId.TCP, Code.TAILSCALE_MISSING, environ=_without_programs(root))


@fault
def cloudflared_missing(root: Path) -> Iterator[Fault]:
    """Behind Cloudflare Access, and no cloudflared program."""
    hop = replace(bare(22), way=Cloudflare("ssh.example.net"))
    yield Fault((hop,), RungId.NAME, Code.CLOUDFLARED_MISSING, environ=_without_programs(root))
