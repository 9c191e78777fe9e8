"""The troubleshooting guide, written from the catalogue, so that it says what the program says.

`python -m backend.diagnostics.handbook > docs/troubleshooting.md` writes it anew; a test holds the two together.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from backend.catalogue import CATALOGUE, Advice, Category, Code, Entry
from backend.diagnostics.rungs import RungId

_PLACEHOLDER = re.compile(r"\{(\w+)\}")

_HEADINGS = {
    Category.CONFIG: "Configuration",
    Category.NAME: "Names",
    Category.NETWORK: "Network",
    Category.PROTOCOL: "Before the login: is that an SSH server?",
    Category.HOST_KEY: "Host keys",
    Category.AUTH: "Logging in",
    Category.SESSION: "Sessions",
    Category.LINK: "A connection that ends",
    Category.FILES: "Files",
    Category.LOCAL: "This machine",
    Category.LIMIT: "Limits and interruptions",
    Category.INTERNAL: "Fairlead itself",
}

_RUNGS = {
    RungId.CONFIG: "who the host is: your entries, `~/.ssh/config`, the command line",
    RungId.NAME: "the address of the first machine on the way",
    RungId.ROUTE: "which way it is reached: directly, or through which jump hosts",
    RungId.TCP: "a TCP connection, from here or from the jump host before it",
    RungId.BANNER: "the server says that it speaks SSH",
    RungId.KEX: "both sides agree on algorithms and keys",
    RungId.HOST_KEY: "the server is the one you know; nothing secret is sent before this",
    RungId.AUTH: "the login",
    RungId.SESSION: "a harmless command runs, and nothing else is printed",
    RungId.FILES: "SFTP: your home directory and the room there",
    RungId.PERFORMANCE: "three round trips, and where the time of the handshake went",
}

_INTRODUCTION = """\
# Troubleshooting

`fairlead diagnose HOST` connects once, the way every other command does, and tells each step: what was found, how long
it took, and at the first broken one why, and what to do. The codes are stable: scripts may rely on them. The same codes
and the same advice appear wherever else something fails.

<!-- Written by backend/diagnostics/handbook.py from the catalogue; change it there. -->
"""


def render() -> str:
    """The guide, as Markdown."""
    return "\n".join((_INTRODUCTION, *_ladder(), *_codes())).rstrip() + "\n"


def _ladder() -> Iterator[str]:
    yield "## The ladder\n"
    yield "With jump hosts, the rungs from `route` to `auth` are climbed for each machine on the way.\n"
    yield "| rung | what it shows |"
    yield "|---|---|"
    for rung, meaning in _RUNGS.items():
        yield f"| `{rung}` | {meaning} |"
    yield ""


def _codes() -> Iterator[str]:
    for category, heading in _HEADINGS.items():
        entries = [(code, entry) for code, entry in CATALOGUE.items() if entry.category is category]
        if entries:
            yield f"## {heading}\n"
        for code, entry in entries:
            yield from _section(code, entry)


def _section(code: Code, entry: Entry) -> Iterator[str]:
    yield f"### {code}\n"
    yield _prose(entry.sentence) + "\n"
    yield from (_step(advice) for advice in entry.advice)
    if entry.retryable:
        yield "- The same attempt may succeed later."
    yield ""


def _step(advice: Advice) -> str:
    command = f" `{_PLACEHOLDER.sub(lambda name: name[1].upper(), advice.command)}`" if advice.command else ""
    return f"- {_prose(advice.text)}{command}"


def _prose(template: str) -> str:
    """A template for readers: what is filled in stands in italics, and nothing else is taken for markup."""
    escaped = re.sub(r"([\\*_<>\[\]])", r"\\\1", template)
    return re.sub(r"\{((?:\w|\\_)+)\}", lambda name: f"*{name[1]}*", escaped)


if __name__ == "__main__":
    sys.stdout.write(render())
