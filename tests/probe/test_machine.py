"""Readings of the host."""

import os
import time
from pathlib import Path

import pytest

from trainwatch.probe import machine
from trainwatch.probe.machine import Disk, Machine, disk_of


def test_the_numbers_are_those_of_this_machine(tmp_path: Path) -> None:
    disk = disk_of(str(tmp_path))
    reading = Machine().read(1.0, 2.0, disk)
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert reading.cores == os.cpu_count()
    assert reading.memory_total is not None
    assert reading.memory_used is not None
    assert 0 < reading.memory_used < reading.memory_total <= total * 1.05
    status = os.statvfs(tmp_path)
    assert reading.disk_total == status.f_blocks * status.f_frsize
    assert reading.disk_free is not None
    assert 0 <= reading.disk_free <= reading.disk_total
    assert (reading.disk, reading.at) == (str(tmp_path), 2.0)


def test_cores_in_use_need_two_looks_and_count_real_work() -> None:
    looked = Machine()
    began = time.monotonic()
    assert looked.read(began, 0.0, None).cpu is None
    end = time.thread_time() + 0.3
    while time.thread_time() < end:
        pass
    now = time.monotonic()
    cpu = looked.read(now, 0.0, None).cpu
    assert cpu is not None
    assert 0.25 / (now - began) < cpu <= (os.cpu_count() or 1) * 1.2


def test_unknown_stays_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(path: str) -> str:
        raise PermissionError(path)

    monkeypatch.setattr(machine, "_text", unreadable)
    reading = Machine().read(1.0, 2.0, None)
    assert (reading.cpu, reading.memory_used, reading.memory_total) == (None, None, None)
    assert (reading.disk, reading.disk_free, reading.disk_total) == ("", None, None)


@pytest.mark.parametrize("version", [0, 1])
def test_inside_a_container_the_limit_of_the_container_counts(
    version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, usage, statistics = machine._GROUPS[version]
    texts = {
        "/proc/meminfo": "MemTotal:  1000000 kB\nMemFree: 1 kB\nMemAvailable: 600000 kB\n",
        limit: "512000000\n",
        usage: "300000000\n",
        statistics: "anon 1\ninactive_file 100000000\ntotal_inactive_file 100000000\n",
    }

    def text(path: str) -> str:
        if path not in texts:
            raise FileNotFoundError(path)
        return texts[path]

    monkeypatch.setattr(machine, "_text", text)
    assert machine._memory() == (200_000_000, 512_000_000)
    texts[limit] = "max\n" if version == 0 else "9223372036854771712\n"
    assert machine._memory() == (400_000 * 1024, 1_000_000 * 1024)


def test_a_disk_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        disk_of(str(tmp_path / "none"))
    assert Disk("/x", 1, 2).free == 1
