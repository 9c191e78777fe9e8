"""The health of the current host in one line, read from its history beside the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.reactive import reactive
from textual.widget import Widget

from tui.health.gathering import Health, health_of
from tui.health.line import health_line

if TYPE_CHECKING:
    from textual.content import Content

    from backend.container import Container
    from tui.glyphs import Glyphs


class HealthLine(Widget):
    """Nothing, and no line taken, where nothing is known."""

    DEFAULT_CSS = """
    HealthLine { dock: bottom; height: 1; padding: 0 2; display: none; }
    HealthLine.-known { display: block; }
    """
    health: reactive[Health | None] = reactive(None)

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="health-line")
        self._glyphs = glyphs
        self._host: str | None = None

    def follow(self, services: Container, host: str | None) -> None:
        """Read and show what is known of `host` now."""
        if host != self._host:
            self.health = None
        self._host = host
        if host is not None:
            self._read(services, host)

    @work(exclusive=True, group="health", exit_on_error=False)
    async def _read(self, services: Container, host: str) -> None:
        self.health = await health_of(services, host)

    def watch_health(self, health: Health | None) -> None:
        self.set_class(health is not None and bool(health_line(health, 200, self._glyphs).plain), "-known")

    def render(self) -> Content | str:
        return "" if self.health is None else health_line(self.health, self.content_size.width, self._glyphs)
