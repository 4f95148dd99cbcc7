"""NVIDIA GPUs through NVML (``nvidia-ml-py``, module ``pynvml``).

The law of this file: a GPU is a row of cells, each with its own fate. A GPU that is lost keeps its
row, a GPU that sleeps is not woken, and nothing is loaded before ``open``: all of this runs in the
sampler's process only.
"""

import os
import time
import warnings
from typing import Any, Iterable, List, NamedTuple, Tuple

from trainwatch import facts
from trainwatch.probe import nvml
from trainwatch.probe.cells import EVERY_TIME, ONCE, Cell, FailingError, UnsupportedError
from trainwatch.probe.devices import AbsentError, Family, RestartError

LIBRARY = "libnvidia-ml.so.1"
FAKE_MARK = "trainwatch_fake_nvml"  # a stand-in library made for tests exports this
PROCESSES_EVERY = 5.0
LAYOUT_EVERY = 5.0
LIMITS_EVERY = 60.0
ALL_DEAD = 3.0  # seconds without one answer from any GPU before starting afresh
ONE_DEAD = 300.0
HIDDEN = 512 << 20  # so much memory in use and nobody listed: somebody is not shown to us


class Place(NamedTuple):
    """Where the driver lists a device: the GPU's index and the MIG slice, -1 for the whole GPU."""

    gpu: int
    part: int


class Host(NamedTuple):
    """What the machine itself tells about its GPUs and processes."""

    sysfs: str = "/sys"
    proc: str = "/proc"


class Nvidia(Family):
    """All NVIDIA GPUs, and their MIG slices, that the driver shows to us."""

    host = Host()

    def open(self) -> None:
        """Load the library and start NVML. Raises AbsentError."""
        if gpus_sleep(self.host.sysfs):
            raise AbsentError("The GPU sleeps; it is read as soon as it is used.", soon=True)
        self._nvml = load()
        self._layout = Cell("layout", LAYOUT_EVERY, self._find_places)
        self._places = self._layout.sample(time.monotonic()) or []
        if not self._places:
            raise AbsentError(
                "The NVIDIA driver is here, but no GPU: {}.".format(
                    self._layout.fault or "none listed"
                ),
                "A container must be started with access to the GPUs (--gpus all).",
            )
        self._cards = [Card(self._nvml, place, self.host) for place in self._places]

    def read(self, now: float) -> Iterable[facts.DeviceReading]:
        """One reading per GPU or MIG slice. Raises RestartError when NVML must be started afresh."""
        if (self._layout.sample(now) or self._places) != self._places:
            raise RestartError  # indices have shifted: every handle may mean another GPU now
        for card in self._cards:
            yield card.reading(now)
        silence = [now - card.alive for card in self._cards]
        if min(silence) > ALL_DEAD or max(silence) > ONE_DEAD:
            raise RestartError

    def _find_places(self) -> List[Place]:
        places: List[Place] = []
        for index in range(self._nvml.ask("nvmlDeviceGetCount")):
            parts = self._slices(index) or [-1]
            places += [Place(index, part) for part in parts]
        return places

    def _slices(self, index: int) -> List[int]:
        """The MIG slices of a GPU that is cut into them."""
        ask = self._nvml.ask
        try:
            gpu = ask("nvmlDeviceGetHandleByIndex", index)
            if ask("nvmlDeviceGetMigMode", gpu)[0] != 1:
                return []
            return [part for part in range(ask("nvmlDeviceGetMaxMigDeviceCount", gpu))
                    if self._is_there(gpu, part)]  # fmt: skip
        except (UnsupportedError, FailingError):
            return []

    def _is_there(self, gpu: Any, part: int) -> bool:
        try:
            self._nvml.ask("nvmlDeviceGetMigDeviceHandleByIndex", gpu, part)
        except (UnsupportedError, FailingError):
            return False
        return True


FAMILY = Nvidia


class Card:
    """One GPU or MIG slice. Power, heat and clocks of a slice are those of its GPU."""

    def __init__(self, source: nvml.Nvml, place: Place, host: Host) -> None:
        self.alive = time.monotonic()  # when the driver last answered anything about it
        self._nvml = source
        self._place = place
        self._host = host
        self._contained = nvml.in_container(host.proc)
        self._pci = ""
        self._gpu: Any = None
        self._mine: Any = None  # the same, or the slice
        self._handle = Cell("*", ONCE, self._find)
        self._uuid = Cell("uuid", ONCE, lambda: source.text("nvmlDeviceGetUUID", self._mine))
        self._name = Cell("name", ONCE, lambda: source.text("nvmlDeviceGetName", self._mine))
        self._busy = Cell("busy", EVERY_TIME, lambda: source.busy(self._mine))
        self._memory = Cell("memory", EVERY_TIME, lambda: source.memory(self._mine))
        self._power = Cell("power", EVERY_TIME, lambda: source.power(self._gpu))
        self._heat = Cell("temperature", EVERY_TIME, lambda: source.temperature(self._gpu))
        self._throttle = Cell("throttle", EVERY_TIME, lambda: source.throttle(self._gpu))
        self._limit = Cell("power_limit", LIMITS_EVERY, lambda: source.power_limit(self._gpu))
        self._processes = Cell("processes", PROCESSES_EVERY, self._find_processes)
        # The quick cells tell whether it lives: the others remember their last answer for long.
        self._vital: Tuple[Cell[Any], ...] = (
            self._busy, self._memory, self._power, self._heat, self._throttle,
        )  # fmt: skip
        self._cells = (self._uuid, self._name, *self._vital, self._limit, self._processes)

    def reading(self, now: float) -> facts.DeviceReading:
        """What is known of it now."""
        if self._pci and asleep(self._host.sysfs, self._pci):
            self.alive = now
            return self._without_figures("asleep")
        if not self._handle.sample(now):
            return self._without_figures(self._handle.fault)
        for cell in self._cells:
            cell.sample(now)
        asked = [cell for cell in self._vital if cell.supported]
        if asked and all(cell.code for cell in asked):
            return self._without_figures(asked[0].fault)
        self.alive = now
        if not asked:
            return self._without_figures("the driver gives no figures for this board")
        return self._with_figures()

    def _with_figures(self) -> facts.DeviceReading:
        used, total = self._memory.value or (None, None)
        return self._without_figures("")._replace(
            busy=self._busy.value,
            memory_used=used,
            memory_total=total,
            power=self._power.value,
            power_limit=self._limit.value,
            temperature=self._heat.value,
            throttle=self._throttle.value or [],
            processes=self._processes.value or [],
            faults=[(cell.name, cell.fault) for cell in self._cells if cell.fault],
        )

    def _without_figures(self, why: str) -> facts.DeviceReading:
        return facts.DeviceReading(
            family="nvidia",
            index=self._place.gpu,
            uuid=self._uuid.value or "",
            name=self._name.value or "",
            busy=None,
            memory_used=None,
            memory_total=None,
            power=None,
            power_limit=None,
            temperature=None,
            throttle=[],
            processes=[],
            faults=[("*", why)],
            fake=self._nvml.has(FAKE_MARK),
            at=time.time(),
        )

    def _find(self) -> bool:
        index, part = self._place
        self._gpu = self._mine = self._nvml.ask("nvmlDeviceGetHandleByIndex", index)
        if part >= 0:
            self._mine = self._nvml.ask("nvmlDeviceGetMigDeviceHandleByIndex", self._gpu, part)
        try:
            pci = self._nvml.ask("nvmlDeviceGetPciInfo", self._gpu)
            self._pci = "{:04x}:{:02x}:{:02x}.0".format(pci.domain, pci.bus, pci.device)
        except (UnsupportedError, FailingError):
            self._pci = ""  # then nobody can tell whether it sleeps
        return True

    def _find_processes(self) -> List[facts.GpuProcess]:
        used, total = self._memory.value or (None, None)
        listed = self._nvml.processes(self._mine, total)
        if not self._contained:
            return listed
        # The driver may number processes as the host does: believe only what we can see ourselves.
        ours = [each for each in listed if nvml.holds_a_device(each.pid, self._host.proc)]
        if not ours and (listed or (used or 0) > HIDDEN):
            raise FailingError("processes are not visible from inside this container")
        return ours


def load() -> nvml.Nvml:
    """NVML, started. Raises AbsentError with the reason in one sentence."""
    import ctypes  # noqa: PLC0415 - only the sampler's process pays for it

    try:
        ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise _no_library(str(error)) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old package named pynvml warns on every import
        try:
            import pynvml  # noqa: PLC0415
        except ImportError:
            raise AbsentError(
                "An NVIDIA driver is here, but Python's module pynvml is not.",
                "Install it: pip install nvidia-ml-py",
            ) from None
    if not hasattr(pynvml, "nvmlInitWithFlags"):
        raise AbsentError(
            "Another package has replaced the module pynvml.",
            "pip uninstall pynvml nvidia-ml-py3; pip install --force-reinstall nvidia-ml-py",
        )
    source = nvml.Nvml(pynvml)
    try:
        source.ask("nvmlInit")
    except (UnsupportedError, FailingError) as error:
        raise _no_start(getattr(error, "code", 0), str(error)) from None
    return source


def _no_library(why: str) -> AbsentError:
    if "No such file" in why:
        return AbsentError(
            "No NVIDIA GPU here: the driver's library {} was not found.".format(LIBRARY),
            "If there is a GPU, install its driver; start a container with --gpus all.",
        )
    return AbsentError("The NVIDIA driver's library cannot be loaded: {}.".format(why))


def _no_start(code: int, why: str) -> AbsentError:
    if code == nvml.DRIVER_NOT_LOADED:
        return AbsentError(
            "The NVIDIA library is here, but its kernel driver is not loaded.",
            "Load it: sudo nvidia-smi, or reboot.",
        )
    if code == nvml.MISMATCH:
        return AbsentError(
            "The NVIDIA driver was updated underneath: library and kernel driver differ.",
            "Reboot, or reload the kernel module nvidia.",
        )
    if code == nvml.NO_PERMISSION:
        return AbsentError(
            "No permission to use the NVIDIA driver.", "Check the rights of /dev/nvidia*."
        )
    return AbsentError("The NVIDIA driver does not start: {}.".format(why or "it is too old"))


# --- sleeping laptop GPUs: https://docs.kernel.org/power/runtime_pm.html -----------------------


def asleep(sysfs: str, pci: str) -> bool:
    """Whether this PCI device is powered down. Asking its driver would wake it."""
    return _word("{}/bus/pci/devices/{}/power/runtime_status".format(sysfs, pci)) == "suspended"


def gpus_sleep(sysfs: str) -> bool:
    """Whether there are NVIDIA GPUs and all of them sleep. Even starting NVML would wake one."""
    folder = sysfs + "/bus/pci/devices/"
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    gpus = [
        name
        for name in names
        if _word(folder + name + "/vendor") == "0x10de"
        and _word(folder + name + "/class").startswith("0x03")
    ]
    return bool(gpus) and all(asleep(sysfs, name) for name in gpus)


def _word(path: str) -> str:
    try:
        with open(path) as file:
            return file.read(64).strip()
    except (OSError, ValueError):
        return ""
