"""Reading what Slurm's programs print. Pure.

Names are whatever people call their jobs: line ends, bars and `StdOut=/etc/passwd` included. So fields and records are
told apart by separators that nobody can guess, and of `scontrol show job` only what stands behind every name is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from backend.commands.slurm.values import Job, JobFiles, Partition, seconds_of
from backend.errors import Code, SessionError
from backend.text import clean_line, show_bytes

QUEUE_FIELDS = "ijuPTrMlLDCmbNSVZ"
"""squeue(1)'s letters for the fields of `Job`, in the order in which they are read."""
NODE_FIELDS = "PalDTNCmGE"
"""sinfo(1)'s letters for the fields of `Partition`."""
PAST_FIELDS = "JobID,User,Partition,State,Elapsed,Timelimit,NNodes,NCPUS,ExitCode,Start,Submit,JobName"
"""sacct(1)'s fields; the name is the last one, where a line end does no harm."""
_NOTHING = frozenset({"N/A", "(null)", "None", "none", "Unknown", "NONE"})
_UNCONFIGURED = re.compile(r"configuration source|fetch_config|process configuration file", re.IGNORECASE)
_SILENT = re.compile(r"unable to contact|timed out|connect failure|connection refused|unable to establish|"
                     r"cannot resolve|munge", re.IGNORECASE)  # fmt: skip
_NO_JOB = re.compile(r"invalid job id", re.IGNORECASE)
_PREFIX = re.compile(r"^(?:\w+: )?(?:error|fatal): (?:Batch job submission failed: )?|^slurm_load_\w+ error: ")
_FILE = (
    r"(.*?)(?= Std(?:In|Out)=| Power=| NtasksPerTRES:| MailUser=| MailType=| Tres(?:Bind|Freq|Per)| Mem(?:Bind|Per)|$)"
)


def separated(letters: str, mark: str) -> str:
    """A format for squeue(1) and sinfo(1) that `records` reads."""
    return "".join(f"{mark}%{letter}" for letter in letters) + f"{mark}end"


def records(answer: bytes, mark: str, count: int) -> Iterator[list[str]]:
    """The records of `count` fields each, cleaned for people; what is not one is left out, as what start files say."""
    for raw in answer.split(f"{mark}end".encode()):
        fields = [clean_line(show_bytes(part.strip())) for part in raw.split(mark.encode())[1:]]
        if len(fields) == count:
            yield fields


def jobs(answer: bytes, mark: str) -> tuple[Job, ...]:
    """The jobs that squeue printed."""
    return tuple(_job(fields) for fields in records(answer, mark, len(QUEUE_FIELDS)))


def _job(fields: list[str]) -> Job:
    id_, name, user, partition, state, reason, used, limit, left, nodes, cpus, memory, gpus, *rest = fields
    where, start, submitted, directory = rest
    return Job(
        id=id_, name=name, user=user, partition=partition, state=state, reason=_told(reason),
        used=seconds_of(used), limit=seconds_of(limit), left=seconds_of(left), nodes=_number(nodes),
        cpus=_number(cpus), memory="" if memory == "0" else _told(memory), gpus=_told(gpus).removeprefix("gres:"),
        where=_told(where), start=_told(start), submitted=_told(submitted), directory=directory,
    )  # fmt: skip


def partitions(answer: bytes, mark: str) -> tuple[Partition, ...]:
    """The partitions that sinfo printed, a row for each state of their nodes."""
    found = []
    for name, up, limit, nodes, state, where, cpus, memory, gpus, why in records(answer, mark, len(NODE_FIELDS)):
        found.append(Partition(
            name=name.removesuffix("*"), up=up == "up", default=name.endswith("*"), limit=seconds_of(limit),
            nodes=_number(nodes), state=state, where=where, cpus=cpus, memory=memory, gpus=_told(gpus), why=_told(why),
        ))  # fmt: skip
    return tuple(found)


def past_jobs(answer: bytes, mark: str) -> tuple[Job, ...]:
    """The jobs that sacct printed with `mark` between the fields."""
    rows: list[list[str]] = []
    for line in answer.split(b"\n"):
        fields = [clean_line(show_bytes(part)) for part in line.split(mark.encode())]
        if len(fields) == PAST_FIELDS.count(",") + 1:
            rows.append(fields)
        elif rows and line:
            rows[-1][-1] += f" {clean_line(show_bytes(line))}"
    return tuple(_past(row) for row in rows)


def _past(row: list[str]) -> Job:
    id_, user, partition, state, used, limit, nodes, cpus, code, start, submitted, name = row
    word = state.split(" ")[0]
    reason = "" if code in ("0:0", "") else f"exit {code}"
    return Job(
        id=id_, name=name, user=user, partition=partition, state=word, reason=reason, used=seconds_of(used),
        limit=seconds_of(limit), nodes=_number(nodes), cpus=_number(cpus), start=_told(start), submitted=submitted,
    )  # fmt: skip


def files(answer: bytes) -> JobFiles | None:
    """Where a job writes and how it ended, from `scontrol show job -o`; None where that is not said.

    The files stand behind everything that its owner could name, so the last of each counts.
    """
    text = answer.decode("utf-8", "surrogateescape").rstrip()
    stdout, stderr = _last(rf" StdOut={_FILE}", text), _last(rf" StdErr={_FILE}", text)
    code = re.findall(r" ExitCode=(\d+):(\d+) RunTime=", text)
    if stdout is None or not code:
        return None
    status, signal = map(int, code[-1])
    return JobFiles(_raw(stdout), _raw(stderr or stdout), status, signal)


def _last(pattern: str, text: str) -> str | None:
    start = text.rfind(pattern.split("(")[0])
    match = re.compile(pattern, re.DOTALL).match(text, start) if start >= 0 else None
    return None if match is None or match[1] in _NOTHING else match[1]


def submitted_id(answer: bytes) -> str | None:
    """The job that `sbatch --parsable` names: `123` or `123;cluster`, alone on the last line that has one."""
    found = re.findall(rb"(?m)^(\d+)(?:;[^\s;]*)?\s*$", answer)
    return found[-1].decode() if found else None


def failure(said: bytes, host: str, job: str = "") -> SessionError:
    """What a program of Slurm complained about."""
    lines = [clean_line(show_bytes(line)).strip() for line in said.splitlines() if line.strip()]
    text = " ".join(_PREFIX.sub("", line) for line in lines[-4:])[-400:] or "It did not say why."
    if _NO_JOB.search(text):
        return SessionError(Code.SLURM_JOB_UNKNOWN, evidence={"job": job, "reason": text}, host=host)
    return SessionError(_code_of(" ".join(lines)), evidence={"reason": text}, host=host)


def _code_of(said: str) -> Code:
    if _UNCONFIGURED.search(said):
        return Code.SLURM_UNCONFIGURED
    return Code.SLURM_SILENT if _SILENT.search(said) else Code.SLURM_REFUSED


def _told(text: str) -> str:
    return "" if text in _NOTHING else text


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
