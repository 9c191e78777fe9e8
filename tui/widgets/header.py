"""The header: which host, what state, how far away, by which way, what is being copied, what time it is."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from backend.connection.state import SessionState
from backend.dataclass import dataclass
from backend.text import clean_line
from tui.format import latency_text
from tui.glyphs import Glyphs
from tui.looks import look

TABS = (("connections", "Connections"), ("commands", "Commands"), ("files", "Files"), ("diagnostics", "Diagnostics"))
"""The screens, in the order of their keys."""


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What the header tells."""

    tab: str
    time: str
    host: str | None = None
    state: SessionState = SessionState.IDLE
    latency: float | None = None
    """Seconds."""
    route: tuple[str, ...] = ()
    """The jump hosts, outermost first."""
    over: str = ""
    """The route's name, where it is neither the direct one nor through jump hosts."""
    production: bool = False
    transfers: int = 0
    commands: int = 0
    terminals: int = 0
    demo: bool = False
    asking: str = ""
    """A host whose question waits for the person to stop typing."""
    typing: bool = False
    """A line takes the digits now; the screens are reached with alt."""


class Header(Widget):
    """Two lines on top of every screen."""

    auto_links = False
    facts: reactive[HeaderFacts | None] = reactive(None)

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._glyphs = glyphs

    def watch_facts(self, facts: HeaderFacts | None) -> None:
        self.set_class(facts is not None and facts.production, "-production")

    def render(self) -> Content:
        if self.facts is None:
            return Content("")
        width = self.content_size.width
        return Content("\n").join([title_line(self.facts, width, self._glyphs), tab_line(self.facts, width)])


def title_line(facts: HeaderFacts, width: int, glyphs: Glyphs) -> Content:
    """The first line: the program on the left, the host on the right, in `width` cells."""
    left = Content.assemble(("fairlead", "bold $accent"), ("  demo" if facts.demo else "", "$quiet"))
    if facts.production:
        left = Content.assemble(left, "  ", (" PRODUCTION ", "bold $background on $error"))
    right = Content("   ").join([part for part in _status_parts(facts, glyphs) if part.plain])
    room = max(0, width - left.cell_length - 2)
    if right.cell_length > room:
        right = Content("  ").join([part for part in _status_parts(facts, glyphs, brief=True) if part.plain])
    right = right.truncate(room, ellipsis=True)
    return Content.assemble(left, " " * max(0, width - left.cell_length - right.cell_length), right)


def _status_parts(facts: HeaderFacts, glyphs: Glyphs, *, brief: bool = False) -> list[Content]:
    return [
        Content.styled(f"{glyphs.attention} {facts.asking} asks", "bold $warning") if facts.asking else Content(""),
        _host_part(facts, glyphs, brief=brief),
        Content(f"{glyphs.transfers} {facts.transfers}") if facts.transfers else Content(""),
        Content(f"$ {facts.commands}") if facts.commands else Content(""),
        Content(f">_ {facts.terminals}") if facts.terminals else Content(""),
        Content.styled(facts.time, "$quiet"),
    ]


def _host_part(facts: HeaderFacts, glyphs: Glyphs, *, brief: bool) -> Content:
    if facts.host is None:
        return Content.styled("no host chosen", "$quiet")
    shown = look(facts.state, glyphs)
    words = [_way(facts, glyphs)] if (facts.route or facts.over) and not brief else []
    if facts.state is SessionState.DEGRADED:
        words.insert(0, shown.word)  # the last round trip says nothing now
    elif facts.latency is not None:
        words.insert(0, latency_text(facts.latency))
    elif not brief:
        words.insert(0, shown.word)
    return Content.assemble(
        (shown.glyph, shown.style), " ", (facts.host, "bold"), ("  " + "  ".join(words) if words else "", "$quiet")
    )


def _way(facts: HeaderFacts, glyphs: Glyphs) -> str:
    """`via bastion`, `over tailscale`"""
    return clean_line(f"via {f' {glyphs.arrow} '.join(facts.route)}" if facts.route else f"over {facts.over}")


def tab_line(facts: HeaderFacts, width: int) -> Content:
    """The second line: the screens and their keys."""
    gap = "   " if width >= 60 else " "
    before = "alt+" if facts.typing and width >= 72 else ""
    return Content(gap).join(
        [
            _tab(f"{before}{number}", name, title, facts.tab == name)
            for number, (name, title) in enumerate(TABS, start=1)
        ]
    )


def _tab(key: str, name: str, title: str, here: bool) -> Content:
    label = Content.assemble(
        (key, "$accent" if here else "$quiet"), " ", (title, "bold underline" if here else "$quiet")
    )
    return label.stylize(f"@click=app.show('{name}')")
