"""Connecting with the real connector in tests: a link for the length of a block, and the failure of an attempt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from backend.clock import SystemClock
from backend.connection.connector import Observer, StdStream
from backend.connection.interaction import Interaction, Nobody
from backend.connection.ssh.connector import SshConnector
from backend.connection.ssh.link import SshLink
from backend.connection.target import Target
from backend.connection.vault import Vault
from backend.errors import FairleadError


@asynccontextmanager
async def connected(
    target: Target,
    person: Interaction | None = None,
    *,
    vault: Vault | None = None,
    observer: Observer | None = None,
) -> AsyncIterator[SshLink]:
    """A link to `target`, closed at the end."""
    connector = SshConnector(vault=vault if vault is not None else Vault(), clock=SystemClock())
    link = await connector.connect(target, person or Nobody(), observer)
    try:
        yield link
    finally:
        await link.close()
        await connector.close()


async def refused(
    target: Target,
    person: Interaction | None = None,
    *,
    vault: Vault | None = None,
    observer: Observer | None = None,
) -> FairleadError:
    """How connecting to `target` fails; fails the test where it does not."""
    with pytest.raises(FairleadError) as caught:
        async with connected(target, person, vault=vault, observer=observer):
            pass
    return caught.value


async def output(link: SshLink, command: bytes) -> bytes:
    """Everything a command writes to stdout and stderr."""
    async with await link.open_process(command) as process:
        return b"".join([chunk.data async for chunk in process.output()])


async def stdout(link: SshLink, command: bytes) -> bytes:
    """What a command writes to stdout alone: an account's own start-up files may complain on stderr."""
    async with await link.open_process(command) as process:
        return b"".join([chunk.data async for chunk in process.output() if chunk.stream is StdStream.OUT])
