"""The person's own editor: which one it is, as git(1) and sudoedit(8) find it, and how it gets the terminal."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
from collections.abc import Mapping
from contextlib import ExitStack

from backend.errors import Advice, Code, ConfigError

USUAL = ("sensible-editor", "editor", "nano", "vim", "vi", "micro", "emacs")
"""Tried in this order where neither VISUAL nor EDITOR is set."""
AT_ONCE = 1.5
"""Seconds: an editor that is back sooner with nothing changed probably opened a window of its own and did not wait."""


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """The command line of the editor, to which the file is added. Raises ConfigError (USAGE) where there is none."""
    for name in ("VISUAL", "EDITOR"):
        words = _words(environ.get(name, ""))
        if words:
            return _found(words, name)
    for program in USUAL:
        if shutil.which(program):
            return [program]
    raise _none("there is no editor: neither VISUAL nor EDITOR is set, and none of the usual ones is installed")


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return [text]


def _found(words: list[str], name: str) -> list[str]:
    if shutil.which(words[0]) is None:
        raise _none(f"the editor of {name}, {words[0]}, is not there")
    return words


def _none(problem: str) -> ConfigError:
    advice = (Advice("Say which one to use.", "export EDITOR=nano"),)
    return ConfigError(Code.USAGE, evidence={"problem": problem}, advice=advice)


async def run_editor(command: list[str], path: str) -> int:
    """Run the editor on this terminal; its status. The loop goes on meanwhile: connections stay up.

    Raises ConfigError (USAGE) where it cannot be started.
    """
    with ExitStack() as stack:
        stdin, stdout = (_terminal_for(number, stack) for number in (0, 1))
        try:
            process = await asyncio.create_subprocess_exec(*command, path, stdin=stdin, stdout=stdout)
        except OSError as error:
            problem = f"the editor {command[0]} cannot be started: {error.strerror}"
            raise ConfigError(Code.USAGE, evidence={"problem": problem}) from error
        return await process.wait()


def _terminal_for(number: int, stack: ExitStack) -> int | None:
    """The terminal in place of a stream that is a pipe or a file; None leaves the stream."""
    if os.isatty(number):
        return None
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    stack.callback(os.close, terminal)
    return terminal
