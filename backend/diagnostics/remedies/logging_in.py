"""Remedies of a login that fails: key files, agents, refused logins that are counted. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backend.connection.host_keys import shorten
from backend.diagnostics.remedies.case import AGAIN, Case, command_for, entry_name, word
from backend.diagnostics.remedies.model import Changes, Remedy, RemedyId
from backend.diagnostics.remedies.undoing import taken_back
from backend.errors import Advice
from backend.text import clean_line, shell_word


def key_mode(case: Case) -> Sequence[Remedy]:
    """Closing a key file to others."""
    path = _named_file(case)
    if path is None:
        return ()
    shown, mode = shorten(path), case.evidence("mode")
    command = f"chmod 600 {shell_word(shown)}"
    return [
        Remedy(
            RemedyId.FIX_MODE,
            case.host,
            case.at,
            AGAIN,
            f"Makes {clean_line(shown)} readable and writable by you alone: its mode {mode} becomes 0600. The key "
            "itself stays as it is.",
            Changes.THIS_MACHINE,
            clean_line(command),
            f"chmod {mode.lstrip('0') or '0'} {clean_line(shell_word(shown))}",
            Advice("Make it yours alone.", clean_line(command), apply=RemedyId.FIX_MODE.value),
            path=path,
        )
    ]


def _named_file(case: Case) -> Path | None:
    """The key file that the evidence is about, of those that the hop names: a text of an error is no path to change."""
    told = case.evidence("path")
    files = case.hop.identity_files if case.hop is not None else ()
    return next((path for path in files if told and told in {shorten(path), str(path)}), None)


def another_key(case: Case) -> Sequence[Remedy]:
    """Naming a key that the person chooses."""
    if case.hop is None or "publickey" not in case.hop.auth_methods:
        return ()
    entry = clean_line(entry_name(case.hop.name))
    return [
        Remedy(
            RemedyId.CHOOSE_KEY,
            case.host,
            case.hop.name,
            "choose another key",
            f"Names the key that you choose for {entry}, in its entry of config.toml or for one attempt.",
            Changes.HOST_BOOK,
            f'[hosts.{entry}] identity_files = ["KEY"]',
            taken_back(entry, case.own, ["identity_files", "identities_only"]),
            Advice(
                "Choose another key; those at hand are listed.",
                command_for(case, RemedyId.CHOOSE_KEY),
                apply=RemedyId.CHOOSE_KEY.value,
            ),
        )
    ]


def agent(case: Case) -> Sequence[Remedy]:
    """Where there is no agent, and a key file that one could hold."""
    hop = case.hop
    if hop is None or hop.agent_socket is not None or not hop.identity_files or "publickey" not in hop.auth_methods:
        return ()
    path = _named_file(case) or hop.identity_files[0]
    shown = clean_line(shorten(path))
    return [
        Remedy(
            RemedyId.START_AGENT,
            case.host,
            hop.name,
            "start an agent",
            f"Starts an SSH agent of this program's own and loads {shown} into it; its passphrase is asked for once. "
            "It serves this program alone and ends with it.",
            Changes.PROGRAM,
            f"ssh-agent, then ssh-add {shell_word(shown)}",
            told=Advice(
                "Let an agent hold the key, so that its passphrase is asked for once.",
                f"ssh-add {shell_word(shown)}",
                apply=RemedyId.START_AGENT.value,
            ),
            path=path,
        )
    ]


def unlock(case: Case) -> Sequence[Remedy]:
    """Forgetting the refused logins that are counted here."""
    target = case.evidence("target") or case.host
    command = f"fairlead hosts unlock {word(target)}"
    return [
        Remedy(
            RemedyId.UNLOCK,
            case.host,
            case.at,
            "log in anyway",
            f"Forgets the {case.evidence('refusals') or 'counted'} refused logins, so that the next one is not held "
            f"back until {case.evidence('until') or 'later'}. The server may remember them all the same.",
            Changes.THIS_MACHINE,
            command,
            told=Advice("Log in before then all the same.", command, apply=RemedyId.UNLOCK.value),
        )
    ]
