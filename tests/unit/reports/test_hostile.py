"""Whatever a host sends shows as it is, and becomes markup in no format."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.connection.vault import Vault
from backend.diagnostics.rungs import Diagnosis, Rung, RungId, RungStatus
from backend.errors import Advice
from backend.reports.markdown import code, escaped
from backend.reports.redaction import Redactor
from backend.reports.rendering import Format, rendered
from backend.text import clean_line
from tests.unit.reports.examples import COURSE, FILLING, broken, inside, slow, story
from tests.unit.reports.reading import Page, markdown_tokens

MARKUP = (
    "<script>alert(1)</script>",
    "</td></tr></table><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<!-- --><![CDATA[x]]><?php ?>",
    "&lt;b&gt; &amp; &#60;",
    "[click](javascript:alert(1)) ![x](http://evil/x.png)",
    "https://evil.example www.evil.example mailto:a@evil.example @everyone",
    "**bold** __bold__ ~~gone~~ `code` ``two`` $x$ a*b*c _x_",
    "| a | b |\n|---|---|\n| c | d |",
    "# heading\n## more\n- list\n1. list\n===\n---\n> quote",
    "1. list",
    "12) list",
    "+ list",
    "---",
    "\\",
    "`",
    "``` fence",
    "tail\\",
    "|",
    "\\|",
    "`|`",
    "\u202egnp.exe \x1b[31mred\x07\0\r\n\t",
)
ALPHABET = st.characters(codec="utf-8") | st.sampled_from("<>&\"'`*_[]()|\\#~-+.!:/@$={}\n ")
TEXTS = st.sampled_from(MARKUP) | st.text(ALPHABET, max_size=40)


def _report(text: str) -> Diagnosis:
    """`text` wherever a host's words may come to stand."""
    advice = (Advice(f"do {text}", text or None), Advice(text))
    rungs = (
        Rung(RungId.BANNER, RungStatus.PASS, text or "web-1", summary=text, ms=1.0),
        Rung(RungId.SESSION, RungStatus.FAIL, "web-1", None, text, 1.0, {"seen": text, text or "x": "y"}, advice),
    )
    return Diagnosis(text or "web-1", rungs)


def _rendered(text: str, form: Format) -> str:
    diagnosis = _report(text)
    trend = dataclasses.replace(FILLING, sentence=text, short=text, reasons=(text,), metric=text or "x")
    report = dataclasses.replace(
        broken(),
        host=diagnosis.host,
        diagnosis=diagnosis,
        server_side=story(text),
        slow=slow(text),
        deep=inside(text),
        trends=(trend,),
        courses={trend.metric: COURSE},
    )
    return rendered(report, form, _Nothing(Vault()))


class _Nothing(Redactor):
    """Takes nothing out: escaping must do without."""

    def text(self, text: str) -> str:
        return text


PLAIN = Page(_rendered("plain", Format.HTML))


@given(TEXTS)
@example("<")
def test_html_has_the_same_elements_whatever_it_tells(text: str) -> None:
    page = Page(_rendered(text, Format.HTML))
    assert page.odd == []
    assert set(page.elements) <= set(PLAIN.elements)
    assert page.attributes == PLAIN.attributes
    if text.strip():
        assert clean_line(text) in page.text


@pytest.mark.parametrize("text", MARKUP)
def test_html_tells_hostile_words_as_they_are(text: str) -> None:
    page = Page(_rendered(text, Format.HTML))
    assert page.elements == PLAIN.elements
    assert clean_line(text) in page.text


_PAIRS = (
    "heading",
    "paragraph",
    "bullet_list",
    "ordered_list",
    "list_item",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
)
_OURS = {f"{name}_{end}" for name in _PAIRS for end in ("open", "close")}
_OURS |= {"inline", "text", "text_special", "code_inline", "softbreak"}


@given(TEXTS)
@example("\\")
@example("a\\|b")
@example("0. x")
@example("`` ` ``")
def test_markdown_has_nothing_but_our_own_marks(text: str) -> None:
    tokens = markdown_tokens(_rendered(text, Format.MARKDOWN))
    kinds = [kind for kind, _ in tokens]
    assert set(kinds) <= _OURS
    plain = [kind for kind, _ in markdown_tokens(_rendered("plain", Format.MARKDOWN))]
    for kind in ("table_open", "tr_open", "td_open", "heading_open", "bullet_list_open", "ordered_list_open"):
        if text.strip():
            assert kinds.count(kind) == plain.count(kind), kind


@given(st.text(ALPHABET, max_size=40))
@example("1. list")
@example("www.x.y https://x a_b_ _c")
def test_escaped_markdown_reads_as_the_text(text: str) -> None:
    wanted = " ".join(clean_line(text).split())
    shown = "".join(
        content for kind, content in markdown_tokens(f"x {escaped(text)}") if kind in {"text", "text_special"}
    )
    assert shown == f"x {wanted}".strip()


@pytest.mark.parametrize("text", ["www.evil.example", "WWW.evil.example", "(www.evil.example)"])
def test_no_name_becomes_a_link_by_itself(text: str) -> None:
    assert "www." not in escaped(text).lower()


@given(st.text(ALPHABET, max_size=40))
def test_code_in_markdown_reads_as_the_text(text: str) -> None:
    wanted = " ".join(clean_line(text).split())
    shown = [content for kind, content in markdown_tokens(f"x {code(text)}") if kind == "code_inline"]
    assert shown == ([wanted] if wanted else [])


@given(TEXTS)
def test_json_stays_json(text: str) -> None:
    told = json.loads(_rendered(text, Format.JSON))
    assert told["diagnosis"]["rungs"][1]["evidence"]["seen"] == text
