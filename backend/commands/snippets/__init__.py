"""Command lines with variables that a person keeps: what they mean, and the file they are in."""
