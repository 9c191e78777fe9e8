"""Reports in their formats: as they are kept beside this test, and what every page must be."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from backend.connection.vault import Secret, Vault
from backend.errors import Code, ConfigError
from backend.reports.redaction import Redactor
from backend.reports.rendering import Format, format_of, rendered
from tests.unit.reports.examples import EXAMPLES, broken, golden, text_of, well
from tests.unit.reports.reading import Page, markdown_tokens


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_report_reads_as_it_is_kept(name: str, form: Format) -> None:
    assert text_of(name, form) == golden(name, form).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_page_stands_alone(name: str) -> None:
    page = Page(text_of(name, Format.HTML))
    assert page.odd == []
    assert not {"script", "link", "img", "iframe", "object", "form", "a", "base"} & set(page.elements)
    assert not {name for name in page.attributes if name.startswith("on")} | (
        {"src", "href", "style"} & page.attributes
    )
    assert not re.search(r"url\(|@import|https?://", text_of(name, Format.HTML))


def test_a_page_can_be_heard_and_read_on_any_screen() -> None:
    text = text_of("well", Format.HTML)
    page = Page(text)
    assert '<html lang="en">' in text
    assert page.elements.count("h1") == 1
    assert page.elements.count("table") == page.elements.count("caption")
    assert 'role="img" aria-label="Round trip by the hour' in text
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text
    assert "width=device-width" in text


def test_every_finding_is_in_every_format() -> None:
    wanted = ("AUTH_DENIED", "publickey,password", "OpenSSH_5.3", "Update the server.", "bastion")
    page, written = Page(text_of("broken", Format.HTML)).text, "".join(content for _, content in _tokens("broken"))
    for text in (page, written, text_of("broken", Format.JSON)):
        assert all(word in text for word in wanted)


def _tokens(name: str) -> list[tuple[str, str]]:
    return markdown_tokens(text_of(name, Format.MARKDOWN))


def test_markdown_has_its_tables_and_headings() -> None:
    kinds = [kind for kind, _ in _tokens("well")]
    assert kinds.count("table_open") == 8
    assert kinds.count("heading_open") == 10


def test_a_course_with_a_gap_is_drawn_in_two_stretches_with_its_figures() -> None:
    text = text_of("well", Format.HTML)
    assert text.count("<svg") == 2
    assert text.count("<polyline") == 1 + 2
    assert "highest 59 ms" in text


def test_json_names_its_format_and_version() -> None:
    told = json.loads(text_of("well", Format.JSON))
    assert (told["format"], told["version"], told["made_at"]) == ("fairlead.report", 1, "2026-03-02T09:41:00Z")
    assert told["diagnosis"]["verdict"] == "ok"
    assert (told["slow"]["limit"], told["deep"]["level"], told["trends"][0]["kind"]) == ("window", "warn", "fill")
    assert [check["id"] for check in told["verify"]] == ["exec", "space", "modules"]
    assert told["health"]["kinds"] == {"TCP_TIMEOUT": 4, "CONNECTION_LOST": 2}
    assert json.loads(text_of("broken", Format.JSON))["diagnosis"]["failed_rung"] == "auth"


@pytest.mark.parametrize("form", Format)
def test_a_secret_of_the_session_is_in_no_format(form: Format) -> None:
    vault = Vault()
    vault.put("app", "password", Secret("publickey,password"))
    vault.forget("app")
    redactor = Redactor(vault)
    text = rendered(broken(), form, redactor)
    assert "publickey,password" not in text
    assert redactor.counts == {"secret of this session": 2}


def test_the_verdict_tells_of_everything_that_is_not_right() -> None:
    sentence = "It connects. Look at: space; slow, window and distance; disk./.used_ratio; / full on 6 Mar."
    assert Page(rendered(well(), Format.HTML, Redactor(Vault()))).text.count(sentence) == 2


@pytest.mark.parametrize(
    ("name", "form"), [("a.md", "md"), ("a.HTML", "html"), ("b/a.htm", "html"), ("a.json", "json")]
)
def test_the_suffix_says_the_format(name: str, form: str) -> None:
    assert format_of(Path(name)) == form


@pytest.mark.parametrize("name", ["a.txt", "a", "html"])
def test_another_suffix_is_a_mistake(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        format_of(Path(name))
    assert caught.value.code is Code.USAGE
