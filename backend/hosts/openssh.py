"""Asks the OpenSSH client what holds for a host: `ssh -G` (ssh(1)). OpenSSH's own answer is the only right one."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import Advice, Code, ConfigError
from backend.hosts.config_files import list_hosts, read_config
from backend.hosts.entries import HostEntry
from backend.hosts.names import Spec
from backend.hosts.options import Options
from backend.text import clean_line, show_bytes

TIME_LIMIT = 10.0
"""Seconds for one answer; `Match exec` and CanonicalizeHostname may take time."""

_COMPLAINT = re.compile(r"(?P<file>.+?):? line (?P<line>\d+): (?P<what>.+)")


@dataclass(slots=True)
class OpenSsh:
    """The OpenSSH client of this machine."""

    program: str
    config: Path | None
    """`-F`; None leaves the choice (~/.ssh/config and /etc/ssh/ssh_config) to ssh."""
    home: Path
    environ: Mapping[str, str]
    time_limit: float = TIME_LIMIT
    _unconfigured: Options | None = field(default=None, init=False)

    async def entries(self) -> tuple[HostEntry, ...]:
        """The concrete names of the user's file, without asking ssh."""
        path = self.config or self.home / ".ssh" / "config"
        return await asyncio.to_thread(lambda: list_hosts(read_config(path, self.home, self.environ)))

    async def options(self, spec: Spec, jump: str | None) -> Options:
        """What holds for a host. Raises ConfigError CONFIG_INVALID: file and line where ssh names them."""
        arguments = ["-F", str(self.config)] if self.config is not None else []
        if spec.user:
            arguments += ["-l", spec.user]
        if spec.port:
            arguments += ["-p", str(spec.port)]
        if jump is not None:
            arguments += ["-J", jump]
        return await self._ask(*arguments, "--", spec.host)

    async def unconfigured(self) -> Options:
        """What holds without any file; asked once."""
        if self._unconfigured is None:
            self._unconfigured = await self._ask("-F", "none", "--", "unconfigured.invalid")
        return self._unconfigured

    async def _ask(self, *arguments: str) -> Options:
        status, out, err = await self._run(*arguments)
        if status != 0:
            raise complaint(err)
        return read_options(out)

    async def _run(self, *arguments: str) -> tuple[int, bytes, bytes]:
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                self.program,
                "-T",
                "-G",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                start_new_session=True,
            )
        except OSError as error:
            raise _invalid(f"{self.program} cannot be started: {error.strerror}") from error
        try:
            async with asyncio.timeout(self.time_limit):
                out, err = await process.communicate()
        except TimeoutError as error:
            raise _invalid(
                f"ssh -G gave no answer within {self.time_limit:g} s; "
                "a `Match exec` or CanonicalizeHostname in the ssh configuration may be waiting for something"
            ) from error
        finally:
            if process.returncode is None:
                _kill(process)
                await process.wait()
        return process.returncode or 0, out, err


def read_options(output: bytes) -> Options:
    """The lines of `ssh -G`, by keyword; values as they stand."""
    found: dict[str, tuple[str, ...]] = {}
    for line in output.decode("utf-8", "surrogateescape").splitlines():
        keyword, _, value = line.partition(" ")
        if keyword:
            found[keyword.lower()] = (*found.get(keyword.lower(), ()), value)
    return found


def complaint(stderr: bytes) -> ConfigError:
    """What ssh had against its configuration, as our error; the first complaint counts."""
    lines = [clean_line(show_bytes(line)).strip() for line in stderr.splitlines() if line.strip()]
    for line in lines:
        if match := _COMPLAINT.fullmatch(line):
            problem = f"{match['file']}:{match['line']}: {match['what']}"
            return _invalid(problem, file=match["file"], line=match["line"])
    if lines and lines[0].startswith("jumphost loop"):
        return jump_loop(lines[0])
    return _invalid(lines[0] if lines else "ssh -G failed without a word")


def jump_loop(problem: str, **evidence: str) -> ConfigError:
    """Jump hosts that are reached through each other."""
    step = Advice("Except the jump host itself from the block that names it, as in: Host *.corp !bastion.corp")
    return ConfigError(Code.CONFIG_INVALID, evidence={"problem": problem, **evidence}, advice=(step,))


def _kill(process: asyncio.subprocess.Process) -> None:
    """End ssh and what its `Match exec` started, which would hold our pipes open."""
    with suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _invalid(problem: str, **evidence: str) -> ConfigError:
    steps = (Advice("Mend the line, then see what ssh itself makes of it.", "ssh -G HOST"),)
    return ConfigError(Code.CONFIG_INVALID, evidence={"problem": problem, **evidence}, advice=steps)
