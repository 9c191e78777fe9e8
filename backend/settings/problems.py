"""What is wrong with a configuration, for a person: file, line, a sentence, and the nearest valid key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.errors import Advice, Code, ConfigError
from backend.settings.paths import short


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration."""

    file: Path
    line: int | None
    key: str
    """Dotted, as `hosts.web-1.port`; or the environment variable, or the flag."""
    message: str
    nearest: str | None = None
    """The valid key that was probably meant."""

    @property
    def where(self) -> str:
        """`~/.config/fairlead/config.toml:12`"""
        return short(self.file) + (f":{self.line}" if self.line else "")

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"

    def to_json(self) -> dict[str, object]:
        return {
            "file": str(self.file),
            "line": self.line,
            "key": self.key,
            "message": self.message,
            "nearest": self.nearest,
        }


def as_error(problems: Sequence[Problem]) -> ConfigError:
    """The failure that tells of the first problem, and how many there are."""
    first = problems[0]
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    evidence: dict[str, object] = {"problem": f"{first}{more}", "file": first.file, "key": first.key}
    steps: tuple[Advice, ...] = (Advice("Mend the entry, then check the file.", "fairlead config check"),)
    if first.line is not None:
        evidence["line"] = first.line
    if first.nearest is not None:
        evidence["nearest"] = first.nearest
        steps = (Advice(f"Write {first.nearest}, if that was meant."), *steps)
    return ConfigError(Code.CONFIG_INVALID, evidence=evidence, advice=steps)
