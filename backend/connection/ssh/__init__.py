"""Real hosts, with asyncssh, whose types end in this package: nothing outside it imports the library.

What each module does:
`connector` the way over any number of jump hosts · `hop` one hop, from name to login
`reach`, `transport`, `proxy`, `command` the way to the first hop · `carriers`, `banner` bytes and identification
`loading` asyncssh, in time · `handshake`, `options` one connection to a hop, and what asyncssh is told
`channel_carrier` the way through the hop before · `client`, `gate`, `trust` host key
`login`, `login_record`, `questions`, `keyring`, `keys`, `agent_keys` login
`jumps`, `closing` jump hosts of several connections, and their end
`link`, `channels`, `process`, `stream`, `forwarding` the live connection
`files`, `file_requests`, `sftp`, `sftp_wire` files · `errors`, `file_errors`, `words` what went wrong
`internals` the undocumented parts of asyncssh that are leaned on

asyncssh takes longest of all to load. `connector`, `hop`, `reach` and what they import look a host up and dial it
without; the rest comes with `loading`.
"""
