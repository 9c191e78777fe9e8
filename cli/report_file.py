"""A file that a report goes to: judged before anybody connects, said when it is written."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from backend.dataclass import dataclass

if TYPE_CHECKING:
    from backend.diagnostics.checks import Check
    from backend.diagnostics.rungs import Diagnosis
    from backend.diagnostics.server_side.findings import NotSeen, ServerSide
    from backend.diagnostics.slowness.report import SlowReport
    from backend.reports.model import Report
    from backend.reports.rendering import Format
    from backend.reports.target_file import TargetFile
    from cli.execute import Services

report_option = click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a report as well: FILE.md, FILE.html or FILE.json; a file that is there is replaced.",
)


@dataclass(frozen=True, slots=True)
class ReportFile:
    """Where a report goes, and in which format."""

    target: TargetFile
    form: Format

    @classmethod
    def named(cls, path: Path | None, form: Format | None = None) -> Self | None:
        """None without a path. `form` counts before the suffix. Raises ConfigError (USAGE)."""
        if path is None:
            return None
        from backend.reports.rendering import format_of
        from backend.reports.target_file import TargetFile

        chosen, target = form or format_of(path), TargetFile(path)
        target.check()
        return cls(target, chosen)

    async def write_about(
        self,
        services: Services,
        diagnosis: Diagnosis,
        *,
        checks: tuple[Check, ...] | None = None,
        slow: SlowReport | None = None,
        story: ServerSide | NotSeen | None = None,
    ) -> None:
        """A report around a climb that is over."""
        from backend.reports.gathering import Found, told

        found = Found(checks=checks, slow=slow, server_side=story)
        await self.write(services, await told(services.container, diagnosis, found))

    async def write(self, services: Services, report: Report) -> None:
        """Raises FileError."""
        from backend.reports.redaction import Redactor
        from backend.reports.rendering import rendered

        redactor = Redactor(services.container.vault)

        def work() -> bool:
            return self.target.write(rendered(report, self.form, redactor).encode())

        replaced = await asyncio.to_thread(work)
        services.narration.say(
            f"{'Replaced' if replaced else 'Written'}: {self.target.path}{_taken_out(redactor.counts)}"
        )


def _taken_out(counts: dict[str, int]) -> str:
    told = ", ".join(f"{times} {kind}" for kind, times in sorted(counts.items()))
    return f" (taken out: {told})" if told else ""
