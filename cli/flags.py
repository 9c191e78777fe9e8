"""The flags that every command takes, before or after its name, and the object in which they meet.

The same options are declared on the group and on each subcommand; whichever are given write into one `GlobalFlags`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container
from dataclasses import field
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from backend.dataclass import dataclass

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

HOST_KEY_CHOICES = ("strict", "ask", "accept-new")


@dataclass(slots=True)
class GlobalFlags:
    """What was asked for on the command line, for every command alike."""

    demo: bool = field(default_factory=lambda: os.environ.get("FAIRLEAD_DEMO", "") not in {"", "0"})
    config: Path | None = None
    """`config.toml`, in place of the standard one."""
    state_dir: Path | None = None
    ssh_config: Path | None = None
    """In place of ~/.ssh/config."""
    jump: str | None = None
    route: str | None = None
    """The one of the host's routes to take."""
    port: int | None = None
    user: str | None = None
    identity: tuple[Path, ...] = ()
    known_hosts: Path | None = None
    host_key: str | None = None
    password_stdin: bool = False
    batch: bool = False
    yes: bool = False
    """Changes that would be asked about are agreed to."""
    give_up: float | None = None
    """Seconds that a lost host is waited for; None: as long as somebody could stop it, else two minutes."""
    log_file: Path | None = None
    verbose: int = 0
    json: bool = False


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Write a flag that was really given into the one object; an absent one must not undo an earlier."""
    name = str(parameter.name)
    if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
        return
    flags = context.ensure_object(GlobalFlags)
    if name in {"identity", "verbose"}:
        value = getattr(flags, name) + value
    setattr(flags, name, value)


def _option(*names: str, **attributes: Any) -> click.Option:
    return click.Option(names, expose_value=False, callback=_keep, **attributes)


_FILE = click.Path(path_type=Path)


def _options() -> list[click.Option]:
    return [
        _option("--demo", is_flag=True, help="Work in the simulated world; no network is touched."),
        _option("--config", type=_FILE, metavar="FILE", help="Use this config.toml."),
        _option("--state-dir", type=_FILE, metavar="DIR", help="Keep journal and history here."),
        _option("-F", "--ssh-config", type=_FILE, metavar="FILE", help="Use this in place of ~/.ssh/config."),
        _option("-J", "--jump", metavar="JUMP", help="Jump hosts, as user@host:port,…; none for no jump."),
        _option("--route", metavar="NAME", help="Take this one of the host's routes; see `fairlead hosts show HOST`."),
        _option("-p", "--port", type=click.IntRange(1, 65535), metavar="PORT", help="The host's SSH port."),
        _option("-l", "--user", metavar="USER", help="Log in as this user."),
        _option("-i", "--identity", type=_FILE, multiple=True, metavar="KEY", help="A key file; may be repeated."),
        _option("--known-hosts", type=_FILE, metavar="FILE", help="Look for host keys here, and here only."),
        _option("--host-key", type=click.Choice(HOST_KEY_CHOICES), help="What to do about an unknown host key."),
        _option("--password-stdin", is_flag=True, help="The first line of stdin is the host's password."),
        _option("--batch", is_flag=True, help="Never ask anybody anything."),
        _option("-y", "--yes", is_flag=True, help="Agree to what is asked about: deletions, production hosts."),
        _option(
            "--give-up",
            type=click.FloatRange(min=0),
            metavar="SECONDS",
            help="Wait so long for a lost host; when left out: 120 without a terminal or with --batch, else for ever.",
        ),
        _option("--log-file", type=_FILE, metavar="FILE", help="Write a log, one JSON object a line."),
        _option("-v", "--verbose", count=True, help="Tell more; twice: with tracebacks."),
        _option("--json", is_flag=True, help="Answer in JSON, errors included."),
    ]


def global_flags(*, without: Container[str] = (), in_help: bool = False) -> Callable[[F], F]:
    """Let a command take the global flags. `without` names short forms that mean something else there."""

    def decorate(function: F) -> F:
        params: list[click.Parameter] = function.__dict__.setdefault("__click_params__", [])
        for option in reversed(_options()):
            option.opts = [name for name in option.opts if name not in without]
            option.hidden = not in_help
            params.append(option)
        return function

    return decorate


def pass_flags(function: Callable[..., R]) -> Callable[..., R]:
    """Give the command the global flags as its first argument."""
    return click.make_pass_decorator(GlobalFlags, ensure=True)(function)
