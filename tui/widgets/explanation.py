"""A cause in full: sentence, what to do, evidence, code. The same words wherever it is told.

What to do stands before what was seen: evidence may be long, and what is below the fold is not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.content import Content

from backend.errors import Advice, Code, FairleadError
from tui.remedy_words import AppliedBy
from tui.widgets.flow import NEVER_BROKEN, broken, hanging

_NAME_WIDTH = 12


def explain(
    sentence: str,
    code: Code | None = None,
    evidence: Mapping[str, str] | None = None,
    advice: Iterable[Advice] = (),
    *,
    keys: AppliedBy | None = None,
    width: int = NEVER_BROKEN,
) -> Content:
    """The whole explanation in lines of `width` cells; parts that are empty are left out. `keys` stand beside the
    advice that they apply."""
    blocks = [broken(Content.styled(sentence, "bold"), width)] if sentence else []
    if steps := _steps(advice, dict(keys or {}), width):
        blocks.append(_section("do next", steps))
    if seen := {name: value for name, value in (evidence or {}).items() if value}:
        column = max(_NAME_WIDTH, max(len(name) for name in seen) + 2)
        blocks.append(_section("seen", [_named(name, value, column, width) for name, value in seen.items()]))
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


def _steps(advice: Iterable[Advice], keys: dict[str, tuple[str, str]], width: int) -> list[Content]:
    """Each step; a key stands at the first one that it applies."""
    return [_step(item, _key_of(item, keys), width) for item in advice]


def _key_of(item: Advice, keys: dict[str, tuple[str, str]]) -> tuple[str, str] | None:
    """That of its remedy, or of a flag of its command."""
    flags = [word for word in (item.command or "").split() if word.startswith("--")]
    return next((keys.pop(name) for name in (item.apply or "", *flags) if name in keys), None)


def _step(item: Advice, key: tuple[str, str] | None, width: int) -> Content:
    lines = [hanging(Content("- "), item.text, width)]
    if item.command and not (key and "--apply" in item.command.split()):
        lines.append(hanging(Content("    "), Content.styled(item.command, "bold $accent"), width))
    if key is not None:
        lines.append(hanging(Content.assemble("    ", (key[0], "bold $accent"), "  "), key[1], width))
    return Content("\n").join(lines)
