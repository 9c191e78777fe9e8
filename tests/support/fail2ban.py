"""fail2ban as Debian ships it, over the log of a real sshd: its own filter, and a server of it with the default jail.

sshd writes to a syslog of the test's own, as on a host: with time and process number, by which the filter tells
connections apart.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.openssh import Sshd
from tests.support.syslog import syslog_sshd
from tests.support.tiers import need_root, need_sshd, unavailable

FILTER = Path("/etc/fail2ban/filter.d/sshd.conf")
MOST = 5
"""`maxretry` of the default jail: with so many failures in ten minutes an address is banned."""


def need_fail2ban() -> None:
    """Call before using it."""
    need_sshd()
    need_root("a syslog of its own")
    if not FILTER.exists() or shutil.which("fail2ban-regex") is None:
        unavailable("sshd", f"no {FILTER}; on Debian and Ubuntu: apt install fail2ban")


@contextmanager
def logging_sshd(root: Path, *lines: str) -> Iterator[Sshd]:
    """A server that logs as Debian's does by default, to `sshd.log` in `root` by way of a syslog."""
    need_fail2ban()
    with syslog_sshd(root, *lines) as server:
        yield server


def failures(log: Path) -> list[str]:
    """The failures that fail2ban's own filter finds in `log`: the addresses, one for each."""
    command = ["fail2ban-regex", "--out", "ip", str(log), str(FILTER)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.split()


@dataclass(frozen=True, slots=True)
class Jail:
    """A running fail2ban with the default sshd jail."""

    socket: Path

    def ask(self, *words: str) -> str:
        command = ["fail2ban-client", "-s", str(self.socket), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    @property
    def failed(self) -> int:
        """Failures that it has counted in all."""
        return count_of("failed", self.ask("status", "sshd"))

    @property
    def banned(self) -> int:
        """Addresses that it has banned in all."""
        return count_of("banned", self.ask("status", "sshd"))


def count_of(what: str, status: str) -> int:
    """`failed` or `banned` in all, as `fail2ban-client status` has it; -1 where it has no such word."""
    found = re.search(rf"Total {what}:\s*(\d+)", status)
    return int(found[1]) if found else -1


@contextmanager
def jail(root: Path, log: Path) -> Iterator[Jail]:
    """fail2ban over `log`: its shipped configuration, but that it bans on paper only, and its own machine too."""
    config, where = root / "config", root / "fail2ban.sock"
    shutil.copytree("/etc/fail2ban", config)
    for local in config.glob("**/*.local"):
        local.unlink()
    for own in (config / "jail.d").iterdir():
        own.unlink()
    (config / "jail.local").write_text(
        f"[DEFAULT]\nignoreself = false\n[sshd]\nenabled = true\nbackend = polling\nlogpath = {log}\naction =\n"
    )
    command = ["fail2ban-server", "-f", "-c", str(config), "-s", str(where), "-p", str(root / "fail2ban.pid")]
    more = ["--logtarget", str(root / "fail2ban.log"), "--syslogsocket", "auto"]
    (config / "fail2ban.local").write_text(f"[Definition]\ndbfile = {root / 'fail2ban.sqlite3'}\n")
    process = subprocess.Popen([*command, *more, "start"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    made = Jail(where)
    try:
        deadline = time.monotonic() + 20
        while made.failed < 0:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"fail2ban did not come up: {(root / 'fail2ban.log').read_text()}")
            time.sleep(0.05)
        yield made
    finally:
        process.terminate()
        process.wait(20)
