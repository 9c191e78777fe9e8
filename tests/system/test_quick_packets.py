"""The shorter way for channel data against a real server: through key exchanges in mid-stream, and cut into bytes."""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from backend.connection.connector import OpenMode
from backend.connection.ssh.link import SshLink
from backend.connection.target import Hop
from backend.files.remote import read_fully
from mocks.relay import Relay, RelayFaults
from tests.support.connecting import connected, output
from tests.support.openssh import Sshd, make_key, sshd, target

pytestmark = pytest.mark.sshd

BLOCK = 200_000


def hop_of(server: Sshd, directory: Path) -> Hop:
    key = make_key(directory / "key")
    server.authorize(key)
    return server.hop(keys=[key], known=server.known_hosts(directory / "known"))


async def comes_back(link: SshLink, path: Path, blocks: int) -> bool:
    """Whether random blocks, all written and then all read at once, are what they were."""
    source = random.Random(7)
    content = [source.randbytes(BLOCK) for _ in range(blocks)]
    files = await link.open_files()
    file = await files.open(bytes(path), OpenMode.CREATE)
    await asyncio.gather(*(file.write(at * BLOCK, data) for at, data in enumerate(content)))
    await file.close()
    file = await files.open(bytes(path), OpenMode.READ)
    read = await asyncio.gather(*(read_fully(file, at * BLOCK, BLOCK) for at in range(blocks)))
    await file.close()
    await files.close()
    return list(read) == content


async def test_keys_are_exchanged_anew_in_the_middle_of_both_directions(tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd", "RekeyLimit 700K", "LogLevel DEBUG3") as server:
        async with connected(target(hop_of(server, tmp_path))) as link:
            assert await comes_back(link, tmp_path / "file", 30)
        rekeyed = re.findall(r"rekeying|set_newkeys", (server.root / "sshd.log").read_text())
        assert len(rekeyed) > 10


async def test_our_own_limit_starts_a_key_exchange(tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd", "LogLevel DEBUG1") as server:
        async with connected(target(hop_of(server, tmp_path))) as link:
            link._conn._rekey_bytes = 1_000_000
            assert await comes_back(link, tmp_path / "file", 30)
        assert (server.root / "sshd.log").read_text().count("SSH2_MSG_NEWKEYS received") >= 5


@pytest.mark.parametrize("ciphers", ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr"])
async def test_every_cipher_carries_the_same_bytes(tmp_path: Path, ciphers: str) -> None:
    with sshd(tmp_path / "sshd", f"Ciphers {ciphers}") as server:
        async with connected(target(hop_of(server, tmp_path))) as link:
            assert link.facts.cipher == ciphers
            assert await comes_back(link, tmp_path / "file", 10)


async def test_a_link_that_brings_single_bytes_loses_none(tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd") as server:
        hop = hop_of(server, tmp_path)
        async with Relay("127.0.0.1", server.port, RelayFaults(slice=1)) as relay:
            through = replace(hop, port=relay.port, host_key_alias=f"[127.0.0.1]:{server.port}")
            async with connected(target(through)) as link:
                assert await output(link, b"seq 2000") == b"".join(b"%d\n" % n for n in range(1, 2001))
