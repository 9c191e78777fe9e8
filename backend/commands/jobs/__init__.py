"""Detached jobs: commands on hosts that outlive the connection, found again by anybody who logs in to the account."""
