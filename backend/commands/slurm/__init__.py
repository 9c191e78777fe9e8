"""Slurm, where a host has it: the queue and why it waits, submitting, cancelling, following a job's output."""
