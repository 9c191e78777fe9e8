"""The server's side of a refused login: what the host itself says, seen over another way in that works.

A login that is refused is told by the server in three words; why is in its log and in the state of the account.
`script` asks for both in one go, `facts` reads the answer, `judge` finds the causes, `look` ties them to a live link.
Nothing is changed on the host, nothing secret is sent or read.
"""
