"""Simulated hosts over real SSH, visited with OpenSSH's own clients."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mocks.content import noise
from mocks.demo.setup import write_demo_files
from mocks.served import ServedWorld
from mocks.world import demo_world

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="no OpenSSH client on this machine")


@dataclass
class Visitor:
    """Somebody with OpenSSH's clients and the world's ssh_config."""

    served: ServedWorld
    config: Path

    async def run(self, program: str, *arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
        """Exit status and both outputs."""
        process = await asyncio.create_subprocess_exec(
            program,
            "-F",
            str(self.config),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin), 20)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    world = demo_world()
    files = write_demo_files(world, tmp_path / "demo")
    async with ServedWorld(world) as served:
        config = tmp_path / "config"
        config.write_text(served.ssh_config(files.known_hosts, files.key))
        yield Visitor(served, config)


async def test_a_command_its_streams_and_its_status(visitor: Visitor) -> None:
    status, out, err = await visitor.run("ssh", "web-1", "hostname; echo trouble >&2; exit 7")
    assert (status, out, err) == (7, "web-1\n", "trouble\n")


async def test_stdin_goes_through_byte_for_byte(visitor: Visitor) -> None:
    data = noise(9)(0, 2_000_000)
    _, out, _ = await visitor.run("ssh", "web-1", "sha256sum", stdin=data)
    assert out.split()[0] == hashlib.sha256(data).hexdigest()


async def test_the_host_behind_the_bastion_is_reached_through_it(visitor: Visitor) -> None:
    status, out, err = await visitor.run("ssh", "db-2", "hostname")
    assert (status, out) == (0, "db-2\n")
    assert "Authorised people only" in err
    assert visitor.served.relays["bastion"].counters.connections == 1


async def test_a_shell_on_a_terminal(visitor: Visitor) -> None:
    status, out, _ = await visitor.run("ssh", "-tt", "web-1", stdin=b"cd /srv/app\rls\rexit 4\r")
    assert status == 4
    assert "Welcome to web-1" in out and "deploy@web-1:/srv/app$ " in out and "model.bin" in out


async def test_a_changed_host_key_stops_a_careful_client(visitor: Visitor) -> None:
    status, _, err = await visitor.run("ssh", "-o", "BatchMode=yes", "edge-3", "true")
    assert status == 255 and "REMOTE HOST IDENTIFICATION HAS CHANGED" in err


async def test_files_over_sftp(visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(noise(3)(0, 300_000))
    copies = f"put {tmp_path}/up /tmp/up\nget /tmp/up {tmp_path}/down\n"
    looks = "ls -l /srv/app\ndf /\nsymlink up /tmp/link\nls -l /tmp\n"
    status, out, err = await visitor.run("sftp", "-b", "-", "web-1", stdin=(copies + looks).encode())
    assert status == 0, err
    assert (tmp_path / "down").read_bytes() == (tmp_path / "up").read_bytes()
    assert "4200000000" in out
    assert visitor.served.world["web-1"].tree.readlink(b"/tmp/link") == b"up"


async def test_files_over_scp(visitor: Visitor, tmp_path: Path) -> None:
    status, _, err = await visitor.run("scp", "-r", "web-1:/srv/app/releases/41/config", str(tmp_path / "copy"))
    assert status == 0, err
    assert (tmp_path / "copy/production.yml").read_text().startswith("release: 41")


async def test_sftp_failures_are_told_as_openssh_tells_them(visitor: Visitor) -> None:
    script = b"-get /nowhere /dev/null\n-get /var/log/auth.log /dev/null\n-mkdir /tmp\n-rmdir /srv\n"
    _, _, err = await visitor.run("sftp", "-b", "-", "web-1", stdin=script)
    assert 'File "/nowhere" not found' in err
    assert "Permission denied" in err
    assert err.count("Failure") == 2


async def test_a_link_breaks_once_where_the_world_says_so(visitor: Visitor, tmp_path: Path) -> None:
    source = "gpu-7:/data/run-12/checkpoints/epoch-01.ckpt"
    visitor.served.relays["gpu-7"].set(rate=None)
    status, _, _ = await visitor.run("scp", source, str(tmp_path / "first"))
    assert status != 0
    assert (tmp_path / "first").stat().st_size < 24_000_000
    status, out, _ = await visitor.run("ssh", "gpu-7", "hostname")
    assert (status, out) == (0, "gpu-7\n")


async def test_a_round_trip_takes_as_long_as_the_world_says(visitor: Visitor) -> None:
    relay = visitor.served.relays["mirror-au"]
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection(relay.host, relay.port)
    begun = loop.time()
    assert (await reader.readline()).startswith(b"SSH-2.0-OpenSSH_")
    assert loop.time() - begun >= 0.14
    writer.close()
