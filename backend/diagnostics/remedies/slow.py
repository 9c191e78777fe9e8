"""What this program can do by itself about a slow host. Pure: a report in, the same with its remedies out.

Of what limits a connection only the cipher is a setting of the program's own. The rest is the network's, the host's or
its administrator's, and is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backend.connection.target import Hop
from backend.diagnostics.remedies.case import entry_name
from backend.diagnostics.remedies.model import Changes, Remedy, RemedyId
from backend.diagnostics.remedies.undoing import taken_back
from backend.diagnostics.slowness.report import Limit, LimitKind, SlowReport
from backend.errors import Advice
from backend.hosts.draft import HostDraft
from backend.text import clean_line

QUICK_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
"""AES-GCM, which common processors do in hardware; the quicker one first."""


def remedied(report: SlowReport, hop: Hop, offered: Sequence[str], own: HostDraft | None = None) -> SlowReport:
    """`report` of the machine `hop` with what can be done about it from here; such advice says so (`Advice.apply`).

    `offered`: the ciphers that the server can speak; empty where that is not known, and then nothing is promised.
    `own`: what the machine's own entry says, where it has one.
    """
    if not offered or not any(limit.kind is LimitKind.CIPHER for limit in report.limits):
        return report
    remedy = _quick_cipher(report.host, hop, offered, own)
    told = (remedy.told,) if remedy is not None else _on_the_host(offered)
    limits = tuple(_with(limit, told) if limit.kind is LimitKind.CIPHER else limit for limit in report.limits)
    return replace(report, limits=limits, can=() if remedy is None else (remedy,))


def _with(limit: Limit, told: tuple[Advice, ...]) -> Limit:
    return replace(limit, remedies=told or limit.remedies)


def _on_the_host(offered: Sequence[str]) -> tuple[Advice, ...]:
    """Where the host speaks no AES-GCM, only its administrator can change that."""
    if any(name in offered for name in QUICK_CIPHERS):
        return ()
    return (
        Advice(
            f"The host offers no AES-GCM. For its administrator: `Ciphers +{QUICK_CIPHERS[0]}` in sshd_config, or a "
            "newer server."
        ),
    )


def _quick_cipher(host: str, hop: Hop, offered: Sequence[str], own: HostDraft | None) -> Remedy | None:
    """AES-GCM before the ciphers that are named for the host; None where that would change nothing."""
    ciphers = _first(hop.algorithms.ciphers, [name for name in QUICK_CIPHERS if name in offered])
    if ciphers is None:
        return None
    entry = clean_line(entry_name(hop.name))
    words = f"Let AES-GCM come first for {entry}: its ssh configuration or its entry names other ciphers before it."
    command = f"fairlead diagnose {clean_line(host)} --slow --apply {RemedyId.QUICK_CIPHER.value}"
    return Remedy(
        RemedyId.QUICK_CIPHER,
        host,
        hop.name,
        "do it and measure again",
        f"Puts AES-GCM before the other ciphers of {entry}, in its entry of config.toml. The server offers it; ciphers "
        "that were allowed before stay allowed.",
        Changes.HOST_BOOK,
        f'[hosts.{entry}] algorithms = {{ ciphers = "{ciphers}" }}',
        taken_back(entry, own, ["algorithms.ciphers"]),
        Advice(words, command, apply=RemedyId.QUICK_CIPHER.value),
        option="ciphers",
        name=ciphers,
    )


def _first(named: str | None, quick: Sequence[str]) -> str | None:
    """The list with `quick` at its beginning; None where it is there already, or left out on purpose."""
    if named is None or not quick or named.startswith("-"):
        return None
    sign = "^" if named[0] in "+^" else ""
    names = [name.strip() for name in clean_line(named.lstrip("+^")).split(",")]
    if not named.startswith("+") and names[0] in quick:
        return None
    return sign + ",".join([*quick, *(name for name in names if name and name not in quick)])
