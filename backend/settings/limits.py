"""What values of a setting are allowed, beside its type; part of the schema that pydantic checks.

Small on purpose: the schema is loaded by every command, what checks it only where there is a file.
"""

from __future__ import annotations

from typing import Any


class Limits:
    """Limits of a number or of a text's length, by pydantic's names: `ge`, `gt`, `le`, `min_length`."""

    __slots__ = ("_limits",)

    def __init__(self, **limits: float) -> None:
        self._limits = limits

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """The type's own schema with these limits (pydantic: "Custom types", core schema)."""
        return {**handler(source), **self._limits}
