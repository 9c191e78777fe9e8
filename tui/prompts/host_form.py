"""The form for an own entry of the host book: told beside the field what is wrong, and nothing typed is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

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
from backend.dataclass import dataclass
from backend.errors import Code, FairleadError
from backend.hosts.book import HostEntry
from backend.hosts.draft import HostDraft
from backend.hosts.editor import FieldError
from backend.hosts.field_checks import check_fields
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.completion import NameCompletion, PathCompletion, key_files
from tui.form_fields import ALL, BY_KEY, SECTIONS, Field
from tui.glyphs import Glyphs
from tui.host_fields import difference, draft_of, filled_in, taken_apart, text_of, unreadable
from tui.host_known import Known
from tui.prompts.base import Prompt, Words
from tui.prompts.confirm import ConfirmPrompt
from tui.widgets.explanation import explain
from tui.widgets.flow import Flow, broken
from tui.widgets.form_lines import ChoiceLine, FormFold, FormLine, FormMoved, FormRow

if TYPE_CHECKING:
    from backend.container import Container

ACTIONS = (
    Action("form.save", "ctrl+s,f2", "save", "Write it into config.toml.", scope="form", rank=1, palette=False),
    Action("form.decline", "escape", "cancel", "Leave without saving; asks when something was typed.", scope="form",
           rank=5, key_display="esc", palette=False),
)  # fmt: skip


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

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - Textual's own kind
    AUTO_FOCUS = "#field-name"
    LINES_BELOW = 4
    CSS_PATH = "host_form.tcss"

    def __init__(self, services: Container, entries: Iterable[HostEntry], task: FormTask, glyphs: Glyphs) -> None:
        super().__init__(task.heading)
        self._services = services
        self._known = Known(tuple(entries), services.book.settings, task.begun.name)
        self._form = task
        self._old = task.old
        self._glyphs = glyphs
        self._touched: set[str] = set()
        """Fields whose mistakes are told."""
        self._saving = False

    # --- what is shown -------------------------------------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        yield Flow(id="form-problem")
        if self._form.preface:
            yield Words(self._form.preface, id="form-preface", classes="quiet")
        for number, section in enumerate(SECTIONS):
            if section.folds:
                is_first = not SECTIONS[number - 1].folds
                fold = FormFold(section.title, section.hint, self._glyphs, id=f"fold-{number}")
                yield fold.set_class(is_first, "-first-fold")
            for field in section.fields:
                heading = section.title if field is section.fields[0] and not section.folds else ""
                row = FormRow(field.label, self._line_of(field), section=heading)
                row.display = not section.folds
                yield row

    def compose_below(self) -> ComposeResult:
        yield Words("", id="form-hint", classes="quiet")
        yield Words("", id="form-offered", classes="quiet")

    def _line_of(self, field: Field) -> Widget:
        if field.choices:
            values = [value for _, value in field.choices]
            begun = self._form.begun.said(field.key)
            chosen = values.index(begun) if begun in values else 0
            return ChoiceLine([word for word, _ in field.choices], chosen, self._glyphs, id=_id(field.key))
        example = f"e.g. {field.example}" if field.example else ""
        value, completion = text_of(self._form.begun, field.key), self._completion(field.key)
        return FormLine(value, id=_id(field.key), placeholder=example, suggester=completion)

    def _completion(self, key: str) -> Suggester | None:
        if key in {"identity_files", "known_hosts"}:
            return PathCompletion()
        return NameCompletion(lambda: self._known.names(key)) if self._known.names(key) else None

    def on_mount(self) -> None:
        self._find_keys()
        self._tell_folds({})

    @work(group="keys", exit_on_error=False)
    async def _find_keys(self) -> None:
        self._known.keys = await asyncio.to_thread(key_files, Path.home())

    @on(events.DescendantFocus)
    def _entered(self) -> None:
        self._hint()

    @on(events.DescendantBlur)
    def _left(self, event: events.DescendantBlur) -> None:
        if event.widget.id == _id("address"):
            self._take_apart()

    def _hint(self) -> None:
        hint, offered = "", ""
        if (field := self._focused_field) is not None:
            hint = field.hint
            text = "" if field.choices else self._input(field.key).value
            offered = self._known.offered(field.key, text, self._glyphs)
        elif isinstance(self.focused, FormFold):
            hint = "Rarely needed. enter opens it; down goes on."
        self.query_one("#form-hint", Words).update(hint)
        self.query_one("#form-offered", Words).update(clean_line(offered))

    # --- the fields ----------------------------------------------------------------------------------------------

    @property
    def _focused_field(self) -> Field | None:
        focused = self.focused.id if self.focused is not None else None
        return next((field for field in ALL if _id(field.key) == focused), None)

    def _input(self, key: str) -> Input:
        return self.query_one(f"#{_id(key)}", Input)

    def _said(self, field: Field) -> object:
        if field.choices:
            return field.choices[self.query_one(f"#{_id(field.key)}", ChoiceLine).chosen][1]
        return self._input(field.key).value

    def _all_said(self) -> dict[str, object]:
        return {field.key: self._said(field) for field in ALL}

    def _draft(self) -> HostDraft:
        return draft_of(self._all_said(), self._form.begun)

    def _take_apart(self) -> None:
        """`user@address:port` that was pasted goes where it belongs."""
        texts = {key: self._input(key).value for key in ("address", "user", "port")}
        for key, text in taken_apart(texts).items():
            self._input(key).value = text

    @on(FormMoved)
    def _move(self, message: FormMoved) -> None:
        """To another field; with enter, past the last one, the form is saved."""
        stops = [widget for widget in self.query("FormLine, ChoiceLine, FormFold") if self._is_shown(widget)]
        place = (stops.index(self.focused) if self.focused in stops else 0) + message.step
        if 0 <= place < len(stops):
            self.set_focus(stops[place])  # at once: keys that come in one go each count from where the last one led
        elif place >= len(stops) and message.done:
            self.action_save()

    def _is_shown(self, widget: Widget) -> bool:
        return isinstance(widget, FormFold) or all(one.display for one in widget.ancestors if isinstance(one, FormRow))

    @on(FormFold.Turned)
    def _fold(self, message: FormFold.Turned) -> None:
        fields = SECTIONS[int((message.fold.id or "").removeprefix("fold-"))].fields
        for field, row in zip(ALL, self.query(FormRow), strict=True):
            if field in fields:
                row.display = message.fold.opened

    def _open_fold_of(self, field: Field) -> None:
        number = next(number for number, section in enumerate(SECTIONS) if field in section.fields)
        if SECTIONS[number].folds:
            fold = self.query_one(f"#fold-{number}", FormFold)
            fold.opened = True
            self._fold(FormFold.Turned(fold))  # at once, for who goes into it

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        key = next(field.key for field in ALL if _id(field.key) == message.input.id)
        if message.value != text_of(self._form.begun, key):
            self._touched.add(key)
        self._look()

    def _look(self) -> None:
        """Something is different: what is known about it, and what is wrong."""
        self._hint()
        self._check()

    @on(ChoiceLine.Changed)
    def _chosen(self, message: ChoiceLine.Changed) -> None:
        self._look()

    @work(exclusive=True, group="check", exit_on_error=False)
    async def _check(self) -> None:
        self._tell(await self._problems(self._draft()))

    async def _problems(self, draft: HostDraft) -> Mapping[str, str]:
        """What is wrong; key files are looked at in a thread."""
        settings, replaces = self._services.book.settings, self._old.name if self._old is not None else None
        first = unreadable(self._all_said(), self._form.begun)
        return {**await asyncio.to_thread(check_fields, draft, settings, replaces=replaces), **first}

    def _tell(self, problems: Mapping[str, str]) -> None:
        """Beside the fields that the person has been at."""
        told = {key: problem for key, problem in problems.items() if key in self._touched}
        for field, row in zip(ALL, self.query(FormRow), strict=True):
            row.tell(told.get(field.key, ""), mark=self._glyphs.failed)
        self._tell_folds(told)

    def _tell_folds(self, told: Mapping[str, str]) -> None:
        """What is filled in, and what is wrong, in the parts that may be shut."""
        draft = self._draft()
        for number, section in enumerate(SECTIONS):
            if section.folds:
                wrong = sum(field.key in told for field in section.fields)
                self.query_one(f"#fold-{number}", FormFold).tell(filled_in(section, draft), wrong)

    def _on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Something broke that nobody foresaw: the screen behind tells it, and the form stays as it is."""
        front = self.workbench.front
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
            self._take_apart()
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
        wrong = [field for field in ALL if field.key in problems]
        for field in wrong:
            self._open_fold_of(field)
        if wrong:
            line = self.query_one(f"#{_id(wrong[0].key)}")
            self.set_focus(line)
            row = next(one for one in line.ancestors if isinstance(one, FormRow))
            self.call_after_refresh(row.scroll_visible, animate=False)  # with what is wrong below it

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
        for key in [key for key in told if key in BY_KEY and now.said(key) != self._old.said(key)]:
            said = text_of(now, key) or "nothing"
            told[key] = f"config.toml was changed meanwhile and says {said} here; save again to overwrite that"
            self._old = self._old.saying({key: now.said(key)})
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

    @work(exclusive=True, group="leave", exit_on_error=False)
    async def action_decline(self) -> None:  # type: ignore[override]  # a worker may ask first
        """Leave; asks when something would be lost."""
        half = (BY_KEY[key].label for key in unreadable(self._all_said(), self._form.begun))
        if changed := (*difference(self._form.begun, self._draft()), *half):
            detail = f"Not saved yet: {', '.join(changed)}."
            question = Confirmation("leave the form?", detail, yes="Leave and forget what was typed", danger=True)
            if not await self.app.push_screen_wait(ConfirmPrompt(question)):
                return
        self.dismiss(None)


def _refusal(error: FairleadError, more: str, width: int) -> Content:
    told = explain(error.message, error.code, advice=error.advice, width=width)
    return Content("\n\n").join([broken(Content.styled(more, "$warning"), width), told, Content("")])


def _id(key: str) -> str:
    return f"field-{key.replace('.', '-')}"
