"""Services that run something on a host."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from backend.services.shared import Shared

if TYPE_CHECKING:
    from backend.commands.elevation.elevation import Elevation
    from backend.commands.executor import CommandService
    from backend.commands.history import CommandHistory
    from backend.commands.in_turn import SequenceService
    from backend.commands.jobs.service import JobService
    from backend.commands.many.service import ManyService
    from backend.commands.modules.service import ModuleService
    from backend.commands.policy.guard import CommandPolicy
    from backend.commands.processes.service import ProcessService
    from backend.commands.shells.service import ShellService
    from backend.commands.slurm.service import SlurmService
    from backend.commands.sudo import Sudo
    from backend.commands.terminals.service import TerminalService
    from backend.commands.values import CommandSpec, Opening
    from backend.connection.session import Session


class CommandServices(Shared):
    """Commands, and what is built on them."""

    @cached_property
    def commands(self) -> CommandService:
        """Runs commands."""
        from backend.commands.executor import CommandService
        from backend.metrics.work import watch_commands

        self.metrics.watch(watch_commands)
        return CommandService(
            sessions=self.sessions,
            bus=self.bus,
            clock=self.clock,
            admit=self._admit,
            permit=self.production.ask_to_run,
            elevation=self.elevation,
            usual=self._with_its_modules,
        )

    @cached_property
    def sequences(self) -> SequenceService:
        """Runs several commands in turn, and repeats."""
        from backend.commands.in_turn import SequenceService

        return SequenceService(self.commands, self.clock)

    async def _admit(self, host: str, spec: CommandSpec, *, agreed: bool = False) -> bool:
        """As `CommandPolicy.admit`; it is loaded only where there is something to look at."""
        from backend.commands.hints import may_be_dangerous

        if not may_be_dangerous(spec) and not self.book.command_options(host):
            return False
        return await self._policy.admit(host, spec, agreed=agreed)

    async def _ask_about(self, where: str, spec: CommandSpec) -> bool:
        """As `CommandPolicy.ask`."""
        from backend.commands.hints import may_be_dangerous

        return may_be_dangerous(spec) and await self._policy.ask(where, spec)

    @cached_property
    def _policy(self) -> CommandPolicy:
        from backend.commands.policy.guard import CommandPolicy

        return CommandPolicy(self.book.command_options, person=self._interaction, agreed=self._agreed)

    @cached_property
    def modules(self) -> ModuleService:
        """Environment modules, and commands with them loaded."""
        from backend.commands.modules.service import ModuleService

        return ModuleService(self.sessions, lambda: self.book.settings.module_sets)

    def _with_its_modules(self, session: Session) -> Opening | None:
        """What gives a command the modules of the host's profile, where it names any."""
        loads = session.target is not None and bool(session.target.workplace.modules)
        return self.modules.opening() if loads else None

    @cached_property
    def slurm(self) -> SlurmService:
        """Jobs of clusters."""
        from backend.commands.slurm.service import SlurmService

        return SlurmService(sessions=self.sessions, clock=self.clock, permit=self.production.ask, admit=self._admit)

    @cached_property
    def shells(self) -> ShellService:
        """Named sessions: shells that are kept open."""
        from backend.commands.shells.service import ShellService

        return ShellService(sessions=self.sessions, clock=self.clock)

    @cached_property
    def many(self) -> ManyService:
        """Runs a command on many hosts at once. From its first use on, what such a run asks is asked once."""
        from backend.commands.many.asking import AskedOnce
        from backend.commands.many.last import LastRuns
        from backend.commands.many.run import Surroundings
        from backend.commands.many.service import ManyService

        self._asked.person = asked = AskedOnce(self._asked.person)
        around = Surroundings(
            sessions=self.sessions,
            commands=self.commands,
            book=self.book,
            asked=asked,
            bus=self.bus,
            clock=self.clock,
            dangers=self._ask_about,
            permit=self.production.ask_to_run_on,
        )
        return ManyService(around, LastRuns(self.store, self.clock))

    @cached_property
    def history(self) -> CommandHistory:
        """The command lines that were typed, by host."""
        from backend.commands.history import CommandHistory

        return CommandHistory(store=self.store, clock=self.clock)

    @cached_property
    def jobs(self) -> JobService:
        """Starts, finds and stops what outlives the connection."""
        from backend.commands.jobs.service import JobService
        from backend.commands.values import CommandSpec

        return JobService(
            sessions=self.sessions,
            store=self.store,
            bus=self.bus,
            clock=self.clock,
            permit=self.production.ask,
            permit_to_run=lambda host, command: self.commands.permit(host, CommandSpec(command)),
        )

    @cached_property
    def processes(self) -> ProcessService:
        """Shows the processes of hosts, and signals them."""
        from backend.commands.processes.service import ProcessService

        return ProcessService(sessions=self.sessions, clock=self.clock, permit=self.production.ask)

    @cached_property
    def terminals(self) -> TerminalService:
        """Programs on terminals, and their screens."""
        from backend.commands.terminals.engines import make_emulator
        from backend.commands.terminals.service import TerminalService

        return TerminalService(
            sessions=self.sessions,
            bus=self.bus,
            clock=self.clock,
            permit=self.production.ask,
            make_emulator=make_emulator,
        )

    def elevation(self, host: str) -> Elevation:
        """Other users of a host; a password for that is asked for once."""
        from backend.commands.elevation.elevation import Elevation

        if host not in self._elevations:
            session = self.sessions.get(host)
            self._elevations[host] = Elevation(session, interaction=self._interaction, vault=self.vault)
        return self._elevations[host]

    def sudo(self, host: str) -> Sudo:
        """Root on a host, for scripts of ours."""
        from backend.commands.sudo import Sudo

        return Sudo(self.elevation(host), host)
