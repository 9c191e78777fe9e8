"""Terminals: programs on real PTYs of a host, and the emulator that keeps their screens."""
