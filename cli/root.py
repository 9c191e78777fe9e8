"""The whole program as one command, from its arguments to its exit status.

Everything heavy is loaded by the subcommand that needs it: `fairlead --version` loads neither textual nor asyncssh.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

import click

from backend import __version__
from backend.errors import Advice, Code, ConfigError, FairleadError, Interrupted
from cli.failures import internal, report
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.group import LazyGroup, NoSuchCommand, PipeClosed
from cli.mistaken import meant_host
from cli.statuses import Status

_EPILOG = """\b
Examples:
  fairlead demo                            look around without a network
  fairlead hosts add db --address 10.0.4.7 --jump me@bastion.example
  fairlead run db -- uptime
  fairlead get db:/var/log/nginx logs/     again: goes on where it stopped
  fairlead diagnose db                     where it fails, and what to do

Every flag may stand before or after the subcommand. FAIRLEAD_DEMO=1 is the same as --demo.

Exit status: 0; run: the command's own, 128+n for a signal; 2 usage or configuration; 3 a checksum differs; 4 some
items failed; 124 time limit; 130 interrupted; 255 no connection or no login.
"""


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, message="fairlead %(version)s")
@global_flags(in_help=True)
@pass_flags
@click.pass_context
def fairlead(context: click.Context, flags: GlobalFlags) -> int:
    """A terminal workbench for the hosts you reach over SSH. Without a command, the workbench opens."""
    if context.invoked_subcommand is not None:
        return Status.OK
    from cli.commands.workbench import open_workbench

    return open_workbench(flags)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program; its exit status."""
    _open_standard_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    flags = GlobalFlags()
    return _guarded(lambda: _called(given, flags), given, flags)


def _open_standard_streams() -> None:
    """Where a standard stream was closed before we began, put nothing there: else the next file would become it."""
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(fd, "r" if fd == 0 else "w", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _called(given: list[str], flags: GlobalFlags) -> int:
    status = fairlead.main(given, prog_name="fairlead", standalone_mode=False, obj=flags)
    sys.stdout.flush()
    return status if isinstance(status, int) else Status.OK


def _guarded(call: Callable[[], int], given: list[str], flags: GlobalFlags) -> int:
    try:
        return call()
    except (PipeClosed, BrokenPipeError):
        return _pipe_closed()
    except (KeyboardInterrupt, click.Abort):
        return report(Interrupted(Code.INTERRUPTED), flags)
    except click.ClickException as error:
        flags.json = flags.json or _wants_json(given)
        return _misused(error, flags)
    except FairleadError as error:
        return report(error, flags)
    except Exception as error:
        return report(internal(error), flags)


def _misused(error: click.ClickException, flags: GlobalFlags) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not flags.json:
        click.echo(error.format_message(), err=True)  # nothing was wrong: it says what there is
        return Status.USAGE
    meant = meant_host(error.word, flags) if isinstance(error, NoSuchCommand) else ()
    return report(_usage(error, meant), flags)


def _usage(error: click.ClickException, meant: tuple[Advice, ...]) -> ConfigError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "fairlead"
    problem = error.format_message()
    advice = (*meant, Advice("See how it is used.", f"{command} --help"))
    return ConfigError(Code.USAGE, problem, evidence={"problem": problem}, advice=advice)


def _wants_json(given: Sequence[str]) -> bool:
    """Whether --json stands on a command line that could not be parsed."""
    ours = given[: given.index("--")] if "--" in given else given
    return "--json" in ours


def _pipe_closed() -> int:
    """Nobody reads on: nothing is left to say, and Python must not try to say it while it ends."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Status.PIPE_CLOSED
