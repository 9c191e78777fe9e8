"""What a server's question in a login is about, as far as its words tell. Pure."""

from __future__ import annotations

import re
from enum import Enum

from backend.connection.interaction import Prompt
from backend.patterns import pattern

_PASSWORD = pattern(r"passwor[dt]|passphrase|kennwort|mot de passe|contraseña|senha|wachtwoord|пароль", re.IGNORECASE)
_CODE = pattern(r"one.?time|\botp\b|verification|token|code", re.IGNORECASE)
_AGAIN = pattern(r"again|\bre-?(type|enter)|repeat|confirm|wiederhol|erneut|nochmals", re.IGNORECASE)
_NEW = pattern(r"\bnew\b|\bneue[sn]?\b|nouveau|\bnuev[oa]\b|\bnova\b|nieuw|новый", re.IGNORECASE)
_OLD = pattern(r"\b(current|old|existing)\b|aktuelle|actuel|\bactual\b|huidig|текущий", re.IGNORECASE)


class Asks(Enum):
    """What an answer would be."""

    PASSWORD = "password"  # noqa: S105 - a kind, not a secret
    CURRENT = "current password"
    """The one that is to be changed (PAM: `Current password: `)."""
    NEW = "new password"
    AGAIN = "new password again"
    OTHER = "other"
    """A one-time code or anything else that only a person knows, and only now."""


def asks_for(prompt: Prompt) -> Asks:
    """What `prompt` asks for. What is shown while it is typed is no password."""
    text = prompt.text
    if prompt.echo or not _PASSWORD.search(text):
        return Asks.OTHER
    for words, kind in ((_AGAIN, Asks.AGAIN), (_NEW, Asks.NEW), (_OLD, Asks.CURRENT), (_CODE, Asks.OTHER)):
        if words.search(text):
            return kind
    return Asks.PASSWORD
