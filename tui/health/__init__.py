"""How the health of a host is shown: words for readings, a line, sparklines, plots. Pure, but for `gathering`."""
