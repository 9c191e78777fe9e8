"""Health for other programs: one text for Prometheus, a port that serves it, JSON lines. Nagios has its own module."""
