"""Messages that cross screens. Those of a single widget are nested in its class.

The `…Updated` ones are hints that something changed: the bridge posts them to the screen in front, merged to at most
thirty a second, and a screen that comes back to the front reads the services anew. The truth is in the services.
"""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from textual.message import Message

from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.requests.model import Request


@dataclass
class HostSelected(Message):
    """The person chose a host for the whole workbench."""

    host: str


@dataclass
class SessionUpdated(Message):
    """A session changed state, measured its latency or went on in a connection attempt."""

    host: str


@dataclass
class HostsUpdated(Message):
    """The host book holds something else than before, or other hosts are pinned."""


@dataclass
class RecordUpdated(Message):
    """What is kept of a host has changed: its health, its readings, or the requests that wait for it."""

    host: str


@dataclass
class ForwardsUpdated(Message):
    """A forward changed state or carried something."""

    host: str


@dataclass
class RequestEnded(Message):
    """A request that waited for its host has come to an end. Every one is delivered."""

    request: Request


@dataclass
class CommandUpdated(Message):
    """A command changed state or wrote something."""

    host: str
    command_id: str


@dataclass
class TerminalUpdated(Message):
    """A terminal changed state or wrote something."""

    host: str
    terminal_id: str


@dataclass
class JobsUpdated(Message):
    """A detached job was started, looked at or removed, or one that is followed has said something."""

    host: str


@dataclass
class GroupUpdated(Message):
    """A run on many hosts has gone on."""

    run_id: str
    over: bool


@dataclass
class TransferUpdated(Message):
    """A transfer changed state or went on."""

    host: str
    transfer_id: str


@dataclass
class OperationFailed(Message):
    """Something the person asked for failed: shown in a modal with evidence and advice. Post it from workers."""

    error: FairleadError
    title: str = ""
    """What was being done, as `Connecting to web-1`."""


@dataclass
class Notice(Message):
    """A short remark: shown as a toast, never as markup."""

    text: str
    title: str = ""
    severity: Literal["information", "warning", "error"] = "information"


@runtime_checkable
class Hears(Protocol):
    """A modal screen that is told what the screen behind it is told."""

    def hear(self, message: Message) -> None:
        """Something has changed."""
        ...
