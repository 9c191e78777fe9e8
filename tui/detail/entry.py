"""What the host book says of a host, for what the live connection does not tell."""

from __future__ import annotations

from textual.content import Content

from tui.detail.details import HostDetails
from tui.detail.table import TableRow, table


def entry_block(details: HostDetails, width: int) -> Content:
    """Address, tags, note, and where it is written."""
    entry = details.view.entry
    rows = [] if details.facts is not None else _way_there(details)
    rows += [("tags", " ".join(entry.tags)), ("note", entry.note), ("written in", entry.where)]
    return table(rows, width)


def _way_there(details: HostDetails) -> list[TableRow]:
    entry, target = details.view.entry, details.target
    if target is None:
        place = f"{entry.address}:{entry.port}" if entry.address and entry.port else entry.address
        return [("address", f"{entry.user}@{place}" if entry.user and place else place or entry.user)]
    host = target.host
    rows: list[TableRow] = [("address", f"{host.user}@{host.address}:{host.port}")]
    if target.jumps and len(details.routes) < 2:
        rows.append(("by way of", ", ".join(hop.name for hop in target.jumps)))
    return rows
