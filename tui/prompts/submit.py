"""A job to be submitted: what it runs, and what it asks for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from backend.commands.slurm.values import Submission
from backend.dataclass import dataclass
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words
from tui.widgets.text_line import TextLine

ACTIONS = (
    Action("submit.next", "tab,down", "next", "To the next line.", scope="prompts", rank=2, key_display="tab"),
    Action("submit.previous", "shift+tab,up", "previous", "To the line before.", scope="prompts"),
    Action("submit.decline", "escape", "cancel", "Submit nothing.", scope="prompts", rank=3, key_display="esc"),
)
SEND = Action("submit.submit", "enter", "submit", "Hand it to Slurm.", scope="prompts", rank=1)


@dataclass(frozen=True, slots=True)
class _Field:
    key: str
    label: str
    placeholder: str


FIELDS = (
    _Field("command", "command", "./tides 7      a command line for sh; or a script:"),
    _Field("path", "script there", "run.sh         a batch script on the host"),
    _Field("script", "script here", "~/run.sh       a batch script of this machine"),
    _Field("name", "name", "left empty: as the script is called"),
    _Field("partition", "partition", "left empty: the default one"),
    _Field("time", "time", "30             minutes, or 2:00:00, 1-12"),
    _Field("nodes", "nodes", "1"),
    _Field("cpus", "processors", "4              for each process"),
    _Field("gpus", "GPUs", "1              on each node; a100:2"),
    _Field("memory", "memory", "4G             on each node"),
    _Field("directory", "directory", "/home/me/run   left empty: at home"),
)


class SubmitLine(TextLine):
    """One line of the form."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((SEND,))]


class SubmitPrompt(Prompt[Submission | None]):
    """Answers with what is to be submitted; None where the person backs out."""

    BINDINGS = bindings_of(ACTIONS)
    LINES_BELOW = 1
    CSS_PATH = "submit.tcss"

    def __init__(self, host: str) -> None:
        super().__init__(f"a job for {clean_line(host)}")

    def compose_body(self) -> ComposeResult:
        for item in FIELDS:
            with Horizontal(classes="row"):
                yield Words(item.label)
                yield SubmitLine(placeholder=item.placeholder, id=f"submit-{item.key}", select_on_focus=False)

    def compose_below(self) -> ComposeResult:
        yield Words("", id="objection", classes="danger")

    def on_mount(self) -> None:
        self.query_one("#submit-command").focus()

    def action_next(self) -> None:
        self.focus_next(SubmitLine)

    def action_previous(self) -> None:
        self.focus_previous(SubmitLine)

    @on(Input.Changed)
    def _forget_objection(self) -> None:
        self.query_one("#objection", Words).update("")

    @on(Input.Submitted)
    def _typed(self) -> None:
        said = {item.key: self.query_one(f"#submit-{item.key}", SubmitLine).value.strip() for item in FIELDS}
        if objection := objection_to(said):
            self.query_one("#objection", Words).update(objection)
        else:
            self._send(said)

    @work(exclusive=True, group="script", exit_on_error=False, thread=False)
    async def _send(self, said: dict[str, str]) -> None:
        try:
            self.dismiss(submission_of(said))
        except OSError as error:
            self.query_one("#objection", Words).update(clean_line(f"{said['script']}: {error.strerror}"))


def objection_to(said: dict[str, str]) -> str:
    """What is wrong with what was typed."""
    given = [said[key] for key in ("command", "path", "script") if said[key]]
    if not given:
        return "Say what it runs: a command, or a script."
    return "" if len(given) == 1 else "Only one of command and the two scripts."


def submission_of(said: dict[str, str]) -> Submission:
    """What was typed, as a submission; a script of this machine is read. Raises OSError."""
    script = Path(said["script"]).expanduser() if said["script"] else None
    return Submission(
        script=None if script is None else script.read_bytes(),
        path=os.fsencode(said["path"]) or None,
        command=said["command"].encode("utf-8", "surrogateescape") or None,
        name=said["name"] or ("" if script is None else script.name),
        partition=said["partition"],
        time=said["time"],
        nodes=said["nodes"],
        cpus=said["cpus"],
        gpus=said["gpus"],
        memory=said["memory"],
        directory=os.fsencode(said["directory"]) or None,
    )
