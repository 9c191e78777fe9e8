"""A client that begins its login only when it is its route's turn: see `Gate`."""

from __future__ import annotations

import asyncssh

from backend.connection.connector import Gate
from backend.connection.ssh.client import HopClient


class GatedClient(HopClient):
    """HopClient for one of several routes that are tried at once. No time limit runs while it waits for its turn."""

    gate: Gate | None = None

    async def public_key_auth_requested(self) -> list[asyncssh.SSHKeyPair] | None:
        await self._turn()
        return await super().public_key_auth_requested()

    async def password_auth_requested(self) -> str | None:
        await self._turn()
        return await super().password_auth_requested()

    async def kbdint_auth_requested(self) -> str | None:
        await self._turn()
        return await super().kbdint_auth_requested()

    async def _turn(self) -> None:
        if self.gate is not None:
            with self._progress.person():
                await self.gate.take()
