"""A server that logs to a syslog of the test's own, where its sessions find it as /var/log/auth.log, as on Debian.

The server and all below it see another `/dev` and `/var/log` (mount_namespaces(7)); the machine's are not touched.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support.openssh import Sshd, sshd
from tests.support.tiers import need_root

_FACILITY = re.compile(rb"^<\d+>")
_STAMP = len("Nov 21 10:00:00")
_OWN_DEV = """
set -e
mkdir -p "$1/dev"
mount --rbind /dev "$1/dev"
mount -t tmpfs tmpfs /dev
for name in null zero full random urandom tty log; do touch /dev/$name; done
for name in null zero full random urandom tty; do mount --bind "$1/dev/$name" /dev/$name; done
mkdir /dev/pts
ln -s pts/ptmx /dev/ptmx
mount --rbind "$1/dev/pts" /dev/pts
mount --bind "$2" /dev/log
mount -t tmpfs tmpfs /var/log
touch /var/log/auth.log
mount --bind "$1/sshd.log" /var/log/auth.log
shift 2
exec "$@"
"""


@contextmanager
def syslog_sshd(root: Path, *lines: str) -> Iterator[Sshd]:
    """Start it; its log is `sshd.log` in `root`."""
    need_root("a syslog of its own")
    root.mkdir(parents=True, exist_ok=True)
    log, address = root / "sshd.log", root / "syslog.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog, log.open("wb", buffering=0) as file:
        syslog.bind(str(address))
        address.chmod(0o666)  # the server writes some lines as the user who logs in
        log.chmod(0o640)
        writer = threading.Thread(target=_write, args=(syslog, file), daemon=True)
        writer.start()
        inside = ("unshare", "--mount", "--propagation", "private", "sh", "-c", _OWN_DEV, "sh", str(root), str(address))
        try:
            with sshd(root, "LogLevel INFO", *lines, inside=inside, log_file=False) as server:
                yield server
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as goodbye:
                goodbye.sendto(b"", str(address))
            writer.join(5)


def _write(syslog: socket.socket, file: IO[bytes]) -> None:
    """Each message as a line of auth.log: `Nov 21 10:00:00 host sshd[123]: …`. An empty one is the end."""
    while message := syslog.recv(65536):
        plain = _FACILITY.sub(b"", message).rstrip(b"\0\n")
        file.write(plain[:_STAMP] + b" host " + plain[_STAMP + 1 :] + b"\n")
