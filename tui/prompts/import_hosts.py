"""Importing an inventory: where it is, what it would write, and then, when the person agrees, all of it in one step."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.content import Content
from textual.reactive import reactive

from backend.errors import FairleadError
from backend.hosts.inventory import ImportPlan, Inventory, OnClash, plan_import, read_inventory
from backend.settings.editing import shown
from backend.settings.paths import short
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.completion import PathCompletion
from tui.glyphs import Glyphs
from tui.prompts.base import Prompt, Words
from tui.prompts.failure import FailurePrompt
from tui.prompts.line import LinePrompt

if TYPE_CHECKING:
    from backend.container import Container
    from tui.app import WorkbenchApp

SHOWN = 500
"""Lines of each kind that are listed; the others are counted."""

ACTIONS = (
    Action("import.yes", "y", "import", "Write these hosts into config.toml.", scope="prompts", rank=1),
    Action("import.clash", "t", "names taken", "Skip, rename or overwrite where a name is taken.", scope="prompts",
           rank=2),
    Action("import.decline", "escape,n", "leave", "Write nothing.", scope="prompts", rank=3, key_display="esc"),
)  # fmt: skip

_CLASH_WORDS = {
    OnClash.SKIP: "hosts whose name is taken are left out",
    OnClash.RENAME: "hosts whose name is taken get a number",
    OnClash.OVERWRITE: "own entries of the same name are overwritten",
}


class ImportPrompt(Prompt[ImportPlan | None]):
    """Shows exactly what would be written; None writes nothing."""

    BINDINGS = bindings_of(ACTIONS)
    LINES_BELOW = 3
    on_clash: reactive[OnClash] = reactive(OnClash.SKIP, bindings=True)

    def __init__(self, inventory: Inventory, taken: frozenset[str], glyphs: Glyphs) -> None:
        super().__init__(f"import {short(inventory.file)}")
        self._inventory = inventory
        self._taken = taken
        self._glyphs = glyphs

    @property
    def plan(self) -> ImportPlan:
        """What would be done."""
        return plan_import(self._inventory, self._taken, self.on_clash)

    def compose_body(self) -> ComposeResult:
        yield Words("", id="plan")

    def compose_below(self) -> ComposeResult:
        yield Words("", id="plan-count", classes="title")

    def watch_on_clash(self) -> None:
        plan = self.plan
        self.query_one("#plan", Words).update(plan_content(self._inventory, plan, self._glyphs))
        clash = f"{self._glyphs.dot} {_CLASH_WORDS[self.on_clash]}" if self._clashes else ""
        self.query_one("#plan-count", Words).update(f"\n{count_words(self._inventory, plan)} {clash}".rstrip())

    def on_mount(self) -> None:
        self.watch_on_clash()

    @property
    def _clashes(self) -> bool:
        return not self._taken.isdisjoint(self._inventory.hosts)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "yes":
            return None if not self.armed or not self.plan.tables else True
        return self._clashes if action == "clash" else True

    def action_clash(self) -> None:
        choices = list(OnClash)
        self.on_clash = choices[(choices.index(self.on_clash) + 1) % len(choices)]

    def action_yes(self) -> None:
        self.dismiss(self.plan)


async def import_hosts(app: WorkbenchApp, services: Container, glyphs: Glyphs) -> tuple[str, ...]:
    """Ask for the file, show what it would write, write it. The names that were written; call it from a worker.

    After a failure the person is asked for the file again, with what was typed.
    """
    typed = ""
    while True:
        prompt = LinePrompt(
            "import an inventory",
            "A YAML file with hosts (distributed_hosts.yaml). What it would write is shown before anything is written.",
            value=typed,
            placeholder="~/distributed_hosts.yaml",
            suggester=PathCompletion(),
        )
        answer = await app.push_screen_wait(prompt)
        if answer is None:
            return ()
        typed = answer
        try:
            inventory = await asyncio.to_thread(_read, typed)
            taken = frozenset(services.book.settings.hosts)
            plan = await app.push_screen_wait(ImportPrompt(inventory, taken, glyphs))
            if plan is None:
                return ()
            await services.host_editor.write(plan.tables, replacing=plan.replacing)
        except FairleadError as error:
            await app.push_screen_wait(FailurePrompt(error, "importing"))
        else:
            return tuple(plan.tables)


def _read(typed: str) -> Inventory:
    return read_inventory(Path(typed.strip()).expanduser())


def plan_content(inventory: Inventory, plan: ImportPlan, glyphs: Glyphs) -> Content:
    """Mistakes first, then each host with what would be written, then what was kept otherwise or left out."""
    mistakes = [Content.assemble((f"{glyphs.failed} ", "$error"), clean_line(str(one))) for one in inventory.problems]
    hosts = [_host(name, table, plan, glyphs) for name, table in plan.tables.items()]
    taken = [Content.styled(f"{glyphs.dash} {clean_line(name)}: the name is taken", "$quiet") for name in plan.skipped]
    remarks = [Content.styled(f"{glyphs.dot} {clean_line(str(one))}", "$quiet") for one in inventory.remarks]
    blocks = [Content("\n").join(_at_most(lines)) for lines in (mistakes, [*hosts, *taken], remarks) if lines]
    return Content("\n\n").join(blocks or [Content("There are no hosts in it.")])


def count_words(inventory: Inventory, plan: ImportPlan) -> str:
    """`2 hosts would be added, 1 overwritten, 1 skipped, 3 have mistakes`"""
    counts = {
        "added": len(plan.tables) - len(plan.replacing),
        "overwritten": len(plan.replacing),
        "skipped": len(plan.skipped),
        "with mistakes": len(inventory.problems),
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing to do"


def _host(name: str, table: Mapping[str, Any], plan: ImportPlan, glyphs: Glyphs) -> Content:
    said = ", ".join(f"{key} = {shown(value)}" for key, value in table.items())
    was = f" (there: {clean_line(plan.renamed[name])})" if name in plan.renamed else ""
    sign, style = (glyphs.attention, "$warning") if name in plan.replacing else ("+", "$success")
    return Content.assemble((f"{sign} ", style), (clean_line(name), "bold"), was, (f"  {clean_line(said)}", "$quiet"))


def _at_most(lines: list[Content]) -> list[Content]:
    beyond = len(lines) - SHOWN
    return [*lines[:SHOWN], Content(f"and {beyond:,} more")] if beyond > 0 else lines
