"""A cause in full: sentence, code, evidence, what to do. The same words wherever it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.content import Content

from backend.errors import Advice, Code, FairleadError
from tui.widgets.flow import NEVER_BROKEN, broken, hanging

_NAME_WIDTH = 12


def explain(
    sentence: str,
    code: Code | None = None,
    evidence: Mapping[str, str] | None = None,
    advice: Iterable[Advice] = (),
    *,
    width: int = NEVER_BROKEN,
) -> Content:
    """The whole explanation in lines of `width` cells; parts that are empty are left out."""
    blocks = [broken(Content.styled(sentence, "bold"), width)] if sentence else []
    if evidence:
        column = max(_NAME_WIDTH, max(len(name) for name in evidence) + 2)
        blocks.append(_section("seen", [_named(name, value, column, width) for name, value in evidence.items()]))
    if steps := [_step(item, width) for item in advice]:
        blocks.append(_section("do next", steps))
    if code is not None:
        blocks.append(Content.styled(f"code  {code.value}", "$quiet"))
    return Content("\n\n").join(blocks)


def explain_error(error: FairleadError, width: int) -> Content:
    """A failure in full."""
    return explain(error.message, error.code, error.evidence, error.advice, width=width)


def _section(title: str, lines: list[Content]) -> Content:
    return Content("\n").join([Content.styled(title, "$accent"), *lines])


def _named(name: str, value: str, column: int, width: int) -> Content:
    return hanging(Content.styled(f"{name.replace('_', ' '):<{column}}", "$quiet"), value, width)


def _step(item: Advice, width: int) -> Content:
    step = hanging(Content("- "), item.text, width)
    if not item.command:
        return step
    command = hanging(Content("    "), Content.styled(item.command, "bold $accent"), width)
    return Content("\n").join([step, command])
