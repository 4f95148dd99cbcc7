"""A real Slurm of two nodes on one machine, for tests: its own keys, ports and folders, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "scancel")
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
_CONFIGURATION = """\
ClusterName=tiny
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
AuthType=auth/munge
AuthInfo=socket={home}/munge.socket
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool-%n
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd-%n.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=3
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=1 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=60 State=UP
"""


def missing() -> str:
    """Why there can be none here; "" when there can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]
    if absent:
        return f"no Slurm here: {absent[0]} is not installed (slurm-wlm, munge)"
    return "" if os.geteuid() == 0 else "a Slurm of our own needs root"


@contextmanager
def slurm(home: Path) -> Iterator[dict[str, str]]:
    """The environment in which Slurm's commands reach it. Raises RuntimeError when it does not come up."""
    host = socket.gethostname().partition(".")[0]
    for name in ("state", "spool-n1", "spool-n2"):
        (home / name).mkdir()
    key = home / "munge.key"
    key.write_bytes(os.urandom(256))
    key.chmod(0o400)
    controller, first, second = _free_ports()
    (home / "slurm.conf").write_text(
        _CONFIGURATION.format(
            host=host, home=home, controller=controller, first=first, second=second, user="root"
        )
    )
    env = {**os.environ, "SLURM_CONF": str(home / "slurm.conf"), "PATH": _PATH}
    daemons = [
        ["munged", "--foreground", "--force", f"--socket={home}/munge.socket", f"--key-file={key}",
         f"--pid-file={home}/munged.pid", f"--log-file={home}/munged.log",
         f"--seed-file={home}/munged.seed"],
        ["slurmctld", "-D", "-c"],
        ["slurmd", "-D", "-N", "n1"],
        ["slurmd", "-D", "-N", "n2"],
    ]  # fmt: skip
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in daemons:
            quiet = subprocess.DEVNULL
            started.append(subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet))
            _wait_for(home / "munge.socket")
        _wait_until_idle(env, home)
        yield env
    finally:
        for daemon in reversed(started):
            daemon.terminate()
        for daemon in started:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def _free_ports() -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _wait_for(path: Path) -> None:
    end = time.monotonic() + 10
    while not path.exists():
        if time.monotonic() > end:
            raise RuntimeError("munged does not come up")
        time.sleep(0.05)


def _wait_until_idle(env: dict[str, str], home: Path) -> None:
    end = time.monotonic() + 40
    while True:
        told = subprocess.run(
            ["sinfo", "-h", "-o", "%T"], env=env, capture_output=True, text=True, check=False
        )
        if told.stdout.strip() == "idle":
            return
        if time.monotonic() > end:
            last = (home / "slurmctld.log").read_text()[-400:]
            raise RuntimeError(f"the node is {told.stdout.strip() or told.stderr.strip()}: {last}")
        time.sleep(0.2)
