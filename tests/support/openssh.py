"""OpenSSH servers started by hand for a test: own port, host keys, users' keys and configuration lines.

They serve the account that runs the tests. Nothing of the machine's own server is read or touched.
"""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from backend.connection.target import Hop, HostKeyPolicy, KnownHostsFiles, Target, Timeouts
from tests.support.tiers import SSHD, need_root, need_sshd

_PRIVILEGE_DIRECTORY = Path("/run/sshd")


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(path: Path, *, kind: str = "ed25519", passphrase: str = "", form: str = "", bits: int = 0) -> Path:
    """A key pair at `path` and `path.pub`. `form` is an older private format, as `PEM`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    more = [*(["-m", form] if form else []), *(["-b", str(bits)] if bits else [])]
    command = ["ssh-keygen", "-q", "-t", kind, *more, "-N", passphrase, "-C", f"test {path.name}", "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


@dataclass
class Sshd:
    """A running server."""

    port: int
    root: Path
    """Its directory: keys, configuration, log."""
    process: subprocess.Popen[bytes]
    host_keys: tuple[Path, ...]
    address: str = "127.0.0.1"
    user: str = field(default_factory=getpass.getuser)

    @property
    def log(self) -> str:
        """What it has written so far."""
        return (self.root / "sshd.log").read_text(errors="replace")

    @property
    def authorized_keys(self) -> Path:
        return self.root / "authorized_keys"

    def authorize(self, key: Path, options: str = "") -> None:
        """Let `key` log in, with options of authorized_keys(5) as `command="…"`."""
        line = key.with_name(key.name + ".pub").read_text()
        with self.authorized_keys.open("a") as file:
            file.write(f"{options} {line}" if options else line)

    def known_hosts(self, path: Path, name: str = "") -> Path:
        """A known_hosts file that trusts this server's keys."""
        shown = name or f"[{self.address}]:{self.port}"
        keys = [key.with_name(key.name + ".pub").read_text().split()[:2] for key in self.host_keys]
        path.write_text("".join(f"{shown} {kind} {blob}\n" for kind, blob in keys))
        return path

    def hop(self, *, keys: Sequence[Path] = (), known: Path | None = None, name: str = "server", **more: Any) -> Hop:
        """A hop to this server: `keys` are named for it, `known` is its known_hosts file; nothing else is asked."""
        hop = Hop(
            name=name,
            address=self.address,
            port=self.port,
            user=self.user,
            identity_files=tuple(keys),
            identities_named=bool(keys),
            known_hosts=KnownHostsFiles(user=(known,) if known else ()),
            host_key_policy=HostKeyPolicy.ASK,
            timeouts=Timeouts(connect=5, first_byte=5, key_exchange=10, login=10, channel=10, close=2),
        )
        return replace(hop, **more)

    @property
    def processes(self) -> list[int]:
        """Every process below the server: one or two for each connection, and what runs in it."""
        return _below(self.process.pid)

    def holders(self, path: Path) -> int:
        """How often the server's processes have `path` open."""
        found = 0
        for pid in self.processes:
            with suppress(OSError):
                found += sum(1 for fd in Path(f"/proc/{pid}/fd").iterdir() if _points_to(fd, path))
        return found

    def restart(self) -> None:
        """Kill it with all its connections and start it again where it was; returns when it listens.

        Connections are in process groups of their own, so each is killed by itself.
        """
        serving = self.processes
        self.stop()
        for pid in serving:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        before = self.log.count(_UP)
        self.process = subprocess.Popen(self.process.args, start_new_session=True, stdin=subprocess.DEVNULL)
        _wait_until_up(self, before=before)

    def stop(self) -> None:
        """End it with all its connections."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


def _below(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_below(child)]
    return found


def _points_to(link: Path, path: Path) -> bool:
    with suppress(OSError):
        return link.readlink() == path
    return False


def target(*hops: Hop, name: str = "") -> Target:
    """A target over these hops, named as the last."""
    return Target(name=name or hops[-1].name, hops=hops)


@contextmanager
def sshd(
    root: Path,
    *lines: str,
    host_key_kinds: Sequence[str] = ("ed25519",),
    host_keys: Sequence[Path] = (),
    defaults: bool = True,
    address: str = "127.0.0.1",
    inside: Sequence[str] = (),
    program: Path = SSHD,
    log_file: bool = True,
) -> Iterator[Sshd]:
    """A server under `root` with extra `lines` of sshd_config(5), which come first and so win. Skips without sshd.

    `inside` is put before its command line, as `ip netns exec NAME` for a server at another `address`; `program`
    is the server by another name. Without `log_file` it writes to syslog, and somebody else fills `sshd.log`.
    """
    need_sshd()
    root.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        _PRIVILEGE_DIRECTORY.mkdir(mode=0o755, exist_ok=True)
    keys = tuple(host_keys) or tuple(make_key(root / f"host_{kind}", kind=kind) for kind in host_key_kinds)
    port = free_port()
    (root / "authorized_keys").touch()
    settings = [
        f"Port {port}",
        f"ListenAddress {address}",
        *(f"HostKey {key}" for key in keys),
        f"PidFile {root / 'sshd.pid'}",
        *lines,
        f"AuthorizedKeysFile {root / 'authorized_keys'}",
        _NO_START_FILES,
        *_DEFAULTS[: None if defaults else 2],
    ]
    (root / "sshd_config").write_text("\n".join(settings) + "\n")
    command = [*inside, str(program), "-D", "-f", str(root / "sshd_config")]
    command += ["-E", str(root / "sshd.log")] if log_file else []
    process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)
    server = Sshd(port, root, process, keys, address)
    try:
        _wait_until_up(server)
        yield server
    finally:
        server.stop()


_NO_START_FILES = "SetEnv SHLVL=2"
"""bash, run by a server, reads ~/.bashrc of whoever runs the tests, unless it is not the first one. A `SetEnv` of the
caller's takes the place of this one."""

_DEFAULTS = (
    "UsePAM no",
    "StrictModes no",
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "LogLevel DEBUG1",
    "Subsystem sftp internal-sftp",
    "MaxStartups 100",
    "UseDNS no",
)


_UP = "Server listening on"


def _wait_until_up(server: Sshd, limit: float = 10.0, *, before: int = 0) -> None:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"sshd ended with {server.process.returncode}: {server.log}")
        if (server.root / "sshd.log").exists() and server.log.count(_UP) > before:
            return
        time.sleep(0.005)
    raise RuntimeError(f"sshd did not come up: {server.log}")


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@contextmanager
def ssh_agent(directory: Path, *keys: Path) -> Iterator[Path]:
    """An agent that holds `keys`; its socket."""
    directory.mkdir(parents=True, exist_ok=True)
    socket_path = directory / "agent.sock"
    command = ["ssh-agent", "-D", "-a", str(socket_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not _answers(socket_path):
            if time.monotonic() > deadline:
                raise RuntimeError("ssh-agent did not come up")
            time.sleep(0.005)
        environment = {**os.environ, "SSH_AUTH_SOCK": str(socket_path)}
        for key in keys:
            subprocess.run(["ssh-add", "-q", str(key)], check=True, env=environment, capture_output=True)
        yield socket_path
    finally:
        process.kill()
        process.wait(10)


@contextmanager
def throw_away_user(home: Path, *, password: str = "", shell: str = "/bin/sh") -> Iterator[str]:
    """A system account for a test: its name. Needs root; part of the tier that CI requires."""
    need_root("an account of its own")
    name = f"fl{secrets.token_hex(4)}"
    home.mkdir(parents=True, exist_ok=True)
    subprocess.run(["useradd", "--no-create-home", "-d", str(home), "-s", shell, name], check=True, capture_output=True)
    try:
        subprocess.run(["chpasswd"], input=f"{name}:{password or secrets.token_hex(8)}".encode(), check=True)
        shutil.chown(home, name)
        for parent in home.parents:
            if parent.stat().st_uid == os.getuid() and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        yield name
    finally:
        subprocess.run(["userdel", "--force", name], check=False, capture_output=True)
