"""Runs parsed scripts on a simulated host: expansion, redirection, pipes, exit statuses."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from backend.errors import FileError
from mocks.host import SimulatedHost, User
from mocks.pipes import BrokenPipe, BytePipe, Collector, Null, Reader, TextSource, Writer
from mocks.shell.expansion import expand, pieces
from mocks.shell.parser import parse
from mocks.shell.run import COMMANDS, CommandFunction, OpenFile, Run, Streams, Terminal, decode, encode, reason_of
from mocks.shell.syntax import (
    Command,
    For,
    Group,
    If,
    Loop,
    Pipeline,
    Redirect,
    Script,
    ShellSyntaxError,
    Simple,
)

SIGNALS: Final = {"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "PIPE": 13, "TERM": 15}
_NOWHERE: Final[Writer] = Null()


class ExitShell(Exception):
    """`exit`: the shell ends with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Signalled(Exception):
    """The shell ends by a signal."""

    def __init__(self, signal: str) -> None:
        super().__init__(signal)
        self.signal = signal

    @property
    def status(self) -> int:
        """As another shell sees it in `$?`."""
        return 128 + SIGNALS.get(self.signal, 0)


class Shell:
    """One shell's state."""

    def __init__(
        self,
        host: SimulatedHost,
        user: User,
        *,
        environment: dict[str, str] | None = None,
        terminal: Terminal | None = None,
    ) -> None:
        self.host = host
        self.user = user
        self.terminal = terminal
        self.pid = host.new_pid()
        self.cwd = host.home_of(user.name)
        self.status = 0
        self.errors: Writer = _NOWHERE
        """Where the errors of `$(…)` go."""
        self.input: Reader = TextSource()
        """What `$(…)` reads: what the command would that it is part of."""
        self.trouble = False
        """Set by commands that went on after a failure; makes their status 1."""
        self.arguments: list[str] = ["sh"]
        self.at_exit = ""
        """What `trap … EXIT` has it do in the end."""
        self.modules: list[str] = []
        self.variables: dict[str, str] = {
            **host.environment,
            "HOME": decode(user.home_path),
            "USER": user.name,
            "LOGNAME": user.name,
            "SHELL": user.shell,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PWD": decode(self.cwd),
            **(environment or {}),
        }
        self.exported = set(self.variables)
        if terminal:
            self.variables["TERM"] = terminal.term
            self.exported.add("TERM")

    def child(self) -> Shell:
        """A subshell: changes in it stay in it."""
        child = Shell(self.host, self.user, terminal=self.terminal)
        child.pid, child.cwd, child.status, child.errors = self.pid, self.cwd, self.status, self.errors
        child.variables, child.exported = dict(self.variables), set(self.exported)
        child.arguments, child.modules = list(self.arguments), self.modules
        return child

    def path(self, text: str) -> bytes:
        raw = encode(text)
        return raw if raw.startswith(b"/") else self.cwd.rstrip(b"/") + b"/" + raw

    def change_directory(self, text: str) -> None:
        """Raises FileError."""
        path = self.path(text)
        self.host.tree.directory(path, self.user.actor)
        self.cwd = self.host.tree.find(path, self.user.actor).path
        self.variables["OLDPWD"], self.variables["PWD"] = self.variables["PWD"], decode(self.cwd)

    # --- running ---------------------------------------------------------------------------------------------

    async def run_text(self, text: str, streams: Streams) -> int:
        """Parse and run. Raises ExitShell and Signalled."""
        try:
            script = parse(text)
        except ShellSyntaxError as error:
            await streams.stderr.write(encode(f"sh: 1: {error}\n"))
            self.status = 2
        else:
            await self.run_script(script, streams)
        return self.status

    async def run_script(self, script: Script, streams: Streams) -> int:
        for operator, pipeline in script.steps:
            skipped = {"&&": self.status != 0, "||": self.status == 0}.get(operator, False)
            if not skipped:
                self.status = await self._pipeline(pipeline, streams)
        return self.status

    async def _pipeline(self, pipeline: Pipeline, streams: Streams) -> int:
        await asyncio.sleep(0)
        if len(pipeline.commands) == 1:
            status = await self._command(pipeline.commands[0], streams)
        else:
            status = await self._connected(pipeline.commands, streams)
        return int(status == 0) if pipeline.negated else status

    async def _connected(self, commands: tuple[Command, ...], streams: Streams) -> int:
        """Each command in a subshell, each one's output the next one's input; the last one's status."""
        pipes = [BytePipe() for _ in commands[1:]]
        tasks = []
        for index, item in enumerate(commands):
            incoming = pipes[index - 1] if index else None
            outgoing = pipes[index] if index < len(pipes) else None
            own = Streams(incoming or streams.stdin, outgoing or streams.stdout, streams.stderr)
            tasks.append(asyncio.create_task(self.child()._stage(item, own, incoming, outgoing)))
        try:
            return [await task for task in tasks][-1]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _stage(
        self, item: Command, streams: Streams, incoming: BytePipe | None, outgoing: BytePipe | None
    ) -> int:
        try:
            return await self._command(item, streams)
        except BrokenPipe:
            return 128 + SIGNALS["PIPE"]
        except (ExitShell, Signalled) as end:
            return end.status
        finally:
            if incoming:
                incoming.stop_reading()
            if outgoing:
                outgoing.write_eof()

    async def _command(self, item: Command, streams: Streams) -> int:
        try:
            own = await self._redirected(item.redirects, streams)
        except FileError as error:
            await streams.stderr.write(encode(f"sh: 1: cannot open {error.evidence['path']}: {reason_of(error)}\n"))
            return 2
        if isinstance(item, Simple):
            return await self._simple(item, own)
        if isinstance(item, Group):
            return await self._group(item, own)
        return await self._compound(item, own)

    async def _group(self, item: Group, streams: Streams) -> int:
        if not item.subshell:
            return await self.run_script(item.body, streams)
        try:
            return await self.child().run_script(item.body, streams)
        except (ExitShell, Signalled) as end:
            return end.status

    async def _compound(self, item: If | Loop | For, streams: Streams) -> int:
        status = 0
        if isinstance(item, If):
            for condition, body in item.branches:
                if await self.run_script(condition, streams) == 0:
                    return await self.run_script(body, streams)
            return await self.run_script(item.otherwise, streams) if item.otherwise else 0
        if isinstance(item, Loop):
            while (await self.run_script(item.condition, streams) == 0) is not item.until:
                status = await self.run_script(item.body, streams)
            return status
        for value in await expand(self, item.words):
            self.variables[item.name] = value
            status = await self.run_script(item.body, streams)
        return status

    async def _simple(self, item: Simple, streams: Streams) -> int:
        self.input = streams.stdin
        words = await expand(self, item.words)
        values = {name: "".join(await pieces(self, word)) for name, word in item.assignments}
        if not words:
            self.variables |= values
            return self.status if not values else 0
        if not values:
            return await self.execute(words, streams)
        before, exported = {name: self.variables.get(name) for name in values}, set(self.exported)
        self.variables |= values
        self.exported |= set(values)
        try:
            return await self.execute(words, streams)
        finally:
            # What the command itself has set stays, as `IFS= read -r line` does.
            self.exported = exported
            for name, value in before.items():
                self.variables.pop(name, None)
                self.variables |= {} if value is None else {name: value}

    async def execute(self, words: list[str], streams: Streams) -> int:
        """Run one command by its words."""
        name = words[0].rpartition("/")[2] if words[0].startswith(("/bin/", "/usr/bin/", "/usr/sbin/")) else words[0]
        function = self.function(name)
        if function is None:
            return await self._unknown(words[0], streams)
        self.trouble = False
        try:
            status = await function(Run(self, name, words[1:], streams))
        except FileError as error:
            await streams.stderr.write(encode(f"{name}: {error.evidence.get('path', '')}: {reason_of(error)}\n"))
            status = 1
        except (ValueError, LookupError, TypeError):
            # These commands read only the arguments that people usually give.
            await streams.stderr.write(encode(f"{name}: arguments that this simulated command does not know\n"))
            status = 2
        return status or int(self.trouble)

    def function(self, name: str) -> CommandFunction | None:
        """The command of that name, where the host has it."""
        lacks = {"nvidia-smi": not self.host.machine.gpus}
        lacks |= dict.fromkeys(
            ("squeue", "sinfo", "sbatch", "scancel", "scontrol", "module", "ml"), self.host.machine.cluster is None
        )
        return None if lacks.get(name, False) else COMMANDS.get(name)

    async def _unknown(self, name: str, streams: Streams) -> int:
        reason, status = "not found", 127
        if "/" in name and self.host.tree.exists(self.path(name), self.user.actor):
            reason, status = "Permission denied", 126
        await streams.stderr.write(encode(f"sh: 1: {name}: {reason}\n"))
        return status

    # --- redirection -----------------------------------------------------------------------------------------

    async def _redirected(self, redirects: tuple[Redirect, ...], streams: Streams) -> Streams:
        stdin, outputs = streams.stdin, {1: streams.stdout, 2: streams.stderr}
        for redirect in redirects:
            target = "".join(await pieces(self, redirect.target))
            if redirect.operator == ">&":
                outputs[redirect.descriptor] = (
                    outputs.get(int(target), streams.stdout) if target.isdecimal() else _NOWHERE
                )
            elif redirect.operator == "<&":
                continue  # one standard input is all there is
            elif redirect.operator == "<":
                path = self.path(target)
                stdin = OpenFile(self.host, self.host.tree.open_reading(path, self.user.actor), path)
            else:
                outputs[redirect.descriptor] = self._open_output(target, append=redirect.operator == ">>")
        return Streams(stdin, outputs[1], outputs[2])

    def _open_output(self, target: str, *, append: bool) -> OpenFile:
        path, tree = self.path(target), self.host.tree
        node = tree.open_writing(path, self.user.actor)
        if not append:
            tree.truncate(node, 0, path)
        return OpenFile(self.host, node, path, offset=node.content.size if append and hasattr(node, "content") else 0)

    # --- values ----------------------------------------------------------------------------------------------

    def value_of(self, name: str) -> str:
        """A variable or special parameter; empty when unset."""
        special = {
            "?": str(self.status),
            "$": str(self.pid),
            "#": str(len(self.arguments) - 1),
            "@": " ".join(self.arguments[1:]),
            "*": " ".join(self.arguments[1:]),
        }
        if name in special:
            return special[name]
        if name.isdecimal():
            return self.arguments[int(name)] if int(name) < len(self.arguments) else ""
        return self.variables.get(name, "")

    def tilde(self, text: str) -> str:
        """`text` with a leading `~` or `~name` replaced by that home directory."""
        name, slash, rest = text.partition("/")
        if not name.startswith("~"):
            return text
        user = self.host.users.get(name[1:])
        home = self.variables.get("HOME", "/") if name == "~" else decode(user.home_path) if user else name
        return home + slash + rest

    async def substitute(self, script: str) -> str:
        """What `script` prints, without the line ends at its end."""
        output = Collector()
        child = self.child()
        with suppress(BrokenPipe):
            try:
                self.status = await child.run_text(script, Streams(self.input, output, self.errors))
            except (ExitShell, Signalled) as end:
                self.status = end.status
        return decode(bytes(output.data)).rstrip("\n")
