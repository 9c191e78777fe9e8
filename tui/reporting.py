"""What the diagnostics screen writes down: the ladder that was climbed, in the formats that `fairlead report` has."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from backend import __version__
from backend.reports.gathering import Found, told
from backend.reports.model import Report
from backend.reports.program import ProgramFacts
from backend.reports.redaction import Redactor
from backend.reports.rendering import Format, rendered
from backend.reports.target_file import TargetFile
from tui.ladder import Ladder
from tui.prompts.choice import Answer, ChoicePrompt

if TYPE_CHECKING:
    from backend.container import Container
    from tui.widgets.server_side_view import Story

_FORMATS = {"h": Format.HTML, "m": Format.MARKDOWN, "j": Format.JSON}
_ANSWERS = (
    Answer("h", "HTML", "one page that stands alone, for a browser"),
    Answer("m", "Markdown", "for tickets and chats"),
    Answer("j", "JSON", "for programs"),
)


def format_prompt(ladder: Ladder) -> ChoicePrompt:
    """Asks for the format; `format_of_answer` reads the answer."""
    words = f"The ladder of {ladder.host} and its history, without secrets, into a file in {Path.cwd()}."
    return ChoicePrompt("write a report", words, _ANSWERS)


def format_of_answer(answer: str | None) -> Format | None:
    return None if answer is None else _FORMATS[answer]


def ladder_markdown(ladder: Ladder, services: Container) -> str:
    """The ladder alone, to paste where help is asked for."""
    program = ProgramFacts(__version__)
    report = Report(host=ladder.host, made_at=ladder.started_at, program=program, diagnosis=ladder.diagnosis)
    return rendered(report, Format.MARKDOWN, Redactor(services.vault))


async def write_report(ladder: Ladder, services: Container, form: Format, story: Story | None = None) -> Path:
    """A file in the current directory, and its path; with the server's side of the `story` where that was looked at.

    Raises FileError.
    """
    report = await told(services, ladder.diagnosis, Found(server_side=story), at=ladder.started_at)
    path = Path.cwd() / f"{file_name(ladder)}.{form.value}"

    def work() -> None:
        TargetFile(path).write(rendered(report, form, Redactor(services.vault)).encode())

    await asyncio.to_thread(work)
    return path


async def reports_about(ladder: Ladder | None, services: Container) -> tuple[Report, ...]:
    """What a bundle can tell without connecting anew. A server's own log is not in it: that is its administrator's."""
    if ladder is None or ladder.climbing:
        return ()
    return (await told(services, ladder.diagnosis, at=ladder.started_at),)


def file_name(ladder: Ladder) -> str:
    """A name that any file system takes, without its suffix."""
    host = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in ladder.host)
    return f"fairlead-{host}-{ladder.started_at:%Y%m%d-%H%M%S}"
