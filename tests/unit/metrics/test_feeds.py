"""What happens on the bus, as metrics: every event counted once, under the host and route that it concerns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from backend.commands.values import CommandChanged, CommandOutcome, CommandSpec, CommandState
from backend.connection.asked import HeardInteraction, PersonAsked
from backend.connection.connector import ExitReport, Phase, PhasePassed
from backend.connection.interaction import Nobody, SecretKind, SecretRequest
from backend.connection.session import PhaseSeen
from backend.connection.state import SessionChanged, SessionState
from backend.connection.vault import Secret
from backend.errors import AuthError, Code, ConnectError, FairleadError, LinkLost, TimeLimitError
from backend.events import Event, EventBus
from backend.files.model import TransferOutcome, TransferProgress, TransferState
from backend.files.transfer import TransferChanged
from backend.metrics.collector import Metrics
from backend.metrics.registry import Counter, Gauge, Histogram
from backend.metrics.render import prometheus_text
from backend.metrics.work import watch_commands, watch_forwards, watch_transfers
from mocks.clock import VirtualClock
from tests.support.demo import open_demo
from tests.support.scripted import hop
from tests.unit.metrics.exposition import read_exposition

S = SessionState


class Bench:
    def __init__(self) -> None:
        self.bus = EventBus()
        self.metrics = Metrics(self.bus, lambda host: "jump")
        for room in (watch_commands, watch_transfers, watch_forwards):
            self.metrics.watch(room)

    def change(self, old: SessionState, new: SessionState, error: FairleadError | None = None) -> None:
        self.bus.publish(SessionChanged("web-1", old, new, "", datetime(2026, 3, 2, tzinfo=UTC), error))

    def passed(self, phase: Phase, seconds: float, **evidence: str) -> None:
        self.bus.publish(PhaseSeen("web-1", PhasePassed(hop("web-1"), phase, seconds, evidence)))

    def connects(self) -> None:
        self.change(S.CLOSED, S.RESOLVING)
        self.passed(Phase.TCP, 0.25)
        self.passed(Phase.AUTH, 0.5, method="publickey")
        self.change(S.AUTHENTICATING, S.READY)

    def value(self, name: str, *labels: str) -> float:
        family = next(one for one in self.metrics.registry.families() if one.name == name)
        assert isinstance(family, Counter | Gauge)
        return family.series.get(labels, 0.0)

    def sum(self, name: str, *labels: str) -> float:
        family = next(one for one in self.metrics.registry.families() if one.name == name)
        assert isinstance(family, Histogram)
        return family.series[labels].sum


def test_a_connection_that_is_shared_is_no_login_and_took_no_time() -> None:
    bench = Bench()
    bench.change(S.CLOSED, S.RESOLVING)
    for name, seconds in (("web-1", 0.25), ("bastion", 0.0)):
        bench.bus.publish(PhaseSeen("web-1", PhasePassed(hop(name), Phase.AUTH, seconds, {}, shared=True)))
    bench.change(S.AUTHENTICATING, S.READY)
    assert bench.value("fairlead_connects_total", "web-1", "jump", "succeeded") == 1
    families = {family.name: family for family in bench.metrics.registry.families()}
    for name in ("fairlead_logins_total", "fairlead_connect_seconds", "fairlead_connect_phase_seconds"):
        family = families[name]
        assert isinstance(family, Counter | Histogram)
        assert not family.series


def test_a_login_is_counted_with_its_route_method_and_phases() -> None:
    bench = Bench()
    bench.connects()
    assert bench.value("fairlead_connects_total", "web-1", "jump", "succeeded") == 1
    assert bench.value("fairlead_logins_total", "web-1", "publickey") == 1
    assert bench.value("fairlead_session_up", "web-1", "jump") == 1
    assert bench.sum("fairlead_connect_seconds", "web-1", "jump") == 0.75
    assert bench.sum("fairlead_connect_phase_seconds", "web-1", "auth") == 0.5


def test_failures_are_told_apart_from_what_somebody_declined() -> None:
    bench = Bench()
    bench.change(S.CONNECTING, S.FAILED, ConnectError(Code.TCP_REFUSED))
    bench.change(S.AUTHENTICATING, S.FAILED, AuthError(Code.NEEDS_PERSON))
    assert bench.value("fairlead_connects_total", "web-1", "jump", "failed") == 1
    assert bench.value("fairlead_connects_total", "web-1", "jump", "declined") == 1
    assert bench.value("fairlead_connect_failures_total", "web-1", "TCP_REFUSED") == 1


def test_a_loss_its_retries_and_its_end_are_counted() -> None:
    bench = Bench()
    bench.connects()
    bench.change(S.READY, S.RECONNECTING, LinkLost(Code.KEEPALIVE_LOST))
    assert bench.value("fairlead_session_up", "web-1", "jump") == 0
    bench.change(S.RECONNECTING, S.RESOLVING)
    bench.change(S.CONNECTING, S.RECONNECTING, ConnectError(Code.TCP_TIMEOUT))
    bench.connects()
    assert bench.value("fairlead_losses_total", "web-1", "KEEPALIVE_LOST") == 1
    assert bench.value("fairlead_retries_total", "web-1") == 2
    assert bench.value("fairlead_reconnects_total", "web-1") == 1


def test_commands_are_counted_by_how_they_ended() -> None:
    bench = Bench()
    ends = [
        CommandOutcome(ExitReport(0), None, 0.5, 100, 7),
        CommandOutcome(ExitReport(3), None, 0.5, 0, 0),
        CommandOutcome(ExitReport(None, "TERM"), None, 0.5, 0, 0),
        CommandOutcome(None, TimeLimitError(Code.TIME_LIMIT), 0.5, 0, 0),
    ]
    bench.bus.publish(CommandChanged("web-1", "c1", CommandState.RUNNING))
    for outcome in ends:
        bench.bus.publish(CommandChanged("web-1", "c1", CommandState.ENDED, outcome))
    for result in ("zero", "nonzero", "signal", "TIME_LIMIT"):
        assert bench.value("fairlead_commands_total", "web-1", result) == 1
    assert bench.value("fairlead_command_bytes_total", "web-1", "out") == 100


def test_transfers_are_counted_with_their_bytes() -> None:
    bench = Bench()
    progress = TransferProgress(files_done=2, sent_bytes=500, resumed_bytes=300, failed=1, restarts=1)
    outcome = TransferOutcome(progress, 2.0)
    bench.bus.publish(TransferChanged("web-1", "t1", TransferState.COPYING))
    bench.bus.publish(TransferChanged("web-1", "t1", TransferState.DONE, outcome))
    assert bench.value("fairlead_transfers_total", "web-1", "done") == 1
    assert bench.value("fairlead_transfer_bytes_total", "web-1", "sent") == 500
    assert bench.value("fairlead_transfer_files_total", "web-1", "failed") == 1
    assert bench.value("fairlead_transfer_restarts_total", "web-1") == 1


async def test_a_question_is_told_without_its_answer() -> None:
    class Somebody(Nobody):
        async def secret(self, request: SecretRequest) -> Secret | None:
            return Secret("hunter2")

    bench, events = Bench(), list[Event]()
    bench.bus.subscribe(Event, events.append)
    request = SecretRequest(SecretKind.PASSWORD, "web-1", "deploy")
    given = await HeardInteraction(Somebody(), bench.bus, VirtualClock()).secret(request)
    await HeardInteraction(Nobody(), bench.bus, VirtualClock()).secret(request)
    assert given is not None
    assert events == [PersonAsked("web-1", "password", True, 0.0), PersonAsked("web-1", "password", False, 0.0)]
    assert bench.value("fairlead_prompts_total", "web-1", "password", "given") == 1
    assert bench.value("fairlead_prompts_total", "web-1", "password", "declined") == 1


async def test_a_whole_program_feeds_metrics_that_prometheus_can_read(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as demo:
        services = demo.services
        ran = await services.commands.run("web-1", CommandSpec(b"hostname"))
        families = read_exposition(prometheus_text(services.metrics.registry))
    assert ran.succeeded
    route = (("host", "web-1"), ("route", "direct"))
    assert (
        families["fairlead_connects_total"].samples["fairlead_connects_total", (*route, ("result", "succeeded"))] == 1
    )
    phases = {dict(labels)["phase"] for _, labels in families["fairlead_connect_phase_seconds"].samples}
    assert phases == {"name", "tcp", "banner", "kex", "host_key", "auth"}
    assert "fairlead_round_trip_seconds" in families
    assert families["fairlead_command_bytes_total"].samples
