"""A host for the measurements: an OpenSSH server on loopback, straight and behind 50 ms of delay."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.openssh import make_key, sshd

ROUND_TRIP = 0.05


@dataclass(frozen=True, slots=True)
class Lab:
    """Where everything is. Aliases in `config`: `near` and `far` (50 ms round trip)."""

    config: Path
    here: Path
    there: Path
    state: Path

    def fairlead(self, *arguments: str) -> list[str]:
        """The installed program, as it is called by people."""
        program = str(Path(sys.executable).with_name("fairlead"))
        flags = ["-F", str(self.config), "--batch", "--state-dir", str(self.state)]
        return [program, *arguments[:1], *flags, *arguments[1:]]

    def openssh(self, program: str, *arguments: str) -> list[str]:
        return [program, "-F", str(self.config), "-q", *arguments]

    def clear(self, *paths: Path) -> None:
        for path in paths:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def lab() -> Iterator[Lab]:
    """Build it under a temporary directory in memory where there is one."""
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name,
        sshd(Path(name) / "sshd", "LogLevel INFO") as server,
    ):
        root = Path(name)
        key = make_key(root / "key")
        server.authorize(key)
        with _relay(server.address, server.port) as far_port:
            config = root / "ssh_config"
            config.write_text(
                f"Host near\n  Port {server.port}\nHost far\n  Port {far_port}\n"
                f"Host *\n  HostName 127.0.0.1\n  User {server.user}\n  IdentityFile {key}\n  IdentitiesOnly yes\n"
                f"  HostKeyAlias bench\n  UserKnownHostsFile {server.known_hosts(root / 'known', 'bench')}\n"
                "  Ciphers aes128-gcm@openssh.com\n"
            )
            made = Lab(config, root / "here", root / "there", root / "state")
            made.here.mkdir()
            made.there.mkdir()
            yield made


@contextmanager
def _relay(host: str, port: int) -> Iterator[int]:
    """A relay with delay, in a process of its own: what is measured may run in this one; its port."""
    command = [sys.executable, "-m", "benchmarks.relay", host, str(port), str(ROUND_TRIP / 2)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def write_file(path: Path, size: int) -> Path:
    """A file of random bytes."""
    with path.open("wb") as file:
        for start in range(0, size, 1 << 20):
            file.write(os.urandom(min(1 << 20, size - start)))
    return path


def write_tree(path: Path, files: int, size: int) -> Path:
    """`files` files of `size` random bytes in ten directories."""
    for number in range(files):
        folder = path / f"d{number % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number:06}").write_bytes(os.urandom(size))
    return path
