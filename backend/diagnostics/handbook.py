"""The troubleshooting guide, written from the catalogue, so that it says what the program says.

`python -m backend.diagnostics.handbook > docs/troubleshooting.md` writes it anew; a test holds the two together.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from backend.catalogue import CATALOGUE, Advice, Category, Code, Entry
from backend.diagnostics.remedies.derive import POSSIBLE
from backend.diagnostics.remedies.model import RemedyId
from backend.diagnostics.rungs import RungId
from backend.diagnostics.server_side.causes import SAYINGS

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

_CAN = {
    RemedyId.FIX_MODE: "make the key file yours alone",
    RemedyId.CHOOSE_KEY: "name another key for the host",
    RemedyId.ALLOW_ALGORITHM: "allow one algorithm more for this host alone",
    RemedyId.SHOW_HOST_KEY: "show the key that is known and the new one, and ask",
    RemedyId.SHOW_SPACE: "list what takes the room there",
    RemedyId.START_AGENT: "start an agent that holds the key while the workbench runs",
    RemedyId.NEAR_NAME: "go on with the host whose name is nearest",
    RemedyId.DEFAULT_PORT: "try port 22 once",
    RemedyId.UNLOCK: "forget the refused logins",
    RemedyId.QUICK_CIPHER: "let AES-GCM come first for this host alone",
}

_INTRODUCTION = """\
# Troubleshooting

`fairlead diagnose HOST` connects once, the way every other command does, and tells each step: what was found, how long
it took, and at the first broken one why, and what to do. The codes are stable: scripts may rely on them. The same codes
and the same advice appear wherever else something fails.

What Fairlead can do about a failure by itself it does when you ask: in the workbench with the key that stands beside
the advice, on the command line with `fairlead diagnose HOST --fix` or `--apply` and the word in brackets. It says first
what it will do and how that is taken back, and then climbs the ladder once more.

<!-- Written by backend/diagnostics/handbook.py from the catalogue; change it there. -->
"""


_SERVER_SIDE = """\
A server tells those whom it refuses next to nothing. Where the machine can be entered in another way, as root or under
another name, `fairlead diagnose HOST --inside OTHER` asks it why. What its log says is certain; the state of the
account comes after that.
"""


def render() -> str:
    """The guide, as Markdown."""
    return "\n".join((_INTRODUCTION, *_ladder(), *_server_side(), *_codes())).rstrip() + "\n"


def _ladder() -> Iterator[str]:
    yield "## The ladder\n"
    yield "With jump hosts, the rungs from `route` to `auth` are climbed for each machine on the way.\n"
    yield "| rung | what it shows |"
    yield "|---|---|"
    for rung, meaning in _RUNGS.items():
        yield f"| `{rung}` | {meaning} |"
    yield ""


def _server_side() -> Iterator[str]:
    yield "## The server's side of a refused login\n"
    yield _SERVER_SIDE
    yield "| cause | what it says | what to do on the host |"
    yield "|---|---|---|"
    for cause, saying in SAYINGS.items():
        steps = "; ".join(_cell(text) + (f" {_code(command)}" if command else "") for text, command in saying.advice)
        yield f"| `{cause}` | {_cell(saying.sentence)} | {steps} |"
    yield ""


def _cell(template: str) -> str:
    return _prose(template).replace("|", "\\|")


def _code(command: str) -> str:
    return f"`{_PLACEHOLDER.sub(lambda name: name[1].upper(), command)}`".replace("|", "\\|")


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
    if can := POSSIBLE.get(code):
        told = (f"{_CAN[remedy]} (`{remedy.value}`)" for remedy in can)
        yield f"- Fairlead can {', or '.join(told)}."
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
