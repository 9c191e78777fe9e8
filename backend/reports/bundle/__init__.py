"""The support bundle: what helps somebody else to find a fault, and nothing that must not leave this machine.

What goes in is chosen field by field (`safe_settings`, `safe_ssh`, `safe_log`); a pass over all texts takes out what is
left; the manifest says what is in it, what was left out by design and what was taken out.
"""
