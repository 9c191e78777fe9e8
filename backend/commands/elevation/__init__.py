"""Acting as another user on a host, by sudo(8) or su(1): the command lines, the talk about the password, and a process
whose streams begin where the other user's do."""
