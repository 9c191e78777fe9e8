"""The server's side of a refused login in full: causes, most likely first, then the log and what was not seen. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from backend.diagnostics.server_side.findings import Finding, NotSeen, ServerSide
from backend.text import clean_line
from tui.glyphs import Glyphs
from tui.widgets.explanation import explain, explain_error
from tui.widgets.flow import broken, hanging

Story = ServerSide | NotSeen


def story_content(story: Story, glyphs: Glyphs, width: int) -> Content:
    """All that looking from inside has come to."""
    if isinstance(story, NotSeen):
        head = Content.styled(f"from inside, as {clean_line(story.by)}: not seen", "$accent")
        return Content("\n\n").join([broken(head, width), explain_error(story.error, width)])
    head = Content.styled(f"from inside, as {clean_line(story.by)} (there {clean_line(story.seen_as)})", "$accent")
    blocks = [broken(head, width)]
    blocks += [_finding(one, glyphs, width) for one in story.findings]
    if not story.findings:
        blocks.append(broken(Content.styled(clean_line(story.sentence), "bold"), width))
    for title, items in (
        ("doubtful", (story.doubt,) if story.doubt else ()),
        ("log", story.log),
        ("in order", story.fine),
        ("not seen", story.unseen),
    ):
        blocks += _part(title, items, width)
    return Content("\n\n").join(blocks)


def _finding(one: Finding, glyphs: Glyphs, width: int) -> Content:
    sure = " (its log says so)" if one.logged else ""
    head = hanging(
        Content.styled(f"{glyphs.failed} ", "$error"), Content.styled(f"{one.sentence}{sure}", "bold"), width
    )
    return Content("\n").join([head, explain("", None, None, one.advice, width=width)])


def _part(title: str, items: Sequence[str], width: int) -> list[Content]:
    lines = [hanging(Content("  "), clean_line(item), width) for item in items]
    return [Content("\n").join([Content.styled(title, "$accent"), *lines])] if lines else []
