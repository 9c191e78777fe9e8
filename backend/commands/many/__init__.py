"""One command on many hosts at once: who they are, how it goes on each, and whose output is the same."""
