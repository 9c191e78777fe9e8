"""Asks the OpenSSH client what holds for a host: `ssh -G` (ssh(1)). OpenSSH's own answer is the only right one."""

from __future__ import annotations

import asyncio
import difflib
import os
import re
import shlex
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import field, replace
from itertools import chain
from pathlib import Path

from backend.dataclass import dataclass
from backend.errors import Advice, Code, ConfigError
from backend.hosts.config_files import list_hosts, places, read_config
from backend.hosts.entries import HostEntry
from backend.hosts.names import Spec
from backend.hosts.options import Options, Question
from backend.patterns import pattern
from backend.settings.problems import Problem
from backend.tasks import together
from backend.text import clean_line, show_bytes

TIME_LIMIT = 10.0
"""Seconds for one answer; `Match exec` and CanonicalizeHostname may take time."""

_MEND = Advice("Mend the line, then see what ssh itself makes of it.", "ssh -G HOST")
_UNKNOWN = pattern(r"Bad configuration option: (\S+)")
_SYSTEM = Path("/etc/ssh/ssh_config")
_ABOUT_THE_HOST = ("ssh: Could not resolve", "jumphost loop")
"""Complaints about what it was asked, and not about its files."""
_COMPLAINT = pattern(r"(?P<file>.+?):? line (?P<line>\d+): (?P<what>.+)")


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
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _expected: dict[Question, Options] = field(default_factory=dict, init=False)
    """What will be asked about soon, and was found out for many hosts together."""

    async def entries(self) -> tuple[HostEntry, ...]:
        """The concrete names of the user's file, without asking ssh."""
        return await asyncio.to_thread(lambda: list_hosts(read_config(self._file, self.home, self.environ)))

    async def places(self, spec: Spec) -> Mapping[str, str]:
        """As far as our own reading of the files goes; what ssh says differently for an unconfigured host and we do not
        find (a `Match`, another file), has no place."""
        files = (self._file,) if self.config is not None else (self._file, _SYSTEM)

        def read() -> dict[str, str]:
            return places(chain(*(read_config(file, self.home, self.environ) for file in files)), spec.host)

        found = await asyncio.to_thread(read)
        said = await self.options(spec, None)
        usual = {**await self.unconfigured(), "hostname": (spec.host,)}
        changed = {word for word in said if said[word] != usual.get(word)}
        return {**dict.fromkeys(changed, ""), **{word: place for word, place in found.items() if place}}

    async def options(self, spec: Spec, jump: str | None) -> Options:
        """What holds for a host. Raises ConfigError CONFIG_INVALID: file and line where ssh names them."""
        if (known := self._expected.pop((spec, jump), None)) is not None:
            return known
        arguments = self._files()
        if spec.user:
            arguments += ["-l", spec.user]
        if spec.port:
            arguments += ["-p", str(spec.port)]
        if jump is not None:
            arguments += ["-J", jump]
        try:
            return await self._ask(*arguments, "--", spec.host)
        except ConfigError as error:
            raise self._asked_about(error, spec) from error.__cause__

    async def mistakes(self) -> tuple[Problem, ...]:
        """What ssh has against its files, whichever host it is asked about."""
        try:
            keywords = await self.unconfigured()
            status, _, err = await self._run(*self._files(), "--", "unconfigured.invalid")
        except ConfigError as error:
            return (Problem(self._file, None, "", error.evidence["problem"]),)
        return problems(err, self._file, tuple(keywords)) if status else ()

    async def unconfigured(self) -> Options:
        """What holds without any file; asked once, however many want to know."""
        async with self._turn:
            if self._unconfigured is None:
                self._unconfigured = await self._ask("-F", "none", "--", "unconfigured.invalid")
        return self._unconfigured

    @asynccontextmanager
    async def expecting(self, questions: Sequence[Question]) -> AsyncIterator[None]:
        """Within the block, what ssh says of hosts that are written down alike is told from two answers; see `alike`.

        The files count as they are at its beginning.
        """
        self._expected.update(await self._told_together(questions))
        try:
            yield
        finally:
            for question in questions:
                self._expected.pop(question, None)

    async def _told_together(self, questions: Sequence[Question]) -> dict[Question, Options]:
        from backend.hosts import alike  # only runs on many hosts need it

        files = (self._file,) if self.config is not None else (self._file, _SYSTEM)

        def read() -> list[list[alike.Written]]:
            lines = list(chain(*(read_config(file, self.home, self.environ) for file in files)))
            return alike.alike(lines, questions)

        told: dict[Question, Options] = {}
        for group in await asyncio.to_thread(read):
            first, second = group[0], alike.second_probe(group)
            with suppress(ConfigError):  # each host gets to hear of it by itself
                asking = (self.unconfigured(), *(self.options(*one.question) for one in (first, second)))
                answers = (await together(asking))[1:]
                told |= zip((first.question, second.question), answers, strict=True)
                if alike.foretold(first, answers[0], second) == answers[1]:
                    told |= {
                        other.question: alike.foretold(first, answers[0], other)
                        for other in group
                        if other.question not in told and alike.is_shown(first, second, other)
                    }
        return told

    @property
    def _file(self) -> Path:
        """The one that it begins with."""
        return self.config or self.home / ".ssh" / "config"

    def _files(self) -> list[str]:
        return ["-F", str(self.config)] if self.config is not None else []

    def _asked_about(self, error: ConfigError, spec: Spec) -> ConfigError:
        """`error`, with the command line that shows the same where it is ssh's own complaint."""
        if error.advice != (_MEND,):
            return error
        command = shlex.join(["ssh", *self._files(), "-G", spec.host])
        return ConfigError(error.code, evidence=error.evidence, advice=(replace(_MEND, command=command),))

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


def problems(stderr: bytes, file: Path, keywords: Sequence[str]) -> tuple[Problem, ...]:
    """All that ssh had against its files, `file` being the one that it begins with; `keywords` are those it knows."""
    lines = _lines(stderr)
    found = tuple(_problem(match, keywords) for line in lines if (match := _COMPLAINT.fullmatch(line)))
    if found or not lines or lines[0].startswith(_ABOUT_THE_HOST):
        return found
    return (Problem(file, None, "", lines[0]),)


def _problem(match: re.Match[str], keywords: Sequence[str]) -> Problem:
    unknown = _UNKNOWN.fullmatch(match["what"])
    key = unknown[1] if unknown is not None else ""
    near = next(iter(difflib.get_close_matches(key, keywords, n=1)), None)
    hint = f"; did you mean {near}?" if near is not None else ""
    return Problem(Path(match["file"]), int(match["line"]), key, f"{match['what'].removesuffix('.')}{hint}", near)


def _lines(stderr: bytes) -> list[str]:
    return [clean_line(show_bytes(line)).strip() for line in stderr.splitlines() if line.strip()]


def complaint(stderr: bytes) -> ConfigError:
    """What ssh had against its configuration, as our error; the first complaint counts."""
    lines = _lines(stderr)
    for line in lines:
        if match := _COMPLAINT.fullmatch(line):
            problem = f"{match['file']}:{match['line']}: {match['what']}"
            return _invalid(problem, file=match["file"], line=match["line"])
    if lines and lines[0].startswith("jumphost loop"):
        return JumpLoop(lines[0])
    return _invalid(lines[0] if lines else "ssh -G failed without a word")


class JumpLoop(ConfigError):
    """Jump hosts that are reached through each other."""

    def __init__(self, problem: str, **evidence: str) -> None:
        step = Advice("Except the jump host itself from the block that names it, as in: Host *.corp !bastion.corp")
        super().__init__(Code.CONFIG_INVALID, evidence={"problem": problem, **evidence}, advice=(step,))


def _kill(process: asyncio.subprocess.Process) -> None:
    """End ssh and what its `Match exec` started, which would hold our pipes open."""
    with suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _invalid(problem: str, **evidence: str) -> ConfigError:
    return ConfigError(Code.CONFIG_INVALID, evidence={"problem": problem, **evidence}, advice=(_MEND,))
