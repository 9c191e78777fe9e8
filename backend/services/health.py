"""Services that look after hosts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from backend.connection.route_memory import RouteMemory
from backend.connection.sessions import Sessions
from backend.connection.vault import Vault
from backend.events import EventBus
from backend.services.commands import CommandServices

if TYPE_CHECKING:
    from backend.health.deep.service import DeepChecks
    from backend.health.history.service import MetricHistory
    from backend.health.monitor.service import HealthMonitor
    from backend.health.recovery.service import Recovery
    from backend.health.trends.service import Trends


class HealthServices(CommandServices):
    """Deep checks, their history, and what follows from it."""

    @cached_property
    def metric_history(self) -> MetricHistory:
        """What deep checks of hosts have read."""
        from backend.health.history.service import MetricHistory

        return MetricHistory(store=self.store, clock=self.clock, seed=self._readings_past)

    @cached_property
    def trends(self) -> Trends:
        """What the past of hosts says about what comes."""
        from backend.health.trends.service import Trends

        return Trends(history=self.metric_history, health=self.health, store=self.store, clock=self.clock)

    @cached_property
    def deep_checks(self) -> DeepChecks:
        """Looks into hosts."""
        from backend.health.deep.service import DeepChecks

        return DeepChecks(
            sessions=self.sessions,
            history=self.metric_history,
            bus=self.bus,
            clock=self.clock,
            limits=lambda host: self.book.health_options(host).thresholds or {},
        )

    @cached_property
    def recovery(self) -> Recovery:
        """Carries out what the settings allow it to do to hosts that are not well."""
        from backend.commands.values import CommandSpec
        from backend.health.recovery.ledger import Ledger
        from backend.health.recovery.service import Recovery

        return Recovery(
            sessions=self.sessions,
            link_of=lambda host: self.monitor.link_of(host),
            ledger=Ledger(self.store, self.clock),
            options=self.book.health_options,
            permit=self.production.ask,
            permit_to_run=lambda host, command: self.commands.permit(host, CommandSpec(command)),
            bus=self.bus,
            clock=self.clock,
        )

    @cached_property
    def monitor(self) -> HealthMonitor:
        """Looks into hosts again and again, once it is started."""
        from backend.health.monitor.service import HealthMonitor

        return HealthMonitor(
            checks=self.deep_checks,
            sessions=self.sessions,
            own_sessions=self._quiet_sessions,
            recovery=self.recovery,
            history=self.metric_history,
            options=self.book.health_options,
            bus=self.bus,
            clock=self.clock,
            chance=self._chance,
            at_once=self.book.settings.health.at_once,
        )

    def _quiet_sessions(self, bus: EventBus) -> Sessions:
        """Sessions that ask nobody anything, of which nobody hears but `bus` and the health of connections."""
        from backend.connection.interaction import Nobody
        from backend.connection.target import Keepalive

        self.health.listen_to(bus)
        return Sessions(
            connector=self._connector,
            book=self.book,
            interaction=Nobody(),
            bus=bus,
            clock=self.clock,
            vault=Vault(),
            memory=RouteMemory(self.store, self.clock),
            chance=self._chance,
            bulk_apart=False,
            keepalive=Keepalive(interval=60.0, late_after=20.0, misses=3),
        )

    async def start_monitor(self) -> None:
        """Begin to look after the hosts that the settings name, and after those that somebody is connected to."""
        from backend.health.monitor.wanted import watched_hosts

        self.monitor.start(await watched_hosts(self.book), live=self.book.settings.health.live)
