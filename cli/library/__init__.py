"""Fairlead from Python: commands, files and diagnosis of named hosts, real or simulated, for scripts.

    from cli.library import Fairlead

    async with Fairlead() as fairlead:
        done = await fairlead.run("web-1", "uptime")
        print(done.text)
        await fairlead.get("web-1:/var/log/app.log", "logs/")

Without an event loop:

    from cli.library import BlockingFairlead

    with BlockingFairlead(demo=True) as fairlead:
        print(fairlead.run("web-1", ["ls", "-l", "a name with blanks"]).text)

Everything that fails raises a `FairleadError` with code, sentence, evidence and advice.
"""

from backend.errors import FairleadError
from cli.library.blocking import BlockingFairlead
from cli.library.hosts import Fairlead
from cli.library.results import CommandResult

__all__ = ["BlockingFairlead", "CommandResult", "Fairlead", "FairleadError"]
