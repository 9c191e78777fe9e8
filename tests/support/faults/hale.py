"""Hosts that nothing is wrong with, reached and logged in to in every usual way: the ladder must say nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from backend.connection.target import HostKeyPolicy
from backend.connection.ways import ProxyCommand
from tests.support.faults.login import certified
from tests.support.faults.model import BASTION, NAME, Fault, healthy
from tests.support.faults.places import USUAL, account, in_thread, server
from tests.support.faults.session import bash_home, need_sftp_server
from tests.support.faults.trust import certified_host_key, trust_authority
from tests.support.openssh import ssh_agent
from tests.support.pam import PASSWORD, code_server, password_server
from tests.support.proxies import http_proxy, socks_proxy
from tests.support.tiers import unavailable

_OK = "ok"


@healthy
def plain_key(root: Path) -> Iterator[Fault]:
    """A key, an address, OpenSSH."""
    with server(root) as (_, hop):
        yield Fault((hop,), verdict=_OK, verified=True)


@healthy
def password(root: Path) -> Iterator[Fault]:
    """The account's password, checked by PAM."""
    with password_server(root) as (running, user):
        hop = running.hop(known=running.known_hosts(root / "known"), name=NAME, user=user, timeouts=USUAL)
        yield Fault((replace(hop, auth_methods=("password",)),), verdict=_OK, verified=True, secret=PASSWORD)


@healthy
def password_and_code(root: Path) -> Iterator[Fault]:
    """Keyboard-interactive: PAM asks for the password, then for a code."""
    with code_server(root / "codes", methods="keyboard-interactive") as codes:
        known = codes.sshd.known_hosts(root / "known")
        hop = codes.sshd.hop(known=known, name=NAME, user=codes.user, timeouts=USUAL)
        yield Fault((hop,), verdict=_OK, answers=(PASSWORD, codes.codes[0]))


@healthy
def jump_host(root: Path) -> Iterator[Fault]:
    """A host behind a bastion."""
    with server(root / "one", name=BASTION) as (_, jump), server(root / "two") as (_, hop):
        yield Fault((jump, hop), verdict=_OK)


@healthy
def two_jump_hosts(root: Path) -> Iterator[Fault]:
    """A host behind two of them."""
    with ExitStack() as stack:
        names = (BASTION, "second", NAME)
        hops = [stack.enter_context(server(root / name, name=name))[1] for name in names]
        yield Fault(tuple(hops), verdict=_OK)


@healthy
def certificate(root: Path) -> Iterator[Fault]:
    """A certificate of an authority that the server trusts; the bare key is listed nowhere."""
    with certified(root, "-5m:+1d") as hop:
        yield Fault((hop,), verdict=_OK, verified=True)


@healthy
def agent(root: Path) -> Iterator[Fault]:
    """The key is in the agent only."""
    with server(root) as (_, hop), ssh_agent(root / "agent", hop.identity_files[0]) as socket:
        yield Fault((replace(hop, identity_files=(), identities_named=False, agent_socket=socket),), verdict=_OK)


@healthy
def through_socks(root: Path) -> Iterator[Fault]:
    """A SOCKS5 proxy carries it."""
    with server(root) as (_, hop), in_thread(socks_proxy()) as running:
        yield Fault((replace(hop, way=running.proxy),), verdict=_OK)


@healthy
def through_http_connect(root: Path) -> Iterator[Fault]:
    """An HTTP proxy carries it."""
    with server(root) as (_, hop), in_thread(http_proxy()) as running:
        yield Fault((replace(hop, way=running.proxy),), verdict=_OK)


@healthy
def by_proxy_command(root: Path) -> Iterator[Fault]:
    """A program carries it."""
    with server(root / "one") as (_, hop), server(root / "two") as (_, carrier):
        key, known = carrier.identity_files[0], carrier.known_hosts.user[0]
        command = (
            f"ssh -F none -i {key} -o UserKnownHostsFile={known} -p {carrier.port} -W 127.0.0.1:{hop.port} 127.0.0.1"
        )
        yield Fault((replace(hop, way=ProxyCommand(command)),), verdict=_OK)


@healthy
def busybox_shell(root: Path) -> Iterator[Fault]:
    """The login shell is busybox's."""
    busybox = shutil.which("busybox") or unavailable("sshd", "no busybox; on Debian and Ubuntu: apt install busybox")
    shell = root / "ash"
    shell.parent.mkdir(parents=True, exist_ok=True)
    shell.symlink_to(busybox)
    with account(root, shell=str(shell)) as (_, hop):
        yield Fault((hop,), verdict=_OK, verified=True)


@healthy
def noise_for_people_only(root: Path) -> Iterator[Fault]:
    """The .bashrc prints in interactive shells, and SFTP passes through the shell."""
    quiet = "case $- in *i*) ;; *) return;; esac\necho Welcome to the machine!\n"
    with bash_home(root, quiet, str(need_sftp_server())) as hop:
        yield Fault((hop,), verdict=_OK, verified=True)


@healthy
def host_certificate(root: Path) -> Iterator[Fault]:
    """The host's key is trusted for the authority that signed it, and for nothing else."""
    key = certified_host_key(root, "127.0.0.1")
    with server(root, f"HostCertificate {key}-cert.pub", host_keys=[key]) as (_, hop):
        trust_authority(root)
        yield Fault((replace(hop, host_key_policy=HostKeyPolicy.STRICT),), verdict=_OK)


@healthy
def ipv6(root: Path) -> Iterator[Fault]:
    """An IPv6 address."""
    if not Path("/proc/sys/net/ipv6").exists():
        unavailable("sshd", "no IPv6 on this machine")
    with server(root, address="::1") as (_, hop):
        yield Fault((hop,), verdict=_OK)
