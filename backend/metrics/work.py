"""Metrics of what is done over a connection: commands, transfers, forwards. Each is fed once its room is loaded."""

from __future__ import annotations

from backend.errors import FairleadError
from backend.events import EventBus
from backend.metrics.registry import Registry

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


def watch_commands(registry: Registry, bus: EventBus) -> None:
    """Count commands as they end."""
    from backend.commands.values import CommandChanged, CommandOutcome

    commands = registry.counter("fairlead_commands_total", "Commands that have ended.", ("host", "result"))
    volume = registry.counter("fairlead_command_bytes_total", "Output of commands.", ("host", "stream"))
    seconds = registry.histogram("fairlead_command_seconds", "How long commands ran.", ("host",), bounds=SECONDS)

    def result(outcome: CommandOutcome) -> str:
        if outcome.error is not None or outcome.exit is None:
            return _code(outcome.error)
        if outcome.exit.signal is not None:
            return "signal"
        return "zero" if outcome.exit.status == 0 else "nonzero"

    def changed(event: CommandChanged) -> None:
        if event.outcome is not None:
            commands.add(1, event.host, result(event.outcome))
            volume.add(event.outcome.bytes_out, event.host, "out")
            volume.add(event.outcome.bytes_err, event.host, "err")
            seconds.observe(event.outcome.seconds, event.host)

    bus.subscribe(CommandChanged, changed)


def watch_transfers(registry: Registry, bus: EventBus) -> None:
    """Count transfers as they end."""
    from backend.files.transfer import TransferChanged

    transfers = registry.counter("fairlead_transfers_total", "Transfers that have ended.", ("host", "result"))
    volume = registry.counter("fairlead_transfer_bytes_total", "Bytes of transfers.", ("host", "how"))
    files = registry.counter("fairlead_transfer_files_total", "Files of transfers.", ("host", "result"))
    restarts = registry.counter("fairlead_transfer_restarts_total", "Transfers that went on over a loss.", ("host",))
    seconds = registry.histogram("fairlead_transfer_seconds", "How long transfers took.", ("host",), bounds=SECONDS)

    def changed(event: TransferChanged) -> None:
        if (outcome := event.outcome) is None:
            return
        progress = outcome.progress
        transfers.add(1, event.host, "done" if outcome.error is None else _code(outcome.error))
        volume.add(progress.sent_bytes, event.host, "sent")
        volume.add(progress.resumed_bytes, event.host, "resumed")
        for name, count in (("done", progress.files_done), ("skipped", progress.skipped), ("failed", progress.failed)):
            files.add(count, event.host, name)
        restarts.add(progress.restarts, event.host)
        seconds.observe(outcome.seconds, event.host)

    bus.subscribe(TransferChanged, changed)


def watch_forwards(registry: Registry, bus: EventBus) -> None:
    """Count what forwards carry, all of a host together; each event tells the sums of one forward so far."""
    from backend.forwards.model import ForwardChanged, ForwardCounted, ForwardView

    volume = registry.counter("fairlead_forward_bytes_total", "Bytes of forwards.", ("host", "direction"))
    connections = registry.counter("fairlead_forward_connections_total", "Connections of forwards.", ("host", "result"))
    current = registry.gauge("fairlead_forward_connections", "Connections of forwards now.", ("host",))
    before: dict[tuple[str, int], ForwardView] = {}

    def counted(event: ForwardCounted | ForwardChanged) -> None:
        view, host = event.view, event.host
        old = before.get((host, view.id))
        before[host, view.id] = view
        volume.add(view.sent - (old.sent if old else 0), host, "sent")
        volume.add(view.received - (old.received if old else 0), host, "received")
        connections.add(view.total - (old.total if old else 0), host, "asked")
        connections.add(view.refused - (old.refused if old else 0), host, "refused")
        connections.add(view.errors - (old.errors if old else 0), host, "failed")
        current.set(sum(one.open for (whose, _), one in before.items() if whose == host), host)

    bus.subscribe(ForwardCounted, counted)
    bus.subscribe(ForwardChanged, counted)


def _code(error: FairleadError | None) -> str:
    return "unknown" if error is None else error.code.value
