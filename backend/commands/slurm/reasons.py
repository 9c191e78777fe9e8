"""Slurm's reason codes in plain words, with what to do. Pure; squeue(1), "JOB REASON CODES"."""

from __future__ import annotations

import re

from backend.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a job waits, or how it came to its end."""

    words: str
    """A sentence without its subject: "It waits for …"."""
    advice: str = ""
    """What to do about it; empty where waiting is all there is."""


_FREE = "Ask for less, or for a shorter time: small, short jobs fit into gaps."
_HELD_FOR_ADMIN = "Only the cluster's administrators can release it: ask them why."
_MEND = "Cancel it and submit it anew with what the partition allows."

REASONS = {
    "None": Reason("Slurm has not looked at it yet."),
    "Priority": Reason("Other jobs of this partition come before it.", _FREE),
    "Resources": Reason("It is next, and waits until enough nodes, processors or memory are free.", _FREE),
    "Dependency": Reason("It waits for another job, as it was told to when it was submitted."),
    "DependencyNeverSatisfied": Reason(
        "It waits for a job that did not end as it had to: it will never start.", "Cancel it and submit it anew."
    ),
    "BeginTime": Reason("It was submitted for a later time (--begin), or was just put back into the queue."),
    "JobHeldUser": Reason("You, or the owner, hold it back.", "Release it with `scontrol release`."),
    "JobHeldAdmin": Reason("An administrator holds it back.", _HELD_FOR_ADMIN),
    "JobHoldMaxRequeue": Reason("It was put back into the queue too often and is held.", _HELD_FOR_ADMIN),
    "JobArrayTaskLimit": Reason("As many tasks of its array run as it allows at once (the number after %)."),
    "PartitionDown": Reason("The partition is down: jobs are taken but not started.", "Choose another partition."),
    "PartitionInactive": Reason("The partition takes and starts no jobs at present.", "Choose another partition."),
    "PartitionNodeLimit": Reason("It asks for more nodes than the partition has up or allows.", _MEND),
    "PartitionTimeLimit": Reason("It asks for more time than the partition allows.", _MEND),
    "PartitionConfig": Reason("It asks for what this partition does not have.", _MEND),
    "AccountNotAllowed": Reason("Its account may not use this partition.", "Name another account or partition."),
    "QOSNotAllowed": Reason("Its QOS may not be used in this partition.", "Name another QOS or partition."),
    "ReqNodeNotAvail": Reason(
        "A node that it asks for is down, drained, reserved, or not up yet.",
        "See the nodes; a maintenance that begins before the job's time limit has the same effect: ask for less time.",
    ),
    "NodeDown": Reason("A node that it needs is down.", "Wait for the node, or do not ask for it by name."),
    "BadConstraints": Reason("No nodes have all that it asks for.", _MEND),
    "Reservation": Reason("It waits for its reservation to begin."),
    "ReservationDeleted": Reason("Its reservation is gone.", "Cancel it and submit it without one."),
    "Licenses": Reason("It waits for a licence that others use."),
    "Cleaning": Reason("It was put back, and what is left of its last run is being cleaned up."),
    "Prolog": Reason("Its nodes are being prepared."),
    "BurstBufferResources": Reason("It waits for room in the burst buffer."),
    "BurstBufferStageIn": Reason("Its files are being brought into the burst buffer."),
    "InvalidAccount": Reason("Its account is not valid.", "Name a valid account: `sacctmgr show assoc user=$USER`."),
    "InvalidQOS": Reason("Its QOS is not valid.", "Name a valid QOS, or none."),
    "JobLaunchFailure": Reason(
        "It could not be started: its directory or shell may be missing on the node, or the node is faulty.",
        "Check that the script's directory and output file exist on the nodes.",
    ),
    "NonZeroExitCode": Reason("It ended with an exit status other than 0.", "Read its output."),
    "TimeLimit": Reason("It was ended at its time limit.", "Ask for more time (--time)."),
    "OutOfMemory": Reason("It used more memory than it was given, and was ended.", "Ask for more memory (--mem)."),
    "RaisedSignal": Reason("A signal ended it.", "Read its output."),
    "SystemFailure": Reason("The cluster itself failed it.", "Submit it again; tell the administrators if it repeats."),
    "InactiveLimit": Reason("It did nothing for too long."),
    "DeadLine": Reason("It could not end before its deadline."),
    "SchedDefer": Reason("It was to start at once or not at all, and could not."),
    "FrontEndDown": Reason("No front end node is there to start it.", "Tell whoever runs the cluster."),
    "WaitingForScheduling": Reason("Slurm has not looked at it yet."),
    "MaxMemPerLimit": Reason("It asks for more memory than is allowed.", _MEND),
}  # fmt: skip
_LIMIT = re.compile(r"(QOS|Assoc)(Grp|Max|Min)(.*?)(?:Limit|PerUser|PerJob|PerAccount|PerNode)*")
_WORDS = re.compile(r"[A-Z][a-z]+|[A-Z]+(?![a-z])")
_WHOSE = {
    "Grp": "All who share its {who} together have",
    "Max": "You have, or the job asks for,",
    "Min": "It asks for less than",
}


def explain(code: str) -> Reason:
    """What a code means; of one that is not known, the code itself in words. Empty for an empty one."""
    word = code.split(",")[0].strip()
    if not word or word == "(null)":
        return Reason("")
    if (known := REASONS.get(word)) is not None:
        return known
    if (limit := _LIMIT.fullmatch(word)) is not None:
        return _of_limit(limit, word)
    return Reason(f"Slurm says {word}: {' '.join(_WORDS.findall(word)).lower() or 'nothing more'}.")


def _of_limit(limit: re.Match[str], code: str) -> Reason:
    who = "QOS" if limit[1] == "QOS" else "account"
    what = " ".join(_WORDS.findall(limit[3])).lower() or "resources"
    begin = _WHOSE[limit[2]].format(who=who)
    end = f"the {who} wants for {what}" if limit[2] == "Min" else f"as much as the {who} allows ({what})"
    forever = "Max" in limit[2] and "PerJob" in code
    advice = _MEND if forever or limit[2] == "Min" else "It starts when others of these have ended."
    return Reason(f"{begin} {end}.", advice)
