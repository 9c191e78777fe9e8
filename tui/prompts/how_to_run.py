"""How the next commands are to run: as whom, for how long, how often, in which encoding."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from backend.commands.values import Elevate, ElevateBy
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.how_to_run import HowToRun, known_encoding, limit_of
from tui.prompts.base import Prompt, Words
from tui.widgets.form_lines import ChoiceLine, FormLine, FormMoved, FormRow

ACTIONS = (
    Action("how_to_run.keep", "ctrl+s,f2", "keep", "Run the next commands of this host so.", scope="form", rank=1,
           palette=False),
    Action("how_to_run.usual", "f8", "as usual", "Back to the usual way, for all of it.", scope="form", rank=4,
           palette=False),
    Action("how_to_run.decline", "escape", "cancel", "Leave it as it is.", scope="form", rank=5, key_display="esc",
           palette=False),
)  # fmt: skip
_BY = (None, ElevateBy.SUDO, ElevateBy.SU)
_HINTS = {
    "by": "sudo asks for your own password there, su for the other user's; once, and it stays in memory.",
    "user": "Another user than root.",
    "limit": "Seconds after which a command is stopped. Nothing: no limit.",
    "retry": "How often it is run again when it fails. Only for what does no harm twice.",
    "going": "Of several lines (alt+enter), also those after one that failed.",
    "encoding": "How text is written there, as latin-1, shift_jis or koi8-r. Nothing: UTF-8.",
}


class HowToRunPrompt(Prompt[HowToRun]):
    """Answers with what was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    AUTO_FOCUS = "#how-by"
    LINES_BELOW = 4
    CSS_PATH = "how_to_run.tcss"

    def __init__(self, host: str, how: HowToRun, glyphs: Glyphs) -> None:
        super().__init__(f"how to run commands on {clean_line(host)}")
        self._how = how
        self._glyphs = glyphs

    def compose_body(self) -> ComposeResult:
        how = self._how
        by = None if how.elevate is None else how.elevate.by
        user = "" if how.elevate is None or how.elevate.user == "root" else how.elevate.user
        yield FormRow("as", ChoiceLine(("myself", "sudo", "su"), _BY.index(by), self._glyphs, id="how-by"))
        yield FormRow("user", self._line("user", user, "root"))
        yield FormRow("time limit", self._line("limit", f"{how.time_limit:g}" if how.time_limit else "", "none"))
        yield FormRow("retries", self._line("retry", str(how.retries or ""), "none"))
        going = ChoiceLine(("stop", "go on"), int(how.keep_going), self._glyphs, id="how-going")
        yield FormRow("on failure", going)
        encoding = "" if how.encoding == "utf-8" else how.encoding
        yield FormRow("encoding", self._line("encoding", encoding, "utf-8"))

    @staticmethod
    def _line(name: str, value: str, placeholder: str) -> FormLine:
        return FormLine(value, id=f"how-{name}", placeholder=placeholder, suggester=None)

    def compose_below(self) -> ComposeResult:
        yield Words("", id="how-hint", classes="quiet")
        yield Words("", id="how-objection", classes="danger")

    def on_descendant_focus(self) -> None:
        name = (self.focused.id or "").removeprefix("how-") if self.focused is not None else ""
        self.query_one("#how-hint", Words).update(_HINTS.get(name, ""))

    @on(FormMoved)
    def _move(self, message: FormMoved) -> None:
        lines = list(self.query("FormRow ChoiceLine, FormRow FormLine"))
        at = next((number for number, line in enumerate(lines) if line is self.focused), 0) + message.step
        if at >= len(lines):
            self.action_keep()
        else:
            lines[max(0, at)].focus()

    # --- what is chosen ------------------------------------------------------------------------------------------

    def _typed(self, name: str) -> str:
        return self.query_one(f"#how-{name}", FormLine).value.strip()

    def _chosen(self) -> HowToRun | tuple[str, str]:
        """What is chosen; or the field that is wrong, and what is wrong with it."""
        by = _BY[self.query_one("#how-by", ChoiceLine).chosen]
        user = self._typed("user") or "root"
        if by is None and user != "root":
            return "by", "Choose sudo or su to act as another user."
        try:
            limit = limit_of(self._typed("limit"))
        except ValueError:
            return "limit", "A number of seconds above zero, or nothing."
        retries = self._typed("retry") or "0"
        if not (retries.isascii() and retries.isdigit() and int(retries) <= 100):
            return "retry", "A number up to 100, or nothing."
        if (encoding := known_encoding(self._typed("encoding"))) is None:
            return "encoding", "There is no encoding of that name."
        return replace(
            self._how,
            elevate=None if by is None else Elevate(by, user),
            time_limit=limit,
            retries=int(retries),
            keep_going=self.query_one("#how-going", ChoiceLine).chosen == 1,
            encoding=encoding,
        )

    def action_keep(self) -> None:
        chosen = self._chosen()
        if isinstance(chosen, HowToRun):
            self.dismiss(chosen)
            return
        name, objection = chosen
        self.query_one("#how-objection", Words).update(objection)
        self.query_one(f"#how-{name}").focus()

    def action_usual(self) -> None:
        self.dismiss(HowToRun())
