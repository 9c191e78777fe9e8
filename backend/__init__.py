"""Everything that does the work: hosts, connections, commands, files, diagnostics. No front end is known here."""

__version__ = "0.1.0"
