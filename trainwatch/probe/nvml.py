"""What the NVIDIA Management Library answers, quantity by quantity.

The law of this file: only numbers that the driver gave and that can be true leave it; everything
else is UnsupportedError or FailingError in plain words. ``except NVMLError`` would not do: the
binding also raises LibraryMismatch, UnicodeDecodeError and AttributeError.

Meaning of codes, structures and reasons: nvml.h of the CUDA toolkit,
https://docs.nvidia.com/deploy/nvml-api/.
"""

import ctypes
import os
import struct
from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar

from trainwatch import facts
from trainwatch.probe.cells import FailingError, UnsupportedError

T = TypeVar("T")

NOT_SUPPORTED = 3
NO_PERMISSION = 4
DRIVER_NOT_LOADED = 9
MISMATCH = 18
_INSUFFICIENT_SIZE = 7
_OLDER_DRIVER = (13, 25)  # the function, or this version of its structure, is not there

WORDS = {
    1: "the driver lost its state",
    2: "the driver rejects the question",
    4: "no permission",
    6: "not found",
    7: "the driver's list keeps growing",
    8: "the power cable is not connected",
    9: "the kernel driver is not loaded",
    10: "the driver did not answer in time",
    11: "interrupt trouble",
    14: "the board's own memory (infoROM) is corrupted",
    15: "GPU is lost",
    16: "GPU needs a reset",
    17: "blocked by the operating system",
    18: "driver and library do not match",
    19: "in use by another",
    20: "the driver is out of memory",
    21: "no data yet",
    27: "not ready",
    28: "GPU is gone",
    29: "not possible in this state",
    999: "unknown driver error",
}

# Being idle (0x1) is no throttling; "busy" tells it.
REASONS = [
    (0x2, "application clocks"),
    (0x4, "power cap"),
    (0x8, "hardware slowdown"),
    (0x10, "sync boost"),
    (0x20, "hot"),
    (0x40, "too hot"),
    (0x80, "power brake"),
    (0x100, "display clocks"),
]
_IDLE = 0x1

_NOT_AVAILABLE = (1 << 64) - 1
_RECORD = struct.Struct("<IxxxxQII")  # pid, memory, GPU instance, compute instance
_RECORD_535 = struct.Struct("<IxxxxQIIQ")  # ... and protected memory
_RECORD_FIRST = struct.Struct("<IxxxxQ")


class Nvml:
    """The loaded binding, asked so that only UnsupportedError and FailingError come back."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    def has(self, symbol: str) -> bool:
        """Whether the driver's library exports this."""
        return hasattr(self._binding.nvmlLib, symbol)

    def ask(self, name: str, *arguments: Any) -> Any:
        """Call the binding's function."""
        try:
            return getattr(self._binding, name)(*arguments)
        except Exception as error:  # noqa: BLE001 - see the law of this file
            code = getattr(error, "value", None)
            if isinstance(code, int):
                raise meaning(code) from None
            if isinstance(error, AttributeError) or "Mismatch" in type(error).__name__:
                raise UnsupportedError from None
            raise FailingError("unreadable ({})".format(type(error).__name__)) from None

    def call(self, symbol: str, *arguments: Any) -> None:
        """Call the driver's function where the binding is not good enough."""
        try:
            function = getattr(self._binding.nvmlLib, symbol)
        except AttributeError:
            raise UnsupportedError from None
        code = function(*arguments)
        if code:
            raise meaning(code)

    def text(self, symbol: str, handle: Any) -> str:
        """A name. Drivers have returned bytes that are no UTF-8, at which the binding gives up."""
        room = ctypes.create_string_buffer(96)
        self.call(symbol, handle, room, ctypes.c_uint(len(room)))
        return room.value.decode("utf-8", "replace").strip()

    def busy(self, handle: Any) -> float:
        """Share of the driver's last window (1/6 .. 1 s) in which any kernel ran."""
        percent = self.ask("nvmlDeviceGetUtilizationRates", handle).gpu
        return float(_sane(percent, 0, 100, "%")) / 100

    def memory(self, handle: Any) -> Tuple[int, int]:
        """Bytes used and bytes there are. Drivers before 510 count their own reserve as used."""
        version = getattr(self._binding, "nvmlMemory_v2", 0x02000028)
        info = first(
            lambda: self.ask("nvmlDeviceGetMemoryInfo", handle, version),
            lambda: self.ask("nvmlDeviceGetMemoryInfo", handle),
        )
        total = _sane(info.total, 1, 1 << 50, "bytes")
        return _sane(info.used, 0, total, "bytes used"), total

    def power(self, handle: Any) -> float:
        """Watts."""
        return _sane(self.ask("nvmlDeviceGetPowerUsage", handle), 0, 10**8, "mW") / 1000

    def power_limit(self, handle: Any) -> float:
        """Watts."""
        return _sane(self.ask("nvmlDeviceGetEnforcedPowerLimit", handle), 1, 10**8, "mW") / 1000

    def temperature(self, handle: Any) -> float:
        """Degrees Celsius of the chip."""
        degrees = first(
            lambda: self.ask("nvmlDeviceGetTemperatureV", handle, 0),
            lambda: self.ask("nvmlDeviceGetTemperature", handle, 0),
        )
        return float(_sane(getattr(degrees, "temperature", degrees), 0, 250, "degrees"))

    def throttle(self, handle: Any) -> List[str]:
        """Why the clocks are held down, in words."""
        mask = first(
            lambda: self.ask("nvmlDeviceGetCurrentClocksEventReasons", handle),
            lambda: self.ask("nvmlDeviceGetCurrentClocksThrottleReasons", handle),
        )
        _sane(mask, 0, (1 << 32) - 1, "reasons")
        known = _IDLE
        for bit, _ in REASONS:
            known |= bit
        words = [word for bit, word in REASONS if mask & bit]
        return words + ["reason {:#x}".format(mask & ~known)] * bool(mask & ~known)

    def processes(self, handle: Any, total: Optional[int]) -> List[facts.GpuProcess]:
        """Processes with a compute context, by pid as the driver tells it."""
        symbol = "nvmlDeviceGetComputeRunningProcesses"
        third = _RECORD_535 if self._speaks_535() else _RECORD
        rows = first(
            lambda: self._rows(symbol + "_v3", handle, third),
            lambda: self._rows(symbol + "_v2", handle, _RECORD),
            lambda: self._rows(symbol, handle, _RECORD_FIRST),
        )
        merged: Dict[int, Optional[int]] = {}
        for row in rows:
            pid, memory = row[0], row[1]
            if pid in (0, 0xFFFFFFFF):
                continue
            if memory == _NOT_AVAILABLE:
                merged.setdefault(pid, None)
            elif total is None or memory <= total:
                merged[pid] = (merged.get(pid) or 0) + memory
        return [facts.GpuProcess(pid, memory) for pid, memory in sorted(merged.items())]

    def _speaks_535(self) -> bool:
        """Drivers 535.43 to 535.98 return longer records under the same name as all others."""
        return self.has("nvmlDeviceGetConfComputeMemSizeInfo") and not self.has(
            "nvmlDeviceGetRunningProcessDetailList"
        )

    def _rows(self, symbol: str, handle: Any, record: struct.Struct) -> List[Tuple[int, ...]]:
        room = 64
        for attempt in range(4):
            # Room for the longest record there is: a driver that disagrees overwrites nothing.
            buffer = ctypes.create_string_buffer(room * _RECORD_535.size)
            count = ctypes.c_uint(room)
            try:
                self.call(symbol, handle, ctypes.byref(count), buffer)
            except FailingError as error:
                if error.code != _INSUFFICIENT_SIZE or attempt == 3:
                    raise
                room = min(1 << 16, max(count.value, room) * 2)
                continue
            found = min(count.value, room)
            return [record.unpack_from(buffer.raw, i * record.size) for i in range(found)]
        raise AssertionError


def meaning(code: int) -> Exception:
    """The exception for an nvmlReturn_t."""
    if code == NOT_SUPPORTED or code in _OLDER_DRIVER:
        return UnsupportedError()
    return FailingError(WORDS.get(code, "driver error {}".format(code)), code)


def first(question: Callable[[], T], *others: Callable[[], T]) -> T:
    """The answer to the first question that this driver knows."""
    try:
        return question()
    except UnsupportedError:
        if not others:
            raise
    return first(*others)


def _sane(value: Any, least: int, most: int, unit: str) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        raise FailingError("the driver's answer cannot be true: {} {}".format(value, unit))
    return value


# --- whose process is it ----------------------------------------------------------------------

_FIRST_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO of the Linux kernel


def in_container(proc: str = "/proc") -> bool:
    """Whether process ids mean something else here than they may mean to the driver."""
    try:
        return os.readlink(proc + "/self/ns/pid") != _FIRST_NAMESPACE
    except OSError:
        return False


def holds_a_device(pid: int, proc: str = "/proc") -> bool:
    """Whether this process, by our numbering, is seen to have an NVIDIA device open."""
    folder = "{}/{}/fd".format(proc, pid)
    try:
        links = [os.readlink(folder + "/" + name) for name in os.listdir(folder)]
    except OSError:
        return False
    return any(link.startswith(("/dev/nvidia", "/dev/dxg")) for link in links)
