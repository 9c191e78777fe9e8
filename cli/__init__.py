"""The headless front end, `fairlead run|get|put|diagnose|…`, and the composition root.

stdout is data, stderr is narration, exit statuses are part of the interface: see `docs/cli.md`.
"""
