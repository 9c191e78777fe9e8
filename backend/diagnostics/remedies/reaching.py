"""Remedies of what fails before the login: names, ports, algorithms, keys of the host. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from backend.connection.target import HostKeyPolicy
from backend.diagnostics.remedies.case import AGAIN, Case, command_for, entry_name, word
from backend.diagnostics.remedies.legacy import kind_of, least_bad, offered
from backend.diagnostics.remedies.model import Changes, Remedy, RemedyId
from backend.diagnostics.remedies.undoing import taken_back
from backend.errors import Advice, Code
from backend.text import clean_line

DEFAULT_PORT = 22


def near_names(case: Case) -> Sequence[Remedy]:
    """Going on with a host whose name is spelt much like the one that was given."""
    return [
        Remedy(
            RemedyId.NEAR_NAME,
            name,
            name,
            f"go on with {clean_line(name)}",
            f"Goes on with {clean_line(name)} in place of {clean_line(case.host)}.",
            Changes.NOTHING,
            f"fairlead diagnose {word(name)}",
            told=Advice(
                f"Did you mean {clean_line(name)}?",
                f"fairlead diagnose {word(name)}",
                apply=RemedyId.NEAR_NAME.value,
            ),
            name=name,
        )
        for name in case.near
    ]


def usual_port(case: Case) -> Sequence[Remedy]:
    """Trying port 22 where another one was refused."""
    if case.hop is None or case.hop.port == DEFAULT_PORT:
        return ()
    retry = f"fairlead diagnose {word(case.host)} -p {DEFAULT_PORT}"
    words = f"SSH listens on port {DEFAULT_PORT} unless told otherwise; this was {case.hop.port}."
    return [
        Remedy(
            RemedyId.DEFAULT_PORT,
            case.host,
            case.at,
            f"try port {DEFAULT_PORT}",
            f"Tries port {DEFAULT_PORT} of {clean_line(case.at)} once, in place of {case.hop.port}. "
            "Where it is written stays as it is.",
            Changes.NOTHING,
            retry,
            told=Advice(words, retry, apply=RemedyId.DEFAULT_PORT.value),
        )
    ]


def algorithm(case: Case) -> Sequence[Remedy]:
    """Allowing the least bad algorithm that the server has, for this machine alone."""
    kind = kind_of(case.evidence("kind"))
    name = least_bad(kind, offered(case.evidence("server"))) if kind is not None else None
    if kind is None or name is None or case.hop is None:
        return ()
    entry = clean_line(entry_name(case.hop.name))
    return [
        Remedy(
            RemedyId.ALLOW_ALGORITHM,
            case.host,
            case.hop.name,
            AGAIN,
            f"Allows {name} for {entry} alone, in its entry of config.toml; every other host stays as strict as "
            "it is. It was given up because it is weak: only for a device that cannot be updated.",
            Changes.HOST_BOOK,
            f'[hosts.{entry}] algorithms = {{ {kind.option} = "+{name}" }}',
            taken_back(entry, case.own, [f"algorithms.{kind.option}"]),
            Advice(
                f"If the device cannot be updated, allow {name} for it alone.",
                command_for(case, RemedyId.ALLOW_ALGORITHM),
                apply=RemedyId.ALLOW_ALGORITHM.value,
            ),
            option=kind.option,
            name=name,
        )
    ]


def host_key(case: Case) -> Sequence[Remedy]:
    """Not where the policy is `strict`: nobody is to be asked then."""
    if case.hop is None or case.hop.host_key_policy is HostKeyPolicy.STRICT:
        return ()
    changed = case.error.code is Code.HOST_KEY_CHANGED
    sentence = (
        "Connects once more and shows the known and the new fingerprint side by side. The old key stays unless you "
        "type the end of the new one."
        if changed
        else "Connects once more and shows the key. It is trusted only if you say so."
    )
    return [
        Remedy(
            RemedyId.SHOW_HOST_KEY,
            case.host,
            case.at,
            "show both keys" if changed else "show the key",
            sentence,
            Changes.NOTHING,
            f"fairlead diagnose {word(case.host)}",
            told=Advice(
                "See both fingerprints side by side, and decide." if changed else "See the key, and decide.",
                command_for(case, RemedyId.SHOW_HOST_KEY),
                apply=RemedyId.SHOW_HOST_KEY.value,
            ),
        )
    ]
