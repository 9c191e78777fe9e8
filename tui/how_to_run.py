"""How the next commands of a host run: as whom, for how long, how often, in which encoding, with which modules, in
which session. Pure."""

from __future__ import annotations

import codecs

from backend.commands.values import CommandSpec, Elevate, Opening
from backend.container import Container
from backend.dataclass import dataclass
from backend.text import clean_line
from tui.format import duration_text


@dataclass(frozen=True, slots=True)
class HowToRun:
    """What a person has chosen beside the command itself."""

    elevate: Elevate | None = None
    time_limit: float | None = None
    """Seconds."""
    retries: int = 0
    """Repeats of what fails; whoever asks for them says that it does no harm twice."""
    keep_going: bool = False
    """Of several lines, also those after one that failed."""
    encoding: str = "utf-8"
    """The host's."""
    modules: tuple[str, ...] = ()
    """Loaded for each command, after those of the host's profile; a session has its own."""
    shell: str = ""
    """The named session that commands run in; empty for none."""

    @property
    def words(self) -> tuple[str, ...]:
        """What differs from the usual, for the command line."""
        who = self.elevate
        as_user = "" if who is None else who.by.value if who.user == "root" else f"{who.by.value} as {who.user}"
        told = (
            as_user,
            f"limit {duration_text(self.time_limit)}" if self.time_limit else "",
            f"retry {self.retries}" if self.retries else "",
            "keep going" if self.keep_going else "",
            self.encoding if self.encoding != "utf-8" else "",
            f"modules: {' '.join(self.modules)}" if self.modules and not self.shell else "",
        )
        return tuple(clean_line(word) for word in told if word)

    def spec(self, line: str, cwd: bytes | None, opening: Opening | None = None) -> CommandSpec:
        """The command `line` in this way, with what `self.opening` gives; a session stands in a directory of its own.

        Raises ValueError for characters that the host's encoding has not.
        """
        command = line.encode(self.encoding, "surrogateescape" if self.encoding == "utf-8" else "strict")
        return CommandSpec(
            command,
            cwd=None if self.shell else cwd,
            elevate=self.elevate,
            time_limit=self.time_limit,
            encoding=self.encoding,
            opening=opening,
        )

    def opening(self, services: Container) -> Opening | None:
        """For `CommandSpec.opening`; None where neither a session nor modules are chosen."""
        if self.shell:
            return services.shells.opening(self.shell)
        return services.modules.opening(self.modules) if self.modules else None


def known_encoding(name: str) -> str | None:
    """Its usual name; None for one that does not exist, or that is no text."""
    try:
        found = codecs.lookup(name.strip() or "utf-8")
        "".encode(found.name)
    except (LookupError, ValueError):
        return None
    return found.name


def limit_of(text: str) -> float | None:
    """A time limit as it is typed; None for nothing. Raises ValueError."""
    if not text.strip():
        return None
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError("not above zero")
    return seconds
