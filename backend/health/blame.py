"""Whose a failure was: the host's (or the way's to it), the person's, or this machine's. Pure.

Only the host's own failures count in its health: somebody who declines a prompt says nothing about the host.
"""

from __future__ import annotations

from enum import Enum

from backend.errors import Category, Code


class Blame(Enum):
    """Where the cause lies."""

    HOST = "host"
    """The host, a jump host, or the network on the way."""
    PERSON = "person"
    """Somebody stopped it, declined, or mistyped a passphrase of their own."""
    HERE = "here"
    """Configuration, files or keys of this machine, or Fairlead itself."""


_PERSON = frozenset(
    {
        Code.INTERRUPTED,
        Code.NEEDS_PERSON,
        Code.DECLINED,
        Code.PRODUCTION_HOST,
        Code.COMMAND_DENIED,
        Code.COMMAND_DANGEROUS,
        Code.HOST_KEY_UNKNOWN,
        Code.AUTH_PASSPHRASE,
        Code.AUTH_AGENT_REFUSED,
        Code.TIME_LIMIT,
    }
)
_HERE = frozenset(
    {
        Code.HOST_KEY_UNREADABLE,
        Code.AUTH_KEY_MISSING,
        Code.AUTH_KEY_UNREADABLE,
        Code.AUTH_KEY_PERMISSIONS,
        Code.AUTH_NO_METHOD,
        Code.LOGIN_HELD_BACK,
    }
)
_HERE_CATEGORIES = frozenset({Category.CONFIG, Category.LOCAL, Category.INTERNAL})


def blame(code: Code, category: Category) -> Blame:
    """Whose a failure with this code was."""
    if code in _PERSON:
        return Blame.PERSON
    if code in _HERE or category in _HERE_CATEGORIES:
        return Blame.HERE
    return Blame.HOST
