"""The scripts that ask a cluster's login node. Pure; for a POSIX shell."""

from __future__ import annotations

from backend.commands.quoting import posix_join, posix_quote
from backend.commands.slurm.reading import NODE_FIELDS, PAST_FIELDS, QUEUE_FIELDS, separated
from backend.commands.slurm.values import Submission

ABSENT = 97
"""The status where there is no Slurm."""
_LOOK = posix_quote(b'printf "\\nFAIRLEAD_PATH=%s\\n" "$PATH"')
_PRELUDE = (
    b"if ! command -v squeue >/dev/null 2>&1; then\n"
    b"PATH=$PATH:$(bash -l -c " + _LOOK + b" </dev/null 2>/dev/null | sed -n 's/^FAIRLEAD_PATH=//p')"
    b":/opt/slurm/bin:/opt/slurm/current/bin:/usr/local/slurm/bin\n"
    b"fi\n"
    b"if ! command -v squeue >/dev/null 2>&1; then exit 97; fi\n"
    b"unset SQUEUE_ALL SQUEUE_ARRAY SQUEUE_FORMAT SQUEUE_FORMAT2 SQUEUE_PARTITION SQUEUE_SORT SQUEUE_STATES"
    b" SQUEUE_USERS SQUEUE_NAMES SQUEUE_QOS SQUEUE_ACCOUNT SQUEUE_PRIORITY"
    b" SINFO_ALL SINFO_FORMAT SINFO_PARTITION SINFO_SORT\n"
    b"export LC_ALL=C SLURM_TIME_FORMAT=standard\n"
)
"""Where the programs are not on the PATH of a plain command, the login shell's is looked at."""


def queue(mark: str, *, everybody: bool) -> bytes:
    """The jobs of everybody that wait and run; or all of one's own that the controller still knows."""
    whose = b"" if everybody else b' -t all -u "$(id -un)"'
    return _PRELUDE + b"exec squeue -h" + whose + b" -o " + _format(QUEUE_FIELDS, mark)


def job(mark: str, job_id: str) -> bytes:
    """One job, ended or not, then what scontrol(1) knows of it behind another mark.

    squeue(1) shows `5_[1-3]`, but is asked for `5`; whoever asks picks the line.
    """
    wanted = posix_quote(job_id.partition("_[")[0].encode())
    listed = b"squeue -h -t all -j " + wanted + b" -o " + _format(QUEUE_FIELDS, mark) + b" || exit $?\n"
    return _PRELUDE + listed + b"echo " + mark.encode() + b"files\nexec scontrol show job -o " + wanted


def nodes(mark: str) -> bytes:
    """Partitions and the states of their nodes."""
    return _PRELUDE + b"exec sinfo -h -o " + _format(NODE_FIELDS, mark)


def past(mark: str, days: int) -> bytes:
    """One's own jobs of the last days, from the accounting."""
    words = [b"sacct", b"-nPX", b"--delimiter=" + mark.encode(), b"-o", PAST_FIELDS.encode()]
    words += [b"-S", b"now-%ddays" % days]
    return _PRELUDE + b"echo; exec " + posix_join(words)


def cancel(job_ids: tuple[str, ...]) -> bytes:
    """Cancel jobs. scancel(1) says nothing, and succeeds, where there is no such job: whoever asks looks before."""
    return _PRELUDE + b"exec scancel -- " + posix_join(one.encode() for one in job_ids)


def submit(what: Submission) -> bytes:
    """Submit a job; a whole script comes over stdin."""
    words = [b"sbatch", b"--parsable", *(option.encode("utf-8", "surrogateescape") for option in _options(what))]
    if what.directory is not None:
        words.append(b"--chdir=" + what.directory)
    if what.command is not None:
        words.append(b"--wrap=" + what.command)
    elif what.path is not None:
        words += [b"./" + what.path if what.path.startswith(b"-") else what.path, *what.arguments]
    return _PRELUDE + b"echo; exec " + posix_join(words) + (b"" if what.script is not None else b" </dev/null")


def _options(what: Submission) -> list[str]:
    gpus = f"gpu:{what.gpus}" if what.gpus else ""
    given = {
        "job-name": what.name, "partition": what.partition, "time": what.time, "nodes": what.nodes,
        "ntasks": what.tasks, "cpus-per-task": what.cpus, "gres": gpus, "mem": what.memory, "output": what.output,
    }  # fmt: skip
    return [f"--{option}={value}" for option, value in given.items() if value] + list(what.extra)


def follow(path: bytes, offset: int, mark: bytes) -> bytes:
    """The bytes of a file from `offset` on, and those that come; it waits until there is such a file. It ends when our
    end of its standard input goes: servers ignore signals that are asked for.

    They come behind `mark`: what start files of the account say is no output of the job.
    """
    file = posix_quote(path)
    tail = b"until test -r %s; do sleep 1; done; exec tail -c +%d -f %s" % (file, offset + 1, file)
    return b"exec 4<&0; printf %%s %s; ( %s ) </dev/null & P=$!\ncat <&4 >/dev/null\nkill $P 2>/dev/null\n" % (
        mark,
        tail,
    )


def rest(path: bytes, offset: int, mark: bytes) -> bytes:
    """The bytes of a file from `offset` to its end, behind `mark`; status 3 where there is no such file."""
    file = posix_quote(path)
    return b"printf %%s %s; test -r %s || exit 3; exec tail -c +%d %s" % (mark, file, offset + 1, file)


def _format(letters: str, mark: str) -> bytes:
    return posix_quote(separated(letters, mark).encode())
