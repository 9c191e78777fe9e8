"""`fairlead forward`: ports of this machine and of a host, kept open until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import click

from backend.connection.state import SessionChanged, SessionState
from backend.errors import Advice, Code, ConfigError, FairleadError
from backend.forwards.model import ForwardState, ForwardView
from backend.forwards.spec import ForwardKind, ForwardSpec, parse_spec
from cli.arguments import HostName
from cli.execute import Services, execute
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.forwards import ForwardsView
from cli.statuses import Status

F = TypeVar("F", bound=Callable[..., Any])

_ENDED = frozenset({SessionState.FAILED, SessionState.EXPIRED, SessionState.CLOSED})
_ITS_OWN = frozenset({Code.LOCAL_PORT, Code.LISTEN_PROHIBITED, Code.LISTEN_FAILED})
"""Failures of one forward; others are the connection's, and there is nothing without it."""


class _Spec(click.ParamType[ForwardSpec]):
    """The argument of -L, -R or -D."""

    name = "forward"

    def __init__(self, kind: ForwardKind) -> None:
        self._kind = kind

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> ForwardSpec:
        if isinstance(value, ForwardSpec):
            return value
        try:
            return parse_spec(self._kind, str(value))
        except ValueError as error:
            self.fail(f"{str(value)!r}: {error}.", param, ctx)


def _option(kind: ForwardKind, metavar: str, text: str) -> Callable[[F], F]:
    return click.option(
        f"-{kind.value}", kind.name.lower(), multiple=True, type=_Spec(kind), metavar=metavar, help=text
    )


@click.command()
@click.argument("host", type=HostName())
@_option(ForwardKind.LOCAL, "[BIND:]PORT:DEST:PORT", "Listen here; HOST connects to DEST. Port 0: any free one.")
@_option(ForwardKind.REMOTE, "[BIND:]PORT[:DEST:PORT]", "HOST listens; this machine connects. Without DEST: SOCKS.")
@_option(ForwardKind.DYNAMIC, "[BIND:]PORT", "Listen here for SOCKS 4, 4A and 5; HOST connects.")
@click.option("--exit-on-failure", is_flag=True, help="End when one of them cannot be set up.")
@global_flags()
@pass_flags
def forward(flags: GlobalFlags, host: str, exit_on_failure: bool, **given: tuple[ForwardSpec, ...]) -> int:
    """Keep ports open that lead through HOST, until ctrl+c. They come back after a lost connection.

    Written as for ssh: sockets by their path, IPv6 addresses in brackets, `*` for all addresses in place of loopback.
    Without -L, -R or -D: what `forwards` of the host's entry in config.toml lists, else what ~/.ssh/config says.

    \b
    Examples:
      fairlead forward db-2 -L 5432:localhost:5432
      fairlead forward web-1 -L 8080:localhost:80 -D 1080
      fairlead forward gpu-7 -R 9000:localhost:3000
      fairlead forward web-1 --json -L 0:localhost:80

    Exit status: 130 after ctrl+c; 4 when none could be set up, or one with --exit-on-failure; 255 for no connection, no
    login, or a connection that did not come back.
    """
    specs = tuple(spec for kind in ForwardKind for spec in given[kind.name.lower()])
    return execute(flags, lambda services: _forward(services, host, specs, exit_on_failure), host=host)


async def _forward(services: Services, host: str, specs: tuple[ForwardSpec, ...], exit_on_failure: bool) -> int:
    specs = specs or await _configured(services, host)
    ended = _end_of(services, host)
    seen = ForwardsView(host, bus=services.container.bus, narration=services.narration, as_json=services.flags.json)
    try:
        failed = 0
        for spec in specs:
            view = await services.container.forwards.start(host, spec)
            if view.state is ForwardState.FAILED:
                await _told(services, view)
                failed += 1
                if exit_on_failure:
                    return Status.SOME_FAILED
        if failed == len(specs):
            return Status.SOME_FAILED
        raise await ended
    finally:
        seen.close(services.container.forwards.views(host), specs)


async def _told(services: Services, view: ForwardView) -> None:
    """Tell why a forward is not there. Raises its error where it is the connection's."""
    assert view.error is not None
    if view.error.code not in _ITS_OWN:
        raise view.error
    await services.report(view.error)


async def _configured(services: Services, host: str) -> tuple[ForwardSpec, ...]:
    own, written = await services.container.forwards.configured(host)
    if not own and not written:
        problem = f"no -L, -R or -D is given, and no file lists a forward for {host}"
        step = Advice("Name one, as -L 8080:localhost:80, or list it as `forwards` of the host in config.toml.")
        raise ConfigError(Code.USAGE, evidence={"problem": problem}, advice=(step,))
    return own or written


def _end_of(services: Services, host: str) -> asyncio.Future[FairleadError]:
    """Completes with the reason when the connection is gone for good."""
    ended: asyncio.Future[FairleadError] = asyncio.get_running_loop().create_future()

    def hear(event: SessionChanged) -> None:
        if event.host == host and event.new in _ENDED and event.error is not None and not ended.done():
            ended.set_result(event.error)

    services.container.bus.subscribe(SessionChanged, hear)
    return ended
