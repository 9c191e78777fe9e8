"""The themes: one accent, quiet surfaces, in dark, in light, and in the terminal's own colours."""

from __future__ import annotations

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

_QUIET = {
    "block-cursor-text-style": "none",
    "footer-background": "transparent",
}

DARK = Theme(
    name="fairlead-dark",
    primary="#7cb7c9",
    secondary="#5f8fa3",
    accent="#7cb7c9",
    foreground="#d8dee3",
    background="#12171b",
    surface="#171d22",
    panel="#1e262c",
    success="#85bd8b",
    warning="#dcae65",
    error="#e0696f",
    dark=True,
    variables={
        **_QUIET,
        "quiet": "#8b98a1",
        "faint": "#55626b",
        "border": "#7cb7c9",
        "border-blurred": "#34424b",
        "block-cursor-foreground": "#f2f6f8",
        "block-cursor-background": "#28414c",
        "block-cursor-blurred-foreground": "#d8dee3",
        "block-cursor-blurred-background": "#1f2b32",
        "block-hover-background": "#1b2329",
        "input-cursor-background": "#7cb7c9",
        "input-selection-background": "#7cb7c9 35%",
        "scrollbar": "#34424b",
        "scrollbar-hover": "#4a5d69",
        "scrollbar-active": "#7cb7c9",
        "scrollbar-background": "#12171b",
        "scrollbar-background-hover": "#12171b",
        "scrollbar-background-active": "#12171b",
    },
)

LIGHT = Theme(
    name="fairlead-light",
    primary="#2a6f86",
    secondary="#477f92",
    accent="#2a6f86",
    foreground="#20292e",
    background="#fafaf7",
    surface="#f4f4f0",
    panel="#ebebe6",
    success="#2f7a3a",
    warning="#96640c",
    error="#b3313a",
    dark=False,
    variables={
        **_QUIET,
        "quiet": "#5f6c73",
        "faint": "#9aa5aa",
        "border": "#2a6f86",
        "border-blurred": "#c4ccd0",
        "block-cursor-foreground": "#10181c",
        "block-cursor-background": "#cfe2e8",
        "block-cursor-blurred-foreground": "#20292e",
        "block-cursor-blurred-background": "#e3eaec",
        "block-hover-background": "#eef0ee",
        "scrollbar": "#c4ccd0",
        "scrollbar-background": "#fafaf7",
    },
)

_TERMINAL = BUILTIN_THEMES["ansi-dark"]

ANSI = replace(
    _TERMINAL,
    name="fairlead-ansi",
    primary="ansi_cyan",
    secondary="ansi_blue",
    accent="ansi_cyan",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    variables={
        **_TERMINAL.variables,
        **_QUIET,
        "footer-background": "ansi_default",
        "quiet": "ansi_bright_black",
        "faint": "ansi_bright_black",
        "border": "ansi_cyan",
        "border-blurred": "ansi_bright_black",
        "block-cursor-foreground": "ansi_bright_white",
        "block-cursor-background": "ansi_blue",
        "block-cursor-blurred-foreground": "ansi_default",
        "block-cursor-blurred-background": "ansi_default",
        "scrollbar": "ansi_bright_black",
        "scrollbar-active": "ansi_cyan",
    },
)

DEFAULT_VARIABLES = {"quiet": "ansi_bright_black", "faint": "ansi_bright_black"}
"""Our own colour names, for themes that are not ours: what is said quietly, and what cannot be done now."""

CHOICES = {"dark": DARK.name, "light": LIGHT.name, "ansi": ANSI.name}
"""What settings call a theme, and what Textual calls it."""


def textual_name(choice: str) -> str:
    """Textual's name for a theme from the settings; names of Textual's own themes pass."""
    return CHOICES.get(choice, choice)
