"""Real hosts, with asyncssh, whose types end in this package: nothing outside it imports the library.

What each module does:
`connector` the way over any number of jump hosts · `hop` one hop, from name to login
`reach`, `transport`, `proxy`, `command` the way to the first hop · `carriers`, `banner` bytes and identification
`options` what asyncssh is told · `client`, `gate` host key
`login`, `login_record`, `questions`, `keyring`, `keys` login
`jumps`, `closing` jump hosts of several connections, and their end
`link`, `channels`, `process`, `stream`, `forwarding` the live connection
`files`, `file_requests`, `sftp`, `sftp_wire` files · `errors`, `file_errors` what went wrong
`internals` the undocumented parts of asyncssh that are leaned on
"""
