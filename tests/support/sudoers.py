"""Accounts that may act as others, on a real server with a real sudo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.connection.connector import Link
from backend.connection.target import Target
from tests.support.openssh import make_key, sshd, target, throw_away_user
from tests.support.tiers import unavailable
from tests.support.worlds import PASSWORD

SUDO = Path("/usr/bin/sudo")
FAKE_SUDO_RS = """#!/bin/sh
case "$1" in -n) echo 'sudo: interactive authentication is required' >&2; exit 1;; esac
echo 'sudo: unable to resolve host box: Name or service not known' >&2
printf '[sudo: authenticate] Passwort: ' >&2
IFS= read -r typed
[ "$typed" = '%s' ] || { echo 'sudo: Authentication failed, try again.' >&2; exit 1; }
while [ "$1" != -- ]; do shift; done; shift
exec "$@"
"""
"""A stand-in that asks as sudo-rs does, in another language: it knows no `-p`."""


class LinkedSession:
    """As much of a session as sudo needs."""

    def __init__(self, link: Link, where: Target) -> None:
        self.host, self.target, self._link = "server", where, link

    async def link(self) -> Link:
        return self._link


@contextmanager
def sudoer(tmp_path: Path, rule: str, *, path: str = "", password: str = PASSWORD) -> Iterator[Target]:
    """An account with a rule in sudoers(5) (`{user}` stands for it), on a server; `path` comes first on its PATH."""
    if not SUDO.exists():
        unavailable("sshd", "sudo is not installed")
    with throw_away_user(tmp_path / "home", password=password) as user:
        rules = Path("/etc/sudoers.d") / user
        rules.write_text(rule.format(user=user) + "\n")
        rules.chmod(0o440)
        lines = [f"SetEnv PATH={path}:/usr/bin:/bin"] if path else []
        key = make_key(tmp_path / "key")
        try:
            with sshd(tmp_path / "sshd", *lines) as server:
                server.authorize(key)
                server.authorized_keys.chmod(0o644)
                for directory in (server.root, *server.root.parents):
                    if directory.stat().st_uid == 0 and len(directory.parts) > 2:
                        directory.chmod(directory.stat().st_mode | 0o011)
                known = server.known_hosts(tmp_path / "known")
                yield target(server.hop(keys=[key], known=known, user=user))
        finally:
            rules.unlink()
