"""A machine behind ssh: a real sshd on loopback with keys of its own and a home of its own."""

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

from trainwatch.link.ssh import SshDoor

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")

needs_sshd = pytest.mark.skipif(not (SSHD and shutil.which("ssh")), reason="there is no sshd here")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Box:
    """A machine behind ssh: its logins start ``shell`` in a home of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.port = free_port()
        self.entry = self.port  # where clients connect
        self.path = os.environ["PATH"]
        self.shell = "/bin/bash"
        self.before = ""
        self.within: Sequence[str] = ()  # what stands before the words that start the server
        self.lets_in = "UsePAM no\nKbdInteractiveAuthentication no\n"
        self.methods = "publickey"
        for name in ("host", "user"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Write everything down as it is now, and listen."""
        login = self.folder / "login"
        login.write_text(
            f"#!/bin/sh\nunset SHLVL\nexport HOME={self.home} PATH='{self.path}'"
            f" TRAINWATCH_STATE={self.folder}/state\n{self.before}\n"
            f'exec {self.shell} -c "$SSH_ORIGINAL_COMMAND"\n'
        )
        login.chmod(0o755)
        (self.folder / "keys").write_text((self.folder / "user.pub").read_text())
        (self.folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {self.folder}/keys\nStrictModes no\nPasswordAuthentication no\n"
            f"PermitRootLogin yes\nForceCommand {login}\nMaxStartups 100\n{self.lets_in}"
        )
        (self.folder / "ssh_config").write_text(
            f"Host box\n HostName 127.0.0.1\n Port {self.entry}\n IdentityFile {self.folder}/user\n"
            f" IdentitiesOnly yes\n UserKnownHostsFile {self.folder}/known\n GlobalKnownHostsFile /dev/null\n"
            f" PreferredAuthentications {self.methods}\n"
        )
        self.know((self.folder / "host.pub").read_text())
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd wants to be able to go
        command = [*self.within, str(SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        self._server = subprocess.Popen(command, stderr=subprocess.PIPE)
        assert self._server.stderr is not None
        while b"listening" not in self._server.stderr.readline():
            assert self._server.poll() is None
        threading.Thread(target=_let_flow, args=[self._server.stderr], daemon=True).start()

    def tell(self, setting: str) -> None:
        """Change how it is configured, while it runs."""
        assert self._server is not None
        config = self.folder / "sshd_config"
        name = setting.partition(" ")[0]
        kept = [x for x in config.read_text().splitlines() if not x.startswith(name)]
        config.write_text("\n".join([*kept, setting, ""]))
        self._server.send_signal(signal.SIGHUP)

    def know(self, key: str) -> None:
        (self.folder / "known").write_text(f"[127.0.0.1]:{self.entry} {key}")

    def lock(self, passphrase: str) -> None:
        """From now on the user's key opens only to the passphrase."""
        key = str(self.folder / "user")
        command = ["ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase, "-f", key]
        subprocess.run(command, check=True)

    def door(self, host: str = "box") -> SshDoor:
        return SshDoor(host, ["ssh", "-F", str(self.folder / "ssh_config")])

    def ssh(self) -> str:
        """A folder for the front of PATH: its ``ssh`` reads the configuration of this box."""
        where = self.folder / "client"
        where.mkdir(exist_ok=True)
        program = where / "ssh"
        program.write_text(
            f'#!/bin/sh\nexec {shutil.which("ssh")} -F {self.folder}/ssh_config "$@"\n'
        )
        program.chmod(0o755)
        return str(where)

    def only(self, **programs: str) -> None:
        """Nothing but a shell and these programs is on the path there."""
        where = self.folder / "bin"
        where.mkdir()
        for name, program in {"sh": "/bin/sh", "seq": "/usr/bin/seq", **programs}.items():
            (where / name).symlink_to(program)
        self.path = str(where)

    def sessions(self) -> list[int]:
        """The processes of the server that serve one login each."""
        assert self._server is not None
        pid = self._server.pid
        return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def end(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None


def _let_flow(said: IO[bytes]) -> None:
    """A full pipe would stop the server after some hundred logins."""
    with said:
        while said.read(1 << 12):
            pass


def lose(box: Box) -> None:
    """Every connection to it breaks, as when a server restarts."""
    for session in box.sessions():
        with suppress(ProcessLookupError):
            os.kill(session, signal.SIGKILL)


@contextmanager
def boxes(folder: Path, names: Sequence[str]) -> Iterator[dict[str, Box]]:
    """Several machines; ``ssh`` in the folder ``client`` knows them all by these names."""
    made: dict[str, Box] = {}
    for name in names:
        (folder / name).mkdir()
        made[name] = Box(folder / name)
    try:
        for box in made.values():
            box.start()
        known = [
            (box.folder / "ssh_config").read_text().replace("Host box\n", f"Host {name}\n")
            for name, box in made.items()
        ]
        (folder / "ssh_config").write_text("".join(known))
        client = folder / "client"
        client.mkdir()
        program = client / "ssh"
        program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
        program.chmod(0o755)
        yield made
    finally:
        for box in made.values():
            box.end()
