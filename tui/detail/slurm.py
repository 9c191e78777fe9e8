"""Jobs and partitions as they are told: in the queue, in full. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from backend.commands.slurm.reasons import explain
from backend.commands.slurm.values import Job, Partition
from backend.text import clean_line
from tui.detail.table import table
from tui.format import duration_text, left_text
from tui.glyphs import Glyphs
from tui.looks import Look
from tui.widgets.flow import broken

_GOOD = frozenset({"COMPLETED"})


def job_look(job: Job, glyphs: Glyphs) -> Look:
    """The look of a job's state, with the word for it."""
    word = job.state.lower().replace("_", " ")
    if job.waits:
        return Look(glyphs.busy, "$warning", word)
    if job.runs:
        return Look(glyphs.ready, "$success", word)
    return Look(glyphs.passed, "$success", word) if job.state in _GOOD else Look(glyphs.failed, "$error", word)


def job_line(job: Job, width: int, glyphs: Glyphs) -> Content:
    """One line of the queue: what it is, how it stands, and why it waits or how long it may run yet."""
    shown = job_look(job, glyphs)
    wide = width >= 90
    name = _cut(job.name, 18 if wide else 12, glyphs)
    owner = f"{_cut(job.user, 9, glyphs)} " if wide else ""
    left = Content.assemble(
        (shown.glyph, shown.style),
        f" {job.id:<9} {name} ",
        (f"{_cut(job.partition, 9, glyphs)} {owner}", "$quiet"),
        (f"{shown.word:<10} ", shown.style),
    )
    said = Content.styled(_why(job), "$warning" if job.waits else "$quiet")
    room = max(8, width - left.cell_length)
    return Content.assemble(left, said.truncate(room, ellipsis=True))


def _cut(text: str, width: int, glyphs: Glyphs) -> str:
    """`text` in exactly `width` cells."""
    content = Content(clean_line(text)).truncate(width, ellipsis=True)
    return content.plain + " " * max(0, width - content.cell_length)


def _why(job: Job) -> str:
    if job.waits:
        return clean_line(explain(job.reason).words)
    if job.runs:
        left = "" if job.left is None else f", {left_text(job.left)}"
        return clean_line(f"{duration_text(job.used or 0.0)}{left}  {job.where}")
    return clean_line(explain(job.reason).words if job.state not in _GOOD else duration_text(job.used or 0.0))


def job_story(job: Job, width: int) -> Content:
    """All about one job: why it waits and what to do about it first."""
    reason = explain(job.reason)
    blocks = []
    if reason.words and not job.runs and job.state not in _GOOD:
        words = Content.assemble((clean_line(reason.words), "bold"), *([f" {reason.advice}"] if reason.advice else []))
        blocks.append(broken(words, width))
    limit = "without a limit" if job.limit is None else f"at most {duration_text(job.limit)}"
    used = "" if job.waits else f"{duration_text(job.used or 0.0)}, "
    asks = [f"{job.nodes} node{'' if job.nodes == 1 else 's'}", f"{job.cpus} processor{'' if job.cpus == 1 else 's'}"]
    asks += [part for part in (job.memory, job.gpus) if part]
    blocks.append(
        table(
            [
                ("job", f"{job.id}  {job.name}"),
                ("asks for", ", ".join(asks)),
                ("time", f"{used}{limit}"),
                ("nodes", job.where),
                ("starts" if job.waits else "started", job.start),
                ("submitted", job.submitted),
                ("directory", job.directory),
                ("reason", job.reason),
            ],
            width,
        )
    )
    return Content("\n\n").join(blocks)


def partitions_table(partitions: Sequence[Partition], width: int) -> Content:
    """Partitions with the states of their nodes, two lines each where there is more to say."""
    blocks = []
    for one in partitions:
        limit = "no limit" if one.limit is None else duration_text(one.limit)
        up = "" if one.up else "  down"
        head = Content.assemble(
            (f"{clean_line(one.name)}{'  (default)' if one.default else ''}{up}", "bold"),
            f"  {one.nodes} {clean_line(one.state)}, at most {limit}",
        )
        said = f"{one.where}  {one.cpus} processors (in use/idle/other/all)  {one.memory} MiB  {one.gpus}  {one.why}"
        blocks.append(
            Content.assemble(broken(head, width), "\n", broken(Content.styled(clean_line(said), "$quiet"), width))
        )
    return Content("\n").join(blocks) if blocks else Content("There are no partitions.")
