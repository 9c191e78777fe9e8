"""Which commands may run where: lists of what is allowed and denied, and questions before what may wreck a host.

A command is judged by how a POSIX shell reads it, not by its letters; what cannot be read counts as unknown. It guards
against mistakes and is no fence: programs can start others, and names mean on a host what the host wants.
"""
