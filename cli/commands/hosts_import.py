"""`fairlead hosts import`: an inventory as own entries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from backend.hosts.inventory import ImportPlan, Inventory, OnClash, plan_import, read_inventory
from backend.settings.editing import shown
from backend.settings.problems import Problem
from backend.settings.show import json_value
from backend.text import clean_line
from cli.commands.hosts_edit import editor_of
from cli.compose import HostRoom
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.host_room import in_host_room
from cli.narration import Narration
from cli.statuses import Status


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say exactly what would be written, and write nothing.")
@click.option(
    "--on-clash",
    type=click.Choice([choice.value for choice in OnClash]),
    default=OnClash.SKIP.value,
    show_default=True,
    help="What to do about a name that an own entry has already.",
)
@global_flags()
@pass_flags
def import_hosts(flags: GlobalFlags, file: Path, dry_run: bool, on_clash: str) -> int:
    """Take the hosts of an inventory (distributed_hosts.yaml) into config.toml, all in one step.

    Read are ssh_host, ssh_user, ssh_port, ssh_key, tailscale_ip and cloudflare_host; other keys are told and kept under
    `extra`, secrets are left out. A host with a mistake is told with its line and not imported.

    \b
    Examples:
      fairlead hosts import --dry-run distributed_hosts.yaml
      fairlead hosts import --on-clash rename distributed_hosts.yaml

    Exit status: 0 when all hosts were taken or are known; 4 when some have mistakes; 2 when none can be taken.
    """

    async def work(room: HostRoom) -> int:
        inventory = await asyncio.to_thread(read_inventory, file)
        plan = plan_import(inventory, room.book.settings.hosts.keys(), OnClash(on_clash))
        editor = editor_of(room)
        await (editor.rehearse if dry_run else editor.write)(plan.tables, replacing=plan.replacing)
        if flags.json:
            print_json(_json(inventory, plan, dry_run=dry_run))
        else:
            _tell(inventory, plan, dry_run=dry_run)
        if not inventory.problems:
            return Status.OK
        return Status.SOME_FAILED if inventory.hosts else Status.USAGE

    return in_host_room(flags, work)


def _tell(inventory: Inventory, plan: ImportPlan, *, dry_run: bool) -> None:
    narration = Narration()
    for problem in (*inventory.problems, *inventory.remarks):
        narration.say(clean_line(str(problem)))
    for name, table in plan.tables.items():
        click.echo(clean_line(f"{_what(name, plan)} {name}: {', '.join(_words(table))}"))
    for name in plan.skipped:
        narration.say(clean_line(f"{name}: skipped, there is an own entry of that name (see --on-clash)"))
    counts = {
        "added": len(plan.tables) - len(plan.replacing),
        "overwritten": len(plan.replacing),
        "of them renamed": len(plan.renamed),
        "skipped": len(plan.skipped),
        "mistake" if len(inventory.problems) == 1 else "mistakes": len(inventory.problems),
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing to do"
    narration.say(f"{'would be: ' if dry_run else ''}{told}")


def _what(name: str, plan: ImportPlan) -> str:
    if name in plan.replacing:
        return "overwrite"
    return f"add {plan.renamed[name]} as" if name in plan.renamed else "add"


def _words(table: Mapping[str, Any]) -> Iterable[str]:
    return (f"{key} = {shown(value)}" for key, value in table.items())


def _json(inventory: Inventory, plan: ImportPlan, *, dry_run: bool) -> dict[str, Any]:
    def all_of(problems: Iterable[Problem]) -> list[dict[str, object]]:
        return [problem.to_json() for problem in problems]

    return {
        "file": str(inventory.file),
        "dry_run": dry_run,
        "entries": json_value(plan.tables),
        "overwritten": sorted(plan.replacing),
        "renamed": dict(plan.renamed),
        "skipped": list(plan.skipped),
        "problems": all_of(inventory.problems),
        "remarks": all_of(inventory.remarks),
    }
