"""A cause in full: sentence, code, evidence, what to do. The same words wherever it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.content import Content

from backend.errors import Advice, Code

_NAME_WIDTH = 12


def explain(
    sentence: str, code: Code | None = None, evidence: Mapping[str, str] | None = None, advice: Iterable[Advice] = ()
) -> Content:
    """The whole explanation; parts that are empty are left out."""
    blocks = [Content.styled(sentence, "bold")] if sentence else []
    if evidence:
        blocks.append(_section("seen", [_named(name, value) for name, value in evidence.items()]))
    if steps := [_step(item) for item in advice]:
        blocks.append(_section("do next", steps))
    if code is not None:
        blocks.append(Content.assemble((f"code  {code.value}", "$quiet")))
    return Content("\n\n").join(blocks)


def _section(title: str, lines: list[Content]) -> Content:
    return Content("\n").join([Content.styled(title, "$accent"), *lines])


def _named(name: str, value: str) -> Content:
    return Content.assemble((f"{name.replace('_', ' '):<{_NAME_WIDTH}}", "$quiet"), value)


def _step(item: Advice) -> Content:
    step = Content(item.text)
    return Content.assemble(step, "\n  ", (item.command, "bold $accent")) if item.command else step
