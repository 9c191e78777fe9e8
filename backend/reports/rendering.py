"""A report in one of its formats, free of secrets. Pure but for the vault that is asked what they are."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import PurePath

from backend.errors import Code, ConfigError
from backend.reports.blocks import mapped
from backend.reports.document import document_of
from backend.reports.html import html
from backend.reports.markdown import markdown
from backend.reports.model import Report
from backend.reports.redaction import Redactor


class Format(StrEnum):
    """What a report can be."""

    MARKDOWN = "md"
    HTML = "html"
    JSON = "json"


_SUFFIXES = {
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".json": Format.JSON,
}


def format_of(path: PurePath) -> Format:
    """What the suffix says. Raises ConfigError (USAGE) where it says nothing."""
    found = _SUFFIXES.get(path.suffix.lower())
    if found is None:
        known = "a report ends in .md, .html or .json"
        raise ConfigError(Code.USAGE, evidence={"problem": f"{path.name or path} does not say what to write: {known}"})
    return found


def rendered(report: Report, form: Format, redactor: Redactor) -> str:
    """The whole text of the file, with a newline at its end."""
    if form is Format.JSON:
        return json.dumps(redactor.value(report.to_json()), indent=2) + "\n"
    document = mapped(document_of(report), redactor.text)
    return markdown(document) if form is Format.MARKDOWN else html(document)
