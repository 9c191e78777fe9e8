"""From asyncssh's and the system's exceptions to our own errors, with the words of the server as evidence."""

from __future__ import annotations

import re

import asyncssh

from backend.connection.idleness import SILENT_END
from backend.connection.ssh.internals import Offers
from backend.connection.ssh.words import MOST_REASON, reason
from backend.connection.target import Hop
from backend.errors import Advice, Code, ConnectError, FairleadError, LinkLost, SessionError
from backend.patterns import pattern
from backend.text import clean_line

_CLOSED = "Connection lost"
"""asyncssh's words for the end of the stream (`connection.py:connection_lost`)."""
_CLOSED_IN_KEX = (
    Advice("Try again: a server that is being stopped or restarted does this."),
    Advice("Each time: its log says why (journalctl -u ssh), or a firewall on the way cuts SSH off; try a jump host."),
)
_CAUSES = (
    (
        "maintenance",
        pattern(r"\bmaintenance\b", re.IGNORECASE),
        Advice("The server is being worked on: ask its administrator until when, then connect again."),
    ),
    (
        "idle limit",
        pattern(r"\bidle\b|inactiv|\bunused\b", re.IGNORECASE),
        Advice("The server ends connections that nobody uses for a while: connect again when there is work."),
    ),
    (
        "going down",
        pattern(r"shut(ting)?[ -]?down|going down|restart|reboot|power(ing)? off", re.IGNORECASE),
        Advice("The server is stopped or restarted: connect again in a few minutes."),
    ),
    (
        "time limit",
        pattern(r"time[ -]?out|timed out|time limit|expired|maximum (session|duration|time)", re.IGNORECASE),
        Advice("The server limits how long a connection may last: connect again."),
    ),
)
"""What a server's words say plainly about why it ended the session, first match first."""


def kex_error(hop: Hop, error: BaseException | None, seen: Offers | None) -> ConnectError:
    """KEX_NO_MATCH with both lists where they have nothing in common, else KEX_FAILED."""
    if seen is not None and (mismatch := seen.mismatch):
        kind, theirs, ours = mismatch
        return no_match(hop, kind, ", ".join(theirs), ", ".join(ours))
    told = reason(error)
    if told == _CLOSED:
        closed = {"reason": "the other side closed the connection"}
        return ConnectError(Code.KEX_FAILED, evidence=closed, host=hop.name, advice=_CLOSED_IN_KEX)
    return ConnectError(Code.KEX_FAILED, evidence={"reason": told}, host=hop.name)


def no_match(hop: Hop, kind: str, server: str, client: str) -> ConnectError:
    evidence = {"kind": kind, "server": clean_line(server) or "nothing", "client": clean_line(client) or "nothing"}
    return ConnectError(Code.KEX_NO_MATCH, evidence=evidence, host=hop.name)


def kex_timeout(hop: Hop) -> ConnectError:
    told = f"no answer within {hop.timeouts.key_exchange:g} s"
    return ConnectError(Code.KEX_FAILED, evidence={"reason": told}, host=hop.name)


def jump_error(previous: str, address: str, port: int, error: BaseException | str) -> FairleadError:
    """Why `previous` did not open a connection to `address`: it may not (FORWARD_PROHIBITED), or it could not."""
    evidence = {"address": address, "port": port}
    if isinstance(error, asyncssh.ChannelOpenError) and error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return SessionError(Code.FORWARD_PROHIBITED, evidence={**evidence, "reason": reason(error)}, hop=previous)
    told = error if isinstance(error, str) else reason(error)
    return ConnectError(Code.JUMP_FAILED, evidence={**evidence, "reason": told}, hop=previous)


def hop_not_reached(previous: Hop, hop: Hop, error: BaseException | str) -> ConnectError:
    """As `jump_error`, while a connection is being made: always a ConnectError."""
    told = jump_error(previous.name, hop.address, hop.port, error)
    if isinstance(told, ConnectError):
        return told
    return ConnectError(told.code, evidence=told.evidence, hop=previous.name)


def loss(host: str, error: BaseException | None) -> LinkLost:
    """Why a connection that was up ended: the server said so, it stopped answering, or the line broke."""
    told = reason(error)
    if says_farewell(error):
        return ended_by_server(host, clean_line(str(getattr(error, "reason", "")))[:MOST_REASON])
    if isinstance(error, asyncssh.ConnectionLost) and "keepalive" in told:
        return LinkLost(Code.KEEPALIVE_LOST, evidence={"reason": told}, host=host)
    # OpenSSH says nothing when it is stopped or at an idle limit (UnusedConnectionTimeout): it just closes.
    told = SILENT_END if told == _CLOSED else told
    return LinkLost(Code.CONNECTION_LOST, evidence={"reason": told}, host=host)


def says_farewell(error: BaseException | None) -> bool:
    """Whether it is the server's own decision that a connection ended with `error`.

    asyncssh builds an error for a server's farewell without raising it, and raises those that it finds itself.
    """
    if error is None:
        return True
    if isinstance(error, asyncssh.ConnectionLost):
        return False
    return isinstance(error, asyncssh.DisconnectError) and error.__traceback__ is None


def ended_by_server(host: str, words: str) -> LinkLost:
    """SERVER_ENDED in the server's own words; the advice fits them where they are plain, and guesses nothing else."""
    evidence = {"reason": words or "it gave no reason"}
    for cause, sign, advice in _CAUSES:
        if sign.search(words):
            return LinkLost(Code.SERVER_ENDED, evidence={**evidence, "cause": cause}, host=host, advice=(advice,))
    return LinkLost(Code.SERVER_ENDED, evidence=evidence, host=host)


def not_answered(host: str, seconds: float, *, begun: bool, alive: bool) -> SessionError:
    """Nothing was said for `seconds` to a request for a session. `begun`: there is a channel, and what was asked for in
    it may be under way; `alive`: the link as a whole answers."""
    evidence = {
        "seconds": f"{seconds:g}",
        "remote": "it may have been started" if begun else "not started",
        "link": "it answers" if alive else "it answers late",
    }
    return SessionError(Code.NO_ANSWER, evidence=evidence, host=host)


def session_refused(host: str, error: BaseException | str) -> SessionError:
    """The server did not open a session or did not start what was asked in it."""
    told = error if isinstance(error, str) else reason(error)
    return SessionError(Code.SESSION_REFUSED, evidence={"reason": told}, host=host)
