"""Where an own entry or the command line has another host than OpenSSH itself would take for the same name. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from backend.connection.target import Hop
from backend.hosts.hops import Answers
from backend.hosts.names import Spec
from backend.hosts.options import asked_for
from backend.text import clean_line


def differences(alias: str, answers: Answers, hop: Hop, jumps: tuple[str, ...]) -> Mapping[str, str]:
    """What `ssh ALIAS` would do otherwise, by keyword of ssh_config(5): `2222 here, 22 for ssh`; only where that was
    configured for OpenSSH."""
    here = {
        "hostname": hop.address,
        "port": str(hop.port),
        "user": hop.user,
        "proxyjump": ",".join(jumps) or "none",
    }
    by_itself = asked_for(Spec(alias), None)
    return {
        keyword: clean_line(f"{ours} here, {answers.one(keyword)} for ssh")
        for keyword, ours in here.items()
        if answers.configured(keyword)
        and answers.options.get(keyword) != by_itself.get(keyword)
        and answers.one(keyword).lower() != ours.lower()
    }
