"""What a verdict costs, and how right it is on made-up histories of known truth.

Run: ``python tests/bench/bench_verdict.py [histories per family and size] [seed]``. Beside the rule
stands the plain one that most tools use: the last evaluation 10 % above the best.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.run.curves import FAMILIES, SIZES, course
from tests.run.runs import report_evaluation, run_of_course


def macro_f1(told: dict[tuple[bool, bool], int]) -> float:
    """Of overfitting and of everything else, evenly."""
    wrong = told[True, False] + told[False, True]
    return sum(2 * told[k, k] / (2 * told[k, k] + wrong) for k in (True, False)) / 2


def accuracy(each: int, seed: int) -> None:
    random = Random(seed)
    ours, plain = ({(a, b): 0 for a in (True, False) for b in (True, False)} for _ in range(2))
    flat = alarms = 0
    for family in FAMILIES:
        for size in SIZES:
            for _ in range(each if size <= 50 else max(each // 5, 1)):
                made = course(random, family, size, random.choice((0, 0.01, 0.02, 0.05, 0.1)))
                said = run_of_course(made).verdict().state == "overfitting"
                ours[made.overfitting, said] += 1
                plain[made.overfitting, made.evals[-1] > 1.1 * min(made.evals)] += 1
                flat += family == "flat" and size >= 10
                alarms += said and family == "flat" and size >= 10
    print(f"{sum(ours.values())} histories, seed {seed}")
    print(f"macro F1 {macro_f1(ours):.3f}; last 10 % above best: {macro_f1(plain):.3f}")
    print(f"false alarms on flat curves of 10 and more: {alarms} of {flat}")


def cost() -> None:
    for size in (10, 100, 1000):
        run = run_of_course(course(Random(3), "overfitting", size, 0.05))
        best, live = 1.0, 1.0
        for i in range(size, size + 15):
            report_evaluation(run, i, 0.5)
            begin = time.process_time()
            run.verdict()
            best = min(best, time.process_time() - begin)
            begin = time.process_time()
            assert run.alarms is not None
            live = min(live, time.process_time() - begin)
        print(
            f"{size:5} evaluations: a verdict {best * 1e3:.2f} ms, the timeline {live * 1e3:.2f} ms"
        )


if __name__ == "__main__":
    cost()
    accuracy(*[int(a) for a in (sys.argv[1:] + ["10", "99"][len(sys.argv) - 1 :])])
