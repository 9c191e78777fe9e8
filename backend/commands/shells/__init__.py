"""Named sessions: a shell kept open on a host, in which commands run one after another and leave their traces."""
