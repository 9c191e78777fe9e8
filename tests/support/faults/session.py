"""Faults after the login: shells, forced commands, SFTP, forwards, room, permissions, and links that end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from backend.connection.target import Hop, Keepalive
from backend.diagnostics.checks import CheckId
from backend.diagnostics.rungs import RungId
from backend.errors import Code
from tests.support.faults.model import Fault, fault
from tests.support.faults.places import USUAL, account, run, script, server, small_disk
from tests.support.tiers import need_root, unavailable

SFTP_SERVER = Path("/usr/lib/openssh/sftp-server")


def need_sftp_server() -> Path:
    """The program. Call before a server that starts it through the account's shell."""
    if not SFTP_SERVER.exists():
        unavailable("sshd", f"no {SFTP_SERVER}")
    return SFTP_SERVER


# --- sessions ----------------------------------------------------------------------------------------------------


@fault
def nologin_shell(root: Path) -> Iterator[Fault]:
    """An account whose shell is nologin(8): a real one where root may log in as it, else by forced command."""
    nologin = shutil.which("nologin", path="/usr/sbin:/sbin") or unavailable("sshd", "no nologin(8)")
    if os.geteuid() != 0 or pwd.getpwnam("nobody").pw_shell != nologin:
        with server(root, f"ForceCommand {nologin}") as (_, hop):
            yield Fault((hop,), RungId.SESSION, Code.SESSION_REFUSED)
        return
    keys = root / "server" / "authorized_keys"
    with server(root, f"AuthorizedKeysCommand /bin/cat {keys}", "AuthorizedKeysCommandUser root") as (_, hop):
        yield Fault((replace(hop, user="nobody"),), RungId.SESSION, Code.SESSION_REFUSED)


@fault
def forced_command(root: Path) -> Iterator[Fault]:
    """The account is for backups, whatever is asked."""
    with server(root, "ForceCommand echo This account is for backups.") as (_, hop):
        yield Fault((hop,), RungId.SESSION, Code.SESSION_REFUSED)


@fault
def no_sessions(root: Path) -> Iterator[Fault]:
    """A server that is there to jump through only."""
    with server(root, "MaxSessions 0") as (_, hop):
        yield Fault((hop,), RungId.SESSION, Code.SESSION_REFUSED)


@fault
def files_only(root: Path) -> Iterator[Fault]:
    """An account for SFTP: files work, and that commands do not is told."""
    with server(root, "ForceCommand internal-sftp") as (_, hop):
        yield Fault((hop,), RungId.SESSION, Code.SESSION_REFUSED, verdict="warn")


@fault
def hanging_shell(root: Path) -> Iterator[Fault]:
    """Login files that wait for something that never comes, as a home directory on a dead mount."""
    with server(root, "ForceCommand sleep 5") as (_, hop):
        yield Fault((replace(hop, timeouts=replace(USUAL, channel=0.7)),), RungId.SESSION, Code.NO_ANSWER)


# --- shells that print, and files --------------------------------------------------------------------------------


@contextmanager
def bash_home(root: Path, bashrc: str, subsystem: str) -> Iterator[Hop]:
    """An account with this .bashrc, in a home directory of the test's own."""
    if Path(pwd.getpwuid(os.geteuid()).pw_shell).name != "bash":
        unavailable("sshd", "the login shell of this account is not bash")
    home = root / "noisy home"
    home.mkdir(parents=True)
    (home / ".bashrc").write_text(bashrc)
    lines = (f'SetEnv "HOME={home}"', "PermitRootLogin yes", "PasswordAuthentication no", f"Subsystem sftp {subsystem}")
    with server(root, *lines, defaults=False) as (_, hop):
        yield hop


_NOISY = "echo Welcome to the machine!\n"


@fault
def noisy_bashrc(root: Path) -> Iterator[Fault]:
    """Login files print, and the SFTP server is started through the shell: files cannot be reached."""
    with bash_home(root, _NOISY, str(need_sftp_server())) as hop:
        yield Fault((hop,), RungId.FILES, Code.SHELL_NOISE)


@fault
def noisy_bashrc_beside_sftp(root: Path) -> Iterator[Fault]:
    """Login files print, but SFTP does not pass through the shell: a warning."""
    with bash_home(root, _NOISY, "internal-sftp") as hop:
        yield Fault((hop,), RungId.SESSION, Code.SHELL_NOISE, verdict="warn")


@fault
def no_sftp(root: Path) -> Iterator[Fault]:
    """A server without the subsystem."""
    with server(root, "PermitRootLogin yes", "PasswordAuthentication no", defaults=False) as (_, hop):
        yield Fault((hop,), RungId.FILES, Code.SFTP_UNAVAILABLE)


@fault
def sftp_program_missing(root: Path) -> Iterator[Fault]:
    """The subsystem names a program that is not there, as after a move to another distribution."""
    lines = ("PermitRootLogin yes", "PasswordAuthentication no", "Subsystem sftp /usr/libexec/no-such/sftp-server")
    with server(root, *lines, defaults=False) as (_, hop):
        yield Fault((hop,), RungId.FILES, Code.SFTP_UNAVAILABLE)


# --- room and permissions ----------------------------------------------------------------------------------------


@fault
def full_disk(root: Path) -> Iterator[Fault]:
    """The home directory's file system has no room."""
    need_root("a file system of its own")
    with small_disk(root / "home", room=1 << 20) as home, account(root, home=home) as (_, hop):
        with suppress(OSError), (home / "filler").open("wb", buffering=0) as filler:
            while filler.write(bytes(65536)):
                pass
        yield Fault((hop,), RungId.FILES, Code.DISK_FULL, verdict="warn")


@fault
def used_up_quota(root: Path) -> Iterator[Fault]:
    """Nothing more may be written: SFTP says only "Failure", a limit on files stands for the quota."""
    limited = script(
        root / "limited.sh",
        f'trap "" XFSZ\nulimit -f 0\ncase "$SSH_ORIGINAL_COMMAND" in internal-sftp*) exec {need_sftp_server()};; esac\n'
        'exec sh -c "$SSH_ORIGINAL_COMMAND"',
    )
    with account(root, f"ForceCommand {limited}") as (_, hop):
        yield Fault((hop,), check=CheckId.WRITE, code=Code.QUOTA, verdict="ok")


@fault
def home_not_writable(root: Path) -> Iterator[Fault]:
    """The home directory belongs to somebody else, as after a restore."""
    with account(root) as (_, hop):
        run("chown", "root", str(root / "home"))
        yield Fault((hop,), check=CheckId.HOME, code=Code.PERMISSION, verdict="ok")


@fault
def home_not_accessible(root: Path) -> Iterator[Fault]:
    """The home directory cannot even be entered."""
    with account(root) as (_, hop):
        run("chown", "root", str(root / "home"))
        (root / "home").chmod(0o700)
        yield Fault((hop,), check=CheckId.HOME, code=Code.PERMISSION, verdict="ok")


@fault
def home_missing(root: Path) -> Iterator[Fault]:
    """The account has no home directory: it was never made, or is not mounted."""
    with account(root) as (_, hop):
        (root / "home").rmdir()
        yield Fault((hop,), check=CheckId.HOME, code=Code.NOT_FOUND, verdict="ok")


# --- forwards ----------------------------------------------------------------------------------------------------


@fault
def forwards_prohibited(root: Path) -> Iterator[Fault]:
    """Sessions work; nothing may be passed through."""
    with server(root, "AllowTcpForwarding no") as (_, hop):
        yield Fault((hop,), check=CheckId.FORWARD, code=Code.FORWARD_PROHIBITED, verdict="ok")


# --- links that end ----------------------------------------------------------------------------------------------


@fault
def connection_cut(root: Path) -> Iterator[Fault]:
    """The server's process dies in the middle of the session."""
    killer = script(root / "killer.sh", "kill -9 $PPID")
    with server(root, f"ForceCommand {killer}") as (_, hop):
        yield Fault((hop,), RungId.SESSION, Code.CONNECTION_LOST)


@fault
def server_stops_answering(root: Path) -> Iterator[Fault]:
    """The server's process stands still, as a machine does that has run out of memory."""
    stopper = script(root / "stopper.sh", "kill -STOP $PPID\nsleep 5")
    with server(root, f"ForceCommand {stopper}") as (running, hop):
        alive = Keepalive(interval=0.3, late_after=0.2, misses=2)
        try:
            yield Fault((replace(hop, keepalive=alive),), RungId.SESSION, Code.KEEPALIVE_LOST)
        finally:
            for pid in running.processes:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
