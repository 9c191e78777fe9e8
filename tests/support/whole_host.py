"""A whole Debian host with systemd, sshd and fail2ban, in a container of systemd-nspawn and a network of its own.

The tree is made once by debootstrap (about a minute, from the mirror that this machine uses); every boot has a fresh
overlay over it and takes about two seconds.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.netns import FIRST, Line, line, run_in, wait_for_port
from tests.support.openssh import make_key
from tests.support.tiers import need_root, unavailable

_PACKAGES = (
    "openssh-server,iproute2,procps,ca-certificates,systemd,systemd-sysv,dbus,libpam-systemd,fail2ban,python3-systemd,"
    "nftables"
)
_TIER = "host"


@dataclass(frozen=True, slots=True)
class WholeHost:
    """A running one; its SSH server is at `address`, port 22, as seen from `net.client`."""

    net: Line
    key: Path
    """Opens root."""
    host_key: str
    address: str = FIRST

    def run(self, command: str) -> str:
        """What `command` says, run as root over OpenSSH's own client."""
        options = ("-F", "none", "-i", str(self.key), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no")
        quiet = ("-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes")
        call = run_in(self.net.client, "ssh", *options, *quiet, f"root@{self.address}", command)
        return subprocess.run(call, check=True, capture_output=True, text=True, timeout=60).stdout


def make_tree(root: Path) -> Path:
    """The tree under `root`; skips where it cannot be made."""
    need_root("a whole host")
    for program in ("debootstrap", "systemd-nspawn"):
        if shutil.which(program) is None:
            unavailable(_TIER, f"no {program}; on Debian and Ubuntu: apt install debootstrap systemd-container")
    tree = root / "tree"
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(tree)]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if made.returncode != 0:
        unavailable(_TIER, f"debootstrap: {made.stdout.strip().splitlines()[-1:]}")
    (tree / "etc" / "machine-id").write_text("")
    (tree / "etc" / "fail2ban" / "jail.d" / "journal.local").write_text("[sshd]\nbackend = systemd\n")
    return tree


@contextmanager
def whole_host(tree: Path, directory: Path) -> Iterator[WholeHost]:
    """Boot `tree`; everything that it writes is gone at the end."""
    key = make_key(directory / "root_key")
    (tree / "root" / ".ssh").mkdir(mode=0o700, exist_ok=True)
    shutil.copy(f"{key}.pub", tree / "root" / ".ssh" / "authorized_keys")
    with line() as net, (directory / "boot.log").open("wb") as log:
        process = subprocess.Popen(
            _boot(tree, net), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait_for_port(net.client, FIRST, 22, seconds=60)
            host = WholeHost(net, key, (tree / "etc/ssh/ssh_host_ed25519_key.pub").read_text())
            _wait_for_fail2ban(host)
            yield host
        finally:
            _shut_down(process)


def _boot(tree: Path, net: Line) -> list[str]:
    return [
        "systemd-nspawn",
        "--register=no",
        "--keep-unit",
        "-q",
        "-D",
        str(tree),
        "--volatile=overlay",
        f"--network-namespace-path=/run/netns/{net.first}",
        "--capability=CAP_NET_ADMIN,CAP_NET_RAW,CAP_AUDIT_WRITE",
        "--resolv-conf=off",
        "--link-journal=no",
        "-M",
        net.first,
        "--boot",
    ]


def _wait_for_fail2ban(host: WholeHost) -> None:
    deadline = time.monotonic() + 30
    while "Server replied: pong" not in host.run("fail2ban-client ping 2>&1 || true"):
        if time.monotonic() > deadline:
            raise RuntimeError(host.run("systemctl status fail2ban 2>&1 || true"))
        time.sleep(0.2)


def _shut_down(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
