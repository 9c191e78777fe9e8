"""The form for an own entry of the host book: told beside the field what is wrong, and nothing typed is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from backend.connection.interaction import Confirmation
from backend.errors import Code, FairleadError
from backend.hosts.book import HostEntry, HostSource
from backend.hosts.draft import KEYS, HostDraft, check_fields
from backend.hosts.editor import FieldError
from backend.text import clean_line
from tui.actions import Action, bindings, bindings_of
from tui.completion import NameCompletion, PathCompletion, fitting, key_files, last_part
from tui.glyphs import Glyphs
from tui.host_fields import FIELDS, PRODUCTION, Field, difference, draft_of, taken_apart, text_of, unknown_jumps
from tui.prompts.base import Prompt, Words
from tui.prompts.confirm import ConfirmPrompt
from tui.widgets.explanation import explain
from tui.widgets.flow import Flow, broken
from tui.widgets.form_lines import ChoiceLine, FormLine, FormMoved, FormRow

if TYPE_CHECKING:
    from backend.container import Container
    from tui.app import WorkbenchApp

ACTIONS = (
    Action("form.save", "ctrl+s,f2", "save", "Write it into config.toml.", scope="form", rank=1, palette=False),
    Action("form.decline", "escape", "cancel", "Leave without saving; asks when something was typed.", scope="form",
           rank=5, key_display="esc", palette=False),
)  # fmt: skip

_CHOICES: tuple[tuple[str, bool | None], ...] = (("not said", None), ("yes", True), ("no", False))
_OFFERED = 6
"""Names that are told as fitting."""


@dataclass(frozen=True, slots=True)
class FormTask:
    """What the form is opened for."""

    heading: str
    begun: HostDraft
    """What stands in the fields at first."""
    old: HostDraft | None = None
    """The entry that is changed; None for a new one."""
    preface: str = ""
    """A line above the fields."""


class HostForm(Prompt[str | None]):
    """Answers with the name of the entry that was written; None when nothing was."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS), *bindings("app.help")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - Textual's own kind
    AUTO_FOCUS = "#field-name"
    LINES_BELOW = 4
    CSS_PATH = "host_form.tcss"

    def __init__(self, services: Container, entries: Iterable[HostEntry], task: FormTask, glyphs: Glyphs) -> None:
        super().__init__(task.heading)
        self._services = services
        self._entries = tuple(entries)
        self._form = task
        self._old = task.old
        self._glyphs = glyphs
        self._touched: set[str] = set()
        """Fields whose mistakes are told."""
        self._keys: list[str] = []
        self._saving = False

    # --- what is shown -------------------------------------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        yield Flow(id="form-problem")
        if self._form.preface:
            yield Words(self._form.preface, id="form-preface", classes="quiet")
        for field in FIELDS:
            yield FormRow(field.label, self._line_of(field), section=field.section)

    def compose_below(self) -> ComposeResult:
        yield Words("", id="form-hint", classes="quiet")
        yield Words("", id="form-offered", classes="quiet")

    def _line_of(self, field: Field) -> Widget:
        if field.key == PRODUCTION:
            values = [value for _, value in _CHOICES]
            chosen = values.index(self._form.begun.production)
            return ChoiceLine([word for word, _ in _CHOICES], chosen, self._glyphs, id=_id(field.key))
        value = text_of(self._form.begun, field.key)
        completion = self._completion(field.key)
        example = f"e.g. {field.example}" if field.example else ""
        return FormLine(value, id=_id(field.key), placeholder=example, suggester=completion)

    def _completion(self, key: str) -> Suggester | None:
        if key == "identity_files":
            return PathCompletion()
        return NameCompletion(lambda: self._known(key)) if self._known(key) else None

    def _known(self, key: str) -> list[str]:
        """What a field is often filled with: hosts to go through, groups, tags, profiles, aliases, keys."""
        names: Iterable[str] = ()
        match key:
            case "jump":
                names = (entry.name for entry in self._entries if entry.name != self._form.begun.name)
            case "ssh_host":
                names = (entry.name for entry in self._entries if entry.source is HostSource.SSH_CONFIG)
            case "group":
                names = (entry.group for entry in self._entries if entry.group)
            case "tags":
                names = (tag for entry in self._entries for tag in entry.tags)
            case "profile":
                names = self._services.book.settings.profiles
            case "identity_files":
                names = self._keys
        return list(dict.fromkeys(names))

    def on_mount(self) -> None:
        self._find_keys()

    @work(group="keys", exit_on_error=False)
    async def _find_keys(self) -> None:
        self._keys = await asyncio.to_thread(key_files, Path.home())

    @on(events.DescendantFocus)
    def _entered(self) -> None:
        self._hint()

    @on(events.DescendantBlur)
    def _left(self, event: events.DescendantBlur) -> None:
        if event.widget.id == _id("address"):
            for key, text in taken_apart(self._texts()).items():
                self._input(key).value = text

    def _hint(self) -> None:
        field = self._focused_field
        if field is None:
            return
        self.query_one("#form-hint", Words).update(field.hint)
        self.query_one("#form-offered", Words).update(clean_line(self._offered(field.key)))

    def _offered(self, key: str) -> str:
        """The known names that fit what is typed, or a word about those that are not known."""
        known = self._known(key)
        if key == PRODUCTION or not known:
            return ""
        text = self._input(key).value
        before, begun = last_part(text)
        dot = f" {self._glyphs.dot} "
        if fits := fitting(begun, known, without=before):
            more = f"{dot}{len(fits) - _OFFERED} more" if len(fits) > _OFFERED else ""
            return f"{'Known' if not begun else 'Fits'}: {dot.join(fits[:_OFFERED])}{more}"
        if key == "jump" and (unknown := unknown_jumps(text, known)):
            return f"{unknown[0]} is no host you know: its name will be looked up as it is."
        return ""

    # --- the fields ----------------------------------------------------------------------------------------------

    @property
    def _focused_field(self) -> Field | None:
        focused = self.focused.id if self.focused is not None else None
        return next((field for field in FIELDS if _id(field.key) == focused), None)

    def _input(self, key: str) -> Input:
        return self.query_one(f"#{_id(key)}", Input)

    def _texts(self) -> dict[str, str]:
        return {field.key: self._input(field.key).value for field in FIELDS if field.key != PRODUCTION}

    def _draft(self) -> HostDraft:
        production = _CHOICES[self.query_one(ChoiceLine).chosen][1]
        return draft_of(self._texts(), production, self._form.begun)

    @on(FormMoved)
    def _move(self, message: FormMoved) -> None:
        """To another field; past the last one the form is saved."""
        here = self._focused_field
        place = (FIELDS.index(here) if here is not None else 0) + message.step
        if place >= len(FIELDS):
            self.action_save()
        elif place >= 0:
            self.query_one(f"#{_id(FIELDS[place].key)}").focus()

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        key = (message.input.id or "").removeprefix("field-")
        if message.value != text_of(self._form.begun, key):
            self._touched.add(key)
        self._look()

    @on(ChoiceLine.Changed)
    def _look(self) -> None:
        """Something is different: what is known about it, and what is wrong."""
        self._hint()
        self._check()

    @work(exclusive=True, group="check", exit_on_error=False)
    async def _check(self) -> None:
        self._tell(await self._problems(self._draft()))

    async def _problems(self, draft: HostDraft) -> Mapping[str, str]:
        """What is wrong; key files are looked at in a thread."""
        settings, replaces = self._services.book.settings, self._old.name if self._old is not None else None
        return await asyncio.to_thread(check_fields, draft, settings, replaces=replaces)

    def _tell(self, problems: Mapping[str, str]) -> None:
        """Beside the fields that the person has been at."""
        for field, row in zip(FIELDS, self.query(FormRow), strict=True):
            problem = problems.get(field.key, "") if field.key in self._touched else ""
            row.tell(problem, mark=self._glyphs.failed)

    def _on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Something broke that nobody foresaw: the screen behind tells it, and the form stays as it is."""
        front = cast("WorkbenchApp", self.app).front
        if event.state is WorkerState.ERROR and front is not None:
            front.tell_broken(event.worker)

    # --- done with it --------------------------------------------------------------------------------------------

    def action_save(self) -> None:
        if not self._saving:
            self._saving = True
            self._save()

    @work(group="save", exit_on_error=False)
    async def _save(self) -> None:
        """Write it. What stands against it is told here, and everything typed stays."""
        try:
            for key, text in taken_apart(self._texts()).items():
                self._input(key).value = text
            draft = self._draft()
            if problems := await self._problems(draft):
                self._object(problems)
                return
            await self._write(draft)
            self.dismiss(draft.name)
        except FieldError as error:
            await self._met(error)
        except FairleadError as error:
            self._refused(error)
            if error.code is Code.HOST_UNKNOWN:
                await self._read_again()
        finally:
            self._saving = False

    async def _write(self, draft: HostDraft) -> None:
        editor = self._services.host_editor
        if self._old is None:
            await editor.add(draft)
        elif draft != self._old:
            await editor.change(self._old, draft)

    def _object(self, problems: Mapping[str, str]) -> None:
        """Go to the first field that has to be mended."""
        self._touched |= problems.keys()
        self._tell(problems)
        first = next((field for field in FIELDS if field.key in problems), None)
        if first is not None:
            self.query_one(f"#{_id(first.key)}").focus()

    async def _met(self, error: FieldError) -> None:
        """The file says otherwise than when the form was opened: say what, and let the next save overwrite it."""
        if self._old is None or not await self._read_again():
            self._object(error.fields)
            return
        host = self._services.book.settings.hosts.get(self._old.name)
        if host is None:
            self._object(error.fields)
            return
        now, told = HostDraft.of_settings(self._old.name, host), dict(error.fields)
        for key in [key for key in told if key in KEYS and now.value(key) != self._old.value(key)]:
            said = text_of(now, key) if now.value(key) is not None else "nothing"
            told[key] = f"config.toml was changed meanwhile and says {said} here; save again to overwrite that"
            self._old = replace(self._old, **{key: getattr(now, key)})
        self._object(told)

    async def _read_again(self) -> bool:
        try:
            await self._services.book.reload()
        except FairleadError as error:
            self._refused(error)
            return False
        return True

    def _refused(self, error: FairleadError) -> None:
        """Nothing was written, for a reason that lies in no field."""
        more = "Nothing was written. What you typed stays here; save again when that is mended."
        if self._old is not None and error.code is Code.HOST_UNKNOWN:
            more = f"{self._old.name} was taken out of config.toml meanwhile; save again to write it anew."
            self._old = None
        problem = self.query_one("#form-problem", Flow)
        problem.show(partial(_refusal, error, more))
        problem.add_class("-there")
        self.query_one("#content", VerticalScroll).scroll_home(animate=False)

    def action_toggle_help(self) -> None:
        """What the keys do; modals do not hear the app's own."""
        cast("WorkbenchApp", self.app).action_toggle_help()

    @work(exclusive=True, group="leave", exit_on_error=False)
    async def action_decline(self) -> None:  # type: ignore[override]  # a worker may ask first
        """Leave; asks when something would be lost."""
        if changed := difference(self._form.begun, self._draft()):
            detail = f"Not saved yet: {', '.join(changed)}."
            question = Confirmation("leave the form?", detail, yes="Leave and forget what was typed", danger=True)
            if not await self.app.push_screen_wait(ConfirmPrompt(question)):
                return
        self.dismiss(None)


def _refusal(error: FairleadError, more: str, width: int) -> Content:
    told = explain(error.message, error.code, advice=error.advice, width=width)
    return Content("\n\n").join([broken(Content.styled(more, "$warning"), width), told, Content("")])


def _id(key: str) -> str:
    return f"field-{key}"
