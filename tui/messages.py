"""Messages that cross screens. Those of a single widget are nested in its class.

The `…Updated` ones are hints that something changed: the bridge posts them to the screen in front, merged to at most
thirty a second, and a screen that comes back to the front reads the services anew. The truth is in the services.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.message import Message

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
    """What is kept of a host has changed: its health, or the requests that wait for it."""

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
