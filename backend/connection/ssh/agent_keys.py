"""What an SSH agent holds, and giving it one key more. An agent that does not answer holds nothing."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path

import asyncssh

from backend.connection.credentials import AgentKey, KeyFile, KeyProblem, read_key_file
from backend.connection.host_keys import shorten
from backend.connection.interaction import Interaction, SecretKind, SecretRequest
from backend.connection.ssh.keys import Agent, KeyUnusable, WrongPassphrase, open_private
from backend.errors import AuthError, Code

MOST_ASKS = 3
_LIMIT = 5.0
"""Seconds for an agent of our own to take a key."""


async def held_by(socket: Path) -> tuple[AgentKey, ...]:
    """The keys of the agent at `socket`; none where it does not answer."""
    agent = Agent(socket, nullcontext, lambda blob, reason: None)
    try:
        return await agent.keys()
    finally:
        agent.close()


async def load_into(socket: Path, path: Path, interaction: Interaction, *, host: str, user: str) -> None:
    """Give the key file `path` to the agent at `socket`; its passphrase is asked for, and kept nowhere else.

    Raises AuthError: AUTH_KEY_MISSING, AUTH_KEY_UNREADABLE, AUTH_KEY_PERMISSIONS, AUTH_PASSPHRASE, AUTH_AGENT_REFUSED,
    DECLINED.
    """
    file = await asyncio.to_thread(read_key_file, path)
    if isinstance(file, KeyProblem):
        raise AuthError(file.code, evidence=file.evidence)
    if file is None:
        raise AuthError(Code.AUTH_KEY_MISSING, evidence={"path": shorten(path)})
    if file.private is None:
        evidence = {"path": shorten(path), "reason": "there is no private key in it"}
        raise AuthError(Code.AUTH_KEY_UNREADABLE, evidence=evidence)
    key = await _opened(file, file.private, interaction, host, user)
    try:
        async with asyncio.timeout(_LIMIT), asyncssh.connect_agent(str(socket)) as client:
            await client.add_keys([key])
    except (TimeoutError, OSError, ValueError, asyncssh.Error) as error:
        raise AuthError(
            Code.AUTH_AGENT_REFUSED,
            "The agent did not take the key.",
            evidence={"key": shorten(path), "reason": str(error) or "it gave no answer"},
        ) from error


async def _opened(file: KeyFile, content: bytes, interaction: Interaction, host: str, user: str) -> asyncssh.SSHKey:
    shown = shorten(file.path)
    try:
        if not file.encrypted:
            return await asyncio.to_thread(open_private, content, None)
        for attempt in range(1, MOST_ASKS + 1):
            secret = await interaction.secret(SecretRequest(SecretKind.PASSPHRASE, host, user, shown, attempt=attempt))
            if secret is None:
                raise AuthError(Code.DECLINED, evidence={"wanted": f"the passphrase of {shown}"})
            try:
                return await asyncio.to_thread(open_private, content, secret.reveal())
            except WrongPassphrase:
                continue
            finally:
                secret.wipe()
    except KeyUnusable as error:
        raise AuthError(Code.AUTH_KEY_UNREADABLE, evidence={"path": shown, "reason": error}) from error
    raise AuthError(Code.AUTH_PASSPHRASE, evidence={"path": shown})
