"""NVIDIA GPUs, through the real binding and a FAKE driver library (tests/probe/fake_nvml)."""

import ctypes
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.probe.fake_nvml.build import DRIVERS, library, with_fake
from tests.probe.test_sampler import until
from trainwatch import facts
from trainwatch.probe import devices
from trainwatch.probe.devices import AbsentError, Fact, RestartError, families
from trainwatch.probe.devices.nvidia import Host, Nvidia
from trainwatch.probe.nvml import WORDS
from trainwatch.probe.sampler import Sampler

GIB = 1 << 30
Reading = facts.DeviceReading
Turns = list[list[Reading]]


class Script:
    """Drives one Nvidia family through scenarios and simulated seconds."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._family: Nvidia | None = None
        self.now = time.monotonic()

    def scenario(self, text: str) -> None:
        self._library.trainwatch_fake_nvml(text.encode("latin-1"))

    def start(self, text: str) -> None:
        self._family = None
        self.scenario(text)

    def read(self, seconds: float = 1.0) -> list[Reading]:
        self.now += seconds
        if self._family is None:
            self._family = Nvidia()
            self._family.open()
            for card in self._family._cards:
                card.alive = self.now
        return list(self._family.read(self.now))


def read(scenario: str, driver: str = "today", host: Host | None = None) -> list[Reading]:
    """One reading of every device under this scenario."""

    def work(library: ctypes.CDLL) -> list[Reading]:
        if host:
            Nvidia.host = host
        script = Script(library)
        script.scenario(scenario)
        return script.read()

    return with_fake(work, driver)


def absence(scenario: str) -> tuple[str, str]:
    """The sentence and the fix that are told when nothing can be read."""
    with pytest.raises(AbsentError) as caught:
        read(scenario)
    return caught.value.text, caught.value.fix


@pytest.fixture
def open_host(tmp_path: Path) -> Host:
    """A machine outside any container."""
    return host(tmp_path, "pid:[4026531836]")


def host(root: Path, namespace: str) -> Host:
    (root / "proc/self/ns").mkdir(parents=True)
    (root / "proc/self/ns/pid").symlink_to(namespace)
    return Host(str(root / "sys"), str(root / "proc"))


def test_the_family_is_found_in_its_folder() -> None:
    assert Nvidia in families()


def test_every_quantity_in_its_unit(open_host: Host) -> None:
    [it] = read("processes 4242:5368709120 77:1024", host=open_host)
    assert it.family == "nvidia"
    assert (it.index, it.uuid, it.name) == (0, "GPU-FAKE-0", "FAKE GPU")
    assert it.busy == 0.97
    assert (it.memory_used, it.memory_total) == (30 * GIB, 80 * GIB)
    assert (it.power, it.power_limit, it.temperature) == (612.345, 700.0, 61.0)
    assert it.throttle == ["power cap"]
    assert it.processes == [facts.GpuProcess(77, 1024), facts.GpuProcess(4242, 5 * GIB)]
    assert it.faults == []
    assert it.fake, "the stand-in is named as such"


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (0, []),
        (0x1, []),
        (0x4, ["power cap"]),
        (0x20, ["hot"]),
        (0x8 | 0x40 | 0x80, ["hardware slowdown", "too hot", "power brake"]),
        (0x200, ["reason 0x200"]),
    ],
)
def test_throttling_is_told_in_words(mask: int, words: list[str]) -> None:
    assert read(f"reasons {mask}")[0].throttle == words


# --- drivers that are not of today ------------------------------------------------------------


@pytest.mark.parametrize("driver", DRIVERS)
def test_old_drivers_give_the_same_truth(driver: str, open_host: Host) -> None:
    [it] = read("processes 4242:4243 4243:4244 4244:4245", driver, open_host)
    # A driver before 510 counts its own reserve (1 GiB here) as used.
    assert it.memory_used == (31 if driver == "470" else 30) * GIB
    assert (it.temperature, it.throttle) == (61.0, ["power cap"])
    assert it.processes == [facts.GpuProcess(pid, pid + 1) for pid in (4242, 4243, 4244)]
    assert it.faults == []


# --- answers that cannot be true --------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "cell"),
    [
        ("busy 4294967295", "busy"),
        ("busy 101", "busy"),
        ("total 18446744073709551615", "memory"),
        ("used 18446744073709551615", "memory"),
        ("total 0", "memory"),
        ("power 4294967295", "power"),
        ("limit 4294967295", "power_limit"),
        ("temperature 4294967295", "temperature"),
        ("temperature 2147483647", "temperature"),
        ("reasons 18446744073709551615", "throttle"),
    ],
)
def test_an_impossible_answer_is_no_number(scenario: str, cell: str) -> None:
    [it] = read(scenario)
    assert [name for name, _ in it.faults] == [cell]
    assert it.faults[0][1].startswith("the driver's answer cannot be true")
    values = {
        "busy": it.busy,
        "memory": it.memory_used or it.memory_total,
        "power": it.power,
        "power_limit": it.power_limit,
        "temperature": it.temperature,
        "throttle": it.throttle or None,
    }
    assert values.pop(cell) is None
    assert None not in values.values(), "and nothing else is touched"


def test_process_records_that_cannot_be_true_are_dropped(open_host: Host) -> None:
    [it] = read(
        "processes 0:5 4294967295:5 12:99999999999999 13:18446744073709551615 14:5 14:6",
        host=open_host,
    )
    assert it.processes == [facts.GpuProcess(13, None), facts.GpuProcess(14, 11)]


def test_a_name_that_is_no_text_is_shown_as_far_as_it_goes() -> None:
    [it] = read("name \xff\xfe\x80 GPU\x1b]0;pwned\x07")
    assert it.name.startswith("\ufffd\ufffd\ufffd GPU")
    assert it.busy == 0.97


# --- lists ------------------------------------------------------------------------------------


def test_a_long_process_list_arrives_whole(open_host: Host) -> None:
    [it] = read("processes " + " ".join(f"{pid}:1" for pid in range(1, 151)), host=open_host)
    assert [each.pid for each in it.processes] == list(range(1, 151))


def test_a_list_that_grows_too_fast_fails_alone(open_host: Host) -> None:
    [it] = read("grow 40000", host=open_host)
    assert it.faults == [("processes", "the driver's list keeps growing")]
    assert it.busy == 0.97


def test_several_gpus_and_their_slices() -> None:
    found = read("gpus 3\nmig.1 2\nbusy.2 5")
    assert [(it.index, it.uuid) for it in found] == [
        (0, "GPU-FAKE-0"),
        (1, "MIG-FAKE-1-0"),
        (1, "MIG-FAKE-1-1"),
        (2, "GPU-FAKE-2"),
    ]
    assert [it.busy for it in found] == [0.97, None, None, 0.05]
    assert found[1].faults == [("busy", "not supported")]
    assert found[1].power == 612.345, "the slice shares its GPU's power"


# --- containers -------------------------------------------------------------------------------


def test_in_a_container_only_processes_that_hold_a_gpu_are_believed(tmp_path: Path) -> None:
    inside = host(tmp_path, "pid:[4026532999]")
    for pid, device in ((7, "/dev/nvidia0"), (8, "/dev/null")):
        (tmp_path / f"proc/{pid}/fd").mkdir(parents=True)
        (tmp_path / f"proc/{pid}/fd/3").symlink_to(device)
    [it] = read("processes 7:70 8:80 9000:90", host=inside)
    assert it.processes == [facts.GpuProcess(7, 70)]
    assert it.faults == []


@pytest.mark.parametrize("scenario", ["processes 8:80", "used 30000000000"])
def test_in_a_container_invisible_processes_are_named(scenario: str, tmp_path: Path) -> None:
    [it] = read(scenario, host=host(tmp_path, "pid:[4026532999]"))
    assert it.processes == []
    assert it.faults == [("processes", "processes are not visible from inside this container")]


def test_an_idle_gpu_in_a_container_has_no_fault(tmp_path: Path) -> None:
    [it] = read("used 1000", host=host(tmp_path, "pid:[4026532999]"))
    assert it.faults == []


def test_a_real_pid_namespace_never_joins_by_accident() -> None:
    unshare = shutil.which("unshare")
    command = ["--pid", "--fork", "--mount-proc", "--user", "--map-root-user"]
    if (
        not unshare
        or subprocess.run([unshare, *command, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no permission to make a PID namespace here")
    code = (
        "import json, sys; sys.path[:0] = json.loads(sys.argv[1])\n"
        "from trainwatch.probe.devices.nvidia import Nvidia\n"
        "it = Nvidia(); it.open()\n"
        "[reading] = it.read(it._cards[0].alive)\n"
        "print(json.dumps([reading.processes, reading.faults]))"
    )
    folder = library().parent
    (folder / "scenario").write_text("processes 1:5000000")
    done = subprocess.run(
        [unshare, *command, sys.executable, "-c", code, json.dumps(sys.path)],
        env={
            **os.environ,
            "LD_LIBRARY_PATH": str(folder),
            "TRAINWATCH_FAKE_NVML": str(folder / "scenario"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    processes, faults = json.loads(done.stdout)
    assert processes == [], "pid 1 is somebody, but not the one the driver means"
    assert faults == [["processes", "processes are not visible from inside this container"]]


# --- lost, gone, asleep, mute -----------------------------------------------------------------


def test_a_lost_gpu_keeps_its_row_and_the_others_live() -> None:
    def work(library: ctypes.CDLL) -> Turns:
        script = Script(library)
        script.scenario("gpus 2")
        before = script.read()
        script.scenario("gpus 2\nlost.0 1")
        return [before, *[script.read() for _ in range(70)]]

    before, *after = with_fake(work)
    assert [it.busy for it in before] == [0.97, 0.97]
    for lost, alive in after:
        assert (lost.index, lost.uuid) == (0, "GPU-FAKE-0")
        assert lost.faults == [("*", "GPU is lost")]
        assert (lost.busy, lost.memory_used, lost.power, lost.throttle) == (None, None, None, [])
        assert (alive.uuid, alive.busy, alive.faults) == ("GPU-FAKE-1", 0.97, [])


def test_when_every_gpu_is_lost_a_fresh_process_is_wanted() -> None:
    def work(library: ctypes.CDLL) -> int:
        script = Script(library)
        script.scenario("gpus 2")
        script.read()
        script.scenario("gpus 2\nlost 1")
        for second in range(30):
            try:
                script.read()
            except RestartError:
                return second
        return -1

    assert 3 <= with_fake(work) <= 10


@pytest.mark.parametrize("after", ["gpus 1", "gpus 3", "gpus 2\nmig.0 1"])
def test_a_changed_count_wants_a_fresh_process(after: str) -> None:
    def work(library: ctypes.CDLL) -> None:
        script = Script(library)
        script.scenario("gpus 2")
        script.read()
        script.scenario(after)
        for _ in range(10):
            script.read()

    with pytest.raises(RestartError):
        with_fake(work)


def test_a_board_without_telemetry_says_so_and_shows_no_zero() -> None:
    symbols = [symbol for symbol in SYMBOLS if "Handle" not in symbol and "Count" not in symbol]
    [it] = read("\n".join(f"fail {symbol} 3" for symbol in symbols if "Init" not in symbol))
    assert it.faults == [("*", "the driver gives no figures for this board")]
    assert (it.busy, it.memory_used, it.memory_total, it.power) == (None, None, None, None)


def sleeping(root: Path, *states: str) -> Host:
    made = host(root, "pid:[4026531836]")
    for number, state in enumerate(states):
        device = root / f"sys/bus/pci/devices/0000:{0x19 + number:02x}:00.0"
        (device / "power").mkdir(parents=True)
        (device / "vendor").write_text("0x10de\n")
        (device / "class").write_text("0x030000\n")
        (device / "power/runtime_status").write_text(state + "\n")
    return made


def test_a_sleeping_gpu_is_not_asked_anything(tmp_path: Path) -> None:
    def work(library: ctypes.CDLL) -> Turns:
        Nvidia.host = sleeping(tmp_path, "active", "active")
        script = Script(library)
        script.scenario("gpus 2")
        before = script.read()
        (tmp_path / "sys/bus/pci/devices/0000:1a:00.0/power/runtime_status").write_text("suspended")
        script.scenario("gpus 2\n" + "\n".join(f"fail.1 {s} 999" for s in SYMBOLS))
        return [before, script.read()]

    _, (awake, asleep) = with_fake(work)
    assert awake.busy == 0.97
    assert (asleep.uuid, asleep.faults) == ("GPU-FAKE-1", [("*", "asleep")])


def test_nvml_is_not_even_started_while_all_gpus_sleep(tmp_path: Path) -> None:
    host = sleeping(tmp_path, "suspended", "suspended")
    with pytest.raises(AbsentError) as caught:
        read("", host=host)
    assert caught.value.soon
    assert "sleeps" in caught.value.text


# --- nothing to read --------------------------------------------------------------------------


def test_without_the_library_one_sentence_says_so() -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has an NVIDIA driver")
    with pytest.raises(AbsentError) as caught:
        Nvidia().open()
    assert "libnvidia-ml.so.1 was not found" in caught.value.text
    assert caught.value.fix


@pytest.mark.parametrize(
    ("scenario", "sentence"),
    [
        ("fail nvmlInitWithFlags 9", "kernel driver is not loaded"),
        ("fail nvmlInitWithFlags 18", "updated underneath"),
        ("fail nvmlInitWithFlags 4", "No permission"),
        ("fail nvmlInitWithFlags 999", "does not start: unknown driver error"),
        ("fail nvmlInitWithFlags 13", "it is too old"),
        ("gpus 0", "no GPU: none listed"),
        ("fail nvmlDeviceGetCount_v2 999", "no GPU: unknown driver error"),
    ],
)
def test_each_reason_for_nothing_has_its_sentence(scenario: str, sentence: str) -> None:
    text, fix = absence(scenario)
    assert sentence in text
    assert fix or "does not start" in text


# --- every error of every symbol, at the first and at a later call -----------------------------

SYMBOLS = {
    "nvmlInitWithFlags": "open",
    "nvmlDeviceGetCount_v2": "open",
    "nvmlDeviceGetHandleByIndex_v2": "*",
    "nvmlDeviceGetMigMode": "",
    "nvmlDeviceGetPciInfo_v3": "",
    "nvmlDeviceGetUUID": "uuid",
    "nvmlDeviceGetName": "name",
    "nvmlDeviceGetUtilizationRates": "busy",
    "nvmlDeviceGetMemoryInfo_v2": "memory",
    "nvmlDeviceGetMemoryInfo": "memory",
    "nvmlDeviceGetPowerUsage": "power",
    "nvmlDeviceGetEnforcedPowerLimit": "power_limit",
    "nvmlDeviceGetTemperatureV": "temperature",
    "nvmlDeviceGetTemperature": "temperature",
    "nvmlDeviceGetCurrentClocksEventReasons": "throttle",
    "nvmlDeviceGetCurrentClocksThrottleReasons": "throttle",
    "nvmlDeviceGetComputeRunningProcesses_v3": "processes",
    "nvmlDeviceGetComputeRunningProcesses_v2": "processes",
    "nvmlDeviceGetComputeRunningProcesses": "processes",
}
CODES = [*range(1, 31), 999]
TRUTH: dict[str, list[object]] = {
    "uuid": ["GPU-FAKE-0"],
    "name": ["FAKE GPU"],
    "busy": [0.97],
    "memory_used": [30 * GIB, 31 * GIB],
    "memory_total": [80 * GIB],
    "power": [612.345],
    "power_limit": [700.0],
    "temperature": [61.0],
    "throttle": [["power cap"]],
    "processes": [[facts.GpuProcess(4242, 5)]],
}
FIELDS = {"memory": ["memory_used", "memory_total"], "*": list(TRUTH), "": []}


def wrong(symbol: str, cell: str, it: Reading) -> Iterator[str]:
    """Every way in which this reading is not what a failure of ``cell`` may lead to."""
    touched = FIELDS.get(cell, [cell])
    faults = [name for name, _ in it.faults]
    if set(faults) - {cell}:
        yield f"{symbol}: faults {it.faults}"
    for field, truth in TRUTH.items():
        value = getattr(it, field)
        if value in truth:
            continue
        if field not in touched or value not in (None, [], ""):
            yield f"{symbol}: {field} is {value!r}"
        if cell not in faults:
            yield f"{symbol}: {field} is missing without a word"


def aftermath(script: Script, symbol: str, cell: str, failure: str) -> Iterator[str]:
    """What one failure did beyond what it may do, and whether the cell comes back after it."""
    script.start("processes 4242:5\nfail " + failure)
    try:
        for _ in range(12):
            for it in script.read():
                yield from wrong(failure, cell, it)
        script.scenario("processes 4242:5")
        [it] = script.read(61)
        if it.faults:
            yield f"{failure}: no recovery, {it.faults}"
    except AbsentError as absent:
        if cell != "open" or not absent.text:
            yield f"{failure}: {absent.text!r}"
    except RestartError:
        if cell != "*":
            yield f"{failure}: a restart"


@pytest.mark.parametrize("driver", DRIVERS)
def test_no_error_code_of_any_symbol_touches_more_than_its_cell(
    driver: str, open_host: Host
) -> None:
    failures = [
        (symbol, cell, f"{symbol} {code} {nth}")
        for symbol, cell in SYMBOLS.items()
        for code in CODES
        for nth in (1, 3)
    ]
    assert len(failures) == 31 * len(SYMBOLS) * 2

    def work(library: ctypes.CDLL) -> list[str]:
        Nvidia.host = open_host
        script = Script(library)
        return [problem for failure in failures for problem in aftermath(script, *failure)][:20]

    assert with_fake(work, driver) == []


def test_every_code_has_words_of_its_own_or_its_number() -> None:
    said = read("\n".join(f"fail.{gpu} nvmlDeviceGetPowerUsage {code}"
                          for gpu, code in enumerate((4, 10, 19, 24))) + "\ngpus 4")  # fmt: skip
    assert [dict(it.faults)["power"] for it in said] == [
        "no permission", "the driver did not answer in time", "in use by another", "driver error 24",
    ]  # fmt: skip
    assert all(words == words.strip() and words for words in WORDS.values())


def test_a_failing_cell_is_asked_ever_more_rarely_and_an_unsupported_one_each_minute() -> None:
    def work(library: ctypes.CDLL) -> dict[str, list[float]]:
        script = Script(library)
        asked: dict[str, list[float]] = {"power": [], "busy": []}

        def spy(cell: str, code: int) -> Callable[[object], float]:
            def answer(_: object) -> float:
                asked[cell].append(script.now)
                from trainwatch.probe import nvml

                raise nvml.meaning(code)

            return answer

        script.scenario("")
        script.read()
        assert script._family
        source = script._family._nvml
        source.power = spy("power", 999)  # type: ignore[assignment]
        source.busy = spy("busy", 3)  # type: ignore[assignment]
        for _ in range(200):
            script.read()
        return asked

    asked = with_fake(work)
    gaps = [round(b - a) for a, b in zip(asked["power"], asked["power"][1:], strict=False)]
    assert gaps == [1, 2, 4, 8, 16, 32, 60, 60]
    gaps = [round(b - a) for a, b in zip(asked["busy"], asked["busy"][1:], strict=False)]
    assert gaps == [60, 60, 60]


# --- the whole way: probe process, forked sampler, real binding, FAKE driver ------------------


class Preloaded(Nvidia):
    """Loads the FAKE library into the sampler's process, where the binding then finds it."""

    path = ""

    def open(self) -> None:
        ctypes.CDLL(self.path)
        super().open()


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRAINWATCH_FAKE_NVML", str(tmp_path / "scenario"))
    monkeypatch.setattr(Preloaded, "path", str(library()))
    (tmp_path / "scenario").write_text("gpus 2\n")
    return tmp_path / "scenario"


def change(scenario: Path, text: str) -> None:
    """Swap the scenario in one step: the library must never read half of it."""
    scenario.with_suffix(".new").write_text(text)
    scenario.with_suffix(".new").replace(scenario)


def test_a_driver_call_that_hangs_for_ten_minutes_stops_nothing(scenario: Path) -> None:
    change(scenario, "gpus 2\nhang.1 nvmlDeviceGetPowerUsage 600000\n")
    sampler = Sampler(0.05, silence=0.4, families=[Preloaded])
    began = time.monotonic()
    found = until(sampler, lambda found: any(isinstance(f, facts.Trouble) for f in found))
    assert time.monotonic() - began < 6
    assert [f.index for f in found if isinstance(f, facts.DeviceReading)] == [0], "sent at once"
    assert isinstance(found[-1], facts.Trouble)
    assert found[-1].text.startswith("no answer from the driver for ")
    began = time.monotonic()
    sampler.close()
    assert time.monotonic() - began < 0.05


def test_a_gpu_that_falls_off_and_comes_back(scenario: Path) -> None:
    sampler = Sampler(0.02, families=[Preloaded])

    def state(index: int, busy: float | None) -> Callable[[list[Fact]], bool]:
        return lambda found: any(
            isinstance(f, facts.DeviceReading) and f.index == index and f.busy == busy
            for f in found
        )

    until(sampler, state(1, 0.97))
    change(scenario, "gpus 2\nlost.1 1\n")
    found = until(sampler, state(1, None))
    lost = found[-1]
    assert isinstance(lost, facts.DeviceReading)
    assert (lost.uuid, lost.faults) == ("GPU-FAKE-1", [("*", "GPU is lost")])
    change(scenario, "gpus 2\n")
    found = until(sampler, state(1, 0.97))
    assert not [f for f in found if isinstance(f, facts.Trouble)]
    sampler.close()


def test_a_killed_sampler_is_replaced_and_goes_on(scenario: Path) -> None:
    sampler = Sampler(0.05, families=[Preloaded])
    until(sampler, bool)
    os.kill(sampler._pid, signal.SIGKILL)
    found = until(sampler, lambda found: bool(found) and isinstance(found[-1], facts.DeviceReading))
    told = [f.text for f in found if isinstance(f, facts.Trouble)]
    assert told == ["reading the devices broke off; it starts again by itself", ""]
    sampler.close()


def test_ring_0_with_the_binding_runs_from_one_zip(tmp_path: Path, scenario: Path) -> None:
    """As it is shipped: nothing but one archive on the path, no site-packages."""
    package = Path(devices.__file__).parents[2]
    binding = importlib.util.find_spec("pynvml")
    assert binding
    assert binding.origin
    archive = tmp_path / "ring0.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.write(binding.origin, "pynvml.py")
        for name in ("__init__.py", "facts.py", "wire.py"):
            zipped.write(package / name, f"trainwatch/{name}")
        for path in (package / "probe").rglob("*.py"):
            zipped.write(path, path.relative_to(package.parent))
    code = (
        "import select, sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from trainwatch.probe import devices\n"
        "sampler = devices.start(); found = []\n"
        "while not found:\n"
        "    select.select([sampler.fileno()], [], [], 30)\n"
        "    found = sampler.read_facts()\n"
        "sampler.close(); print(found[0].name, found[0].busy, found[0].fake)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(archive)],
        env={**os.environ, "LD_LIBRARY_PATH": str(library().parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("FAKE GPU 0.97 True\n", "")
