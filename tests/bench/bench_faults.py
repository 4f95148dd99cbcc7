"""A thousand faults: a log is followed while everything happens to its connection.

    python tests/bench/bench_faults.py [FAULTS]

Kills of ssh, of the probe and of the server's session, resets in the middle of frames, stopped probes,
black holes. Every tenth fault is none of the quick ones but a black hole of up to 12 seconds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.ordeal import KINDS, Ordeal


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        ordeal = Ordeal(Path(folder))
        try:
            quick = [kind for kind in KINDS if kind != "hole"]
            for number in range(wanted):
                ordeal.suffer("hole" if number % 10 == 9 else quick[number % len(quick)])
            length, equal = ordeal.finish()
        finally:
            ordeal.end()
    print(f"{sum(ordeal.suffered.values())} faults in {time.monotonic() - began:.0f} s:")
    print("  " + ", ".join(f"{kind} {count}" for kind, count in sorted(ordeal.suffered.items())))
    print(f"{length:,} bytes written, {ordeal.received:,} received, equal: {equal}")
    print(f"{len(ordeal.hellos)} connections")
    if ordeal.lost_after:
        print(f"a black hole was noticed after {max(ordeal.lost_after):.1f} s at most")


if __name__ == "__main__":
    main()
