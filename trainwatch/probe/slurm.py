"""Slurm is asked about a job: the words of its own commands, and what they answer.

The law of this file: it asks and parses, nothing is started or changed here. What Slurm forgot
(``scontrol`` keeps a finished job for minutes) its accounting may still know. A job name may hold
anything, so no field is looked for behind one.
"""

import os
import re
import time
from typing import Dict, List, Optional, Tuple

from trainwatch.probe import asking
from trainwatch.probe.found import TargetError
from trainwatch.probe.slurmjob import Job

PATIENCE = 15.0  # seconds that Slurm may take to answer
_ID = re.compile(r"\d+(_\d+)?(\+\d+)?$")
_PAIR = re.compile(r"(\w+(?:[:/]\w+)*)=(\S*)")
_WHOLE = re.compile(r"\s*(Command|WorkDir|StdErr|StdIn|StdOut|Comment|AdminComment)=(.*)$")
_NAMED = re.compile(r"(.*?)\bJobName=(.*)$")
_MOST = 4096  # machines of one job
_SEPARATOR = "\x1f"
_ACCOUNTED = ("JobID", "JobName", "State", "ExitCode", "Submit", "Start", "End", "NodeList", "WorkDir", "User", "SubmitLine")  # fmt: skip
_ASKED_FOR = re.compile(r"(?:^|\s)(?:-o\s*|--output[= ])(\S+)")
_PATTERN = re.compile(r"%(\d*)([%AaJjNnstux])")


def job(word: str) -> Job:
    """The job ``word``. Raises TargetError."""
    if not _ID.match(word):
        text = "{} is no number of a Slurm job".format(word or "nothing")
        raise TargetError(text, "say slurm:123, or slurm:123_4 for a task of an array")
    code, said, complaint = ask(["scontrol", "--details", "show", "job", word])
    if code == 0:
        return _one(parse(said), word)
    if "nvalid job id" not in complaint:
        raise TargetError("Slurm does not answer: {}".format(_line(complaint)), "see: sinfo")
    code, said, complaint = ask(
        [
            "sacct",
            "-X",
            "-n",
            "-P",
            "--delimiter=" + _SEPARATOR,
            "-j",
            word,
            "-o",
            ",".join(_ACCOUNTED),
        ]
    )
    known = accounted(said) if code == 0 else []
    if known:
        return _one(known, word)
    text = "Slurm knows no job {} any more, or never did".format(word)
    if "disabled" in complaint:
        text += ", and keeps no accounts that would"
    raise TargetError(text, "attach to its output file, such as slurm-{}.out".format(word))


def ask(words: List[str]) -> Tuple[int, str, str]:
    """Exit code, answer and complaint of one of Slurm's commands. Raises TargetError without Slurm."""
    told = dict(os.environ, SLURM_TIME_FORMAT="standard", LC_ALL="C")
    try:
        code, said, complaint = asking.ask(words, PATIENCE, told)
    except asking.LateError:
        return 1, "", "no answer within {:.0f} s".format(PATIENCE)
    except OSError:
        text = "Slurm is not here: there is no {}".format(words[0])
        raise TargetError(text, "name the login node: HOST:slurm:JOB") from None
    return code, said.decode("utf-8", "replace"), complaint


def parse(said: str) -> List[Job]:
    """The jobs in what ``scontrol show job`` says."""
    jobs = []
    for block in re.split(r"\n(?=JobId=)", said):
        fields = {}  # type: Dict[str, str]
        first, _, rest = block.partition("\n")
        named = _NAMED.match(first)
        if named:
            first, fields["JobName"] = named.groups()
        for line in [first, *rest.split("\n")]:
            whole = _WHOLE.match(line)
            if whole:
                fields[whole.group(1)] = _known(whole.group(2))
            else:
                for key, value in _PAIR.findall(line):
                    fields.setdefault(key, _known(value))
        if "JobId" in fields:
            jobs.append(_job(fields))
    return jobs


def _job(fields: Dict[str, str]) -> Job:
    number, task = fields["JobId"], fields.get("ArrayTaskId", "")
    name = number
    if fields.get("ArrayJobId"):
        name = "{}_{}".format(fields["ArrayJobId"], task)
    elif fields.get("HetJobId"):
        name = "{}+{}".format(fields["HetJobId"], fields.get("HetJobOffset", "0"))
    output, errors = fields.get("StdOut", ""), fields.get("StdErr", "")
    return Job(
        name,
        number,
        fields.get("JobName", ""),
        fields.get("UserId", "").partition("(")[0],
        fields.get("JobState", ""),
        fields.get("Reason", ""),
        *_exit(fields.get("ExitCode", "")),
        fields.get("Command", ""),
        fields.get("WorkDir", ""),
        output,
        errors if errors != output else "",
        fields.get("NodeList", ""),
        fields.get("BatchHost", ""),
        *(when(fields.get(key, "")) for key in ("SubmitTime", "StartTime", "EndTime")),
    )


def accounted(said: str) -> List[Job]:
    """The jobs in what ``sacct`` says; where its output went is worked out as far as that goes."""
    jobs = []
    for line in said.splitlines():
        cells = line.split(_SEPARATOR)
        if len(cells) != len(_ACCOUNTED):
            continue
        row = dict(zip(_ACCOUNTED, cells))
        state = row["State"].partition(" ")[0]  # "CANCELLED by 1000"
        code, signal = _exit(row["ExitCode"])
        times = [when(row[key]) for key in ("Submit", "Start", "End")]
        name, folder = row["JobID"], row["WorkDir"]
        nodes = "" if row["NodeList"] == "None assigned" else row["NodeList"]
        output = _written(row["SubmitLine"], name, row["JobName"], row["User"], folder)
        job = Job(
            name, "", row["JobName"], row["User"], state, "", code, signal, row["SubmitLine"], folder,
            output, "", nodes, "", *times
        )  # fmt: skip
        jobs.append(job)
    return jobs


def _written(line: str, name: str, title: str, user: str, folder: str) -> str:
    """Where ``sbatch`` was told to write, or where it writes when told nothing."""
    number, _, task = name.partition("_")
    asked = _ASKED_FOR.search(line)
    pattern = asked.group(1) if asked else "slurm-%A_%a.out" if task else "slurm-%j.out"
    values = {"j": number, "J": number, "A": number, "a": task or "4294967294", "x": title, "u": user,
              "%": "%", "n": "0", "t": "0", "s": "batch"}  # fmt: skip

    def value(match: "re.Match[str]") -> str:
        return values.get(match.group(2), "").rjust(int(match.group(1) or 0), "0")

    return os.path.join(folder, _PATTERN.sub(value, pattern))


def _one(jobs: List[Job], word: str) -> Job:
    """The one job that is meant: the first part of a job of several, and no array as a whole."""
    exact = [one for one in jobs if word in (one.id, one.number)]
    tasks = [one for one in jobs if "_" in one.id]
    if ("_" not in word and len(tasks) > 1) or any("[" in one.id or "-" in one.id for one in tasks):
        numbers = ", ".join("slurm:" + one.id for one in tasks[:4])
        text = "the job {} is an array; its tasks are {}".format(word, numbers)
        raise TargetError(
            text, "name one or several: trainwatch attach 'slurm:{}_[0-3]'".format(word)
        )
    if exact or jobs:
        return (exact or jobs)[0]
    raise TargetError("Slurm knows no job {}".format(word), "see: squeue --me")


def _exit(text: str) -> Tuple[int, int]:
    """``3:0`` -> code and signal."""
    code, _, signal = text.partition(":")
    return (int(code) if code.isdigit() else 0), (int(signal) if signal.isdigit() else 0)


def hostnames(text: str) -> List[str]:
    """``gpu[01-03,7],cpu1`` -> the names of the machines, as ``scontrol show hostnames`` tells them."""
    found = []
    for word in re.findall(r"(?:[^,\[]|\[[^\]]*\])+", text):
        made = [""]
        for plain, ranges in re.findall(r"([^\[]+)|\[([^\]]*)\]", word):
            parts = _numbers(ranges) if ranges else [plain]
            made = [before + after for before in made for after in parts][:_MOST]
        found += made
    return found[:_MOST]


def _numbers(text: str) -> List[str]:
    """``01-03,7`` -> each of them, as wide as they are written."""
    found = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        if low.isdigit() and (high or low).isdigit():
            last = min(int(high or low), int(low) + _MOST)
            found += [str(n).rjust(len(low), "0") for n in range(int(low), last + 1)]
    return found


def when(text: str) -> Optional[float]:
    """A time as Slurm prints it, on the clock of this machine -> seconds since the epoch."""
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        return None  # "Unknown", "N/A", "None"


def _known(value: str) -> str:
    return "" if value in ("(null)", "N/A", "None", "Unknown") else value


def _line(text: str) -> str:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return lines[-1] if lines else "it failed without a word"
