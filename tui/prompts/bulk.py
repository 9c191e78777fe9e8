"""Work on many files while it goes on, with a way to stop it; and what of it failed."""

from __future__ import annotations

import asyncio
from dataclasses import field

from textual.app import ComposeResult
from textual.content import Content

from backend.dataclass import dataclass
from backend.files.bulk import BulkProgress
from backend.sizes import size_text
from backend.text import clean_line, show_bytes
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words

_EVERY = 0.1
"""Seconds between two looks."""
SHOWN = 200
"""Failures that are listed; the others are counted."""

ACTIONS = (
    Action("bulk.stop", "escape,x", "stop", "Stop; what is done stays done.", scope="prompts", rank=1,
           key_display="esc"),
    Action("bulk.background", "b", "go on behind", "Let it go on, and do something else meanwhile.",
           scope="prompts", rank=2),
)  # fmt: skip
ERROR_ACTIONS = (
    Action("bulk_errors.copy", "c", "copy", "Copy all of this.", scope="prompts", rank=1),
    Action("bulk_errors.decline", "escape,enter", "close", "Go back.", scope="prompts", rank=2, key_display="esc"),
)


@dataclass(slots=True)
class BulkRun:
    """Work that is under way."""

    word: str
    """`deleting`, `copying`…"""
    past: str
    """`deleted`, `copied`…"""
    task: asyncio.Task[object]
    progress: BulkProgress = field(default_factory=BulkProgress)


class BulkPrompt(Prompt[None]):
    """How far it is. It goes when the work has ended, before anything is said about that."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, run: BulkRun, place: str) -> None:
        super().__init__(f"{run.word} on {place}")
        self.run = run

    def compose_body(self) -> ComposeResult:
        yield Words("", id="bulk-count", classes="title")
        yield Words("", id="bulk-now", classes="quiet")
        yield Words("", id="bulk-failed", classes="danger")

    def on_mount(self) -> None:
        self._look()
        self.set_interval(_EVERY, self._look)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "background" and not self.armed else True

    def _look(self) -> None:
        if self.run.task.done():
            self.dismiss(None)
            return
        progress = self.run.progress
        self.query_one("#bulk-count", Words).update(count_words(progress))
        self.query_one("#bulk-now", Words).update(show_bytes(progress.current))
        failed = f"{progress.failed:,} failed so far" if progress.failed else ""
        self.query_one("#bulk-failed", Words).update(failed)

    def action_stop(self) -> None:
        self.run.task.cancel()

    def action_background(self) -> None:
        self.dismiss(None)


def count_words(progress: BulkProgress) -> str:
    """`1,200 of 3,412 · 1.2 GB`."""
    total = f" of {progress.total:,}" if progress.total is not None else ""
    size = f", {size_text(progress.size)}" if progress.size else ""
    return f"{progress.done:,}{total} done{size}"


class BulkErrorsPrompt(Prompt[None]):
    """What could not be done, item by item."""

    BINDINGS = bindings_of(ERROR_ACTIONS)

    def __init__(self, run: BulkRun) -> None:
        failed = run.progress.failed
        super().__init__(f"{failed:,} could not be {run.past}")
        self._content = _errors(run.progress)

    def compose_body(self) -> ComposeResult:
        yield Words(self._content)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(f"{self._heading}\n\n{self._content.plain}\n")
        self.notify("Copied.", markup=False)


def _errors(progress: BulkProgress) -> Content:
    lines = [
        Content.assemble(
            (f"{item.error.code.value}  ", "$error"),
            show_bytes(item.path),
            "\n    ",
            (clean_line(item.error.message), "$quiet"),
        )
        for item in progress.errors[:SHOWN]
    ]
    beyond = progress.failed - len(lines)
    advice = [Content(f"\n{item.text}") for item in progress.errors[0].error.advice[:1]] if progress.errors else []
    return Content("\n").join([*lines, *([Content(f"and {beyond:,} more")] if beyond > 0 else []), *advice])
