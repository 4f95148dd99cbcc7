"""When the eval loss gave reason for an alarm, and when the reason was gone again.

The law of this file: the timeline is what the rule would have said after each evaluation, looked at
with the evaluations up to there. It depends on the numbers alone, not on when somebody asked. An
alarm is withdrawn as soon as the rule is clear again, and stays in the timeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.course import Course, course
from trainwatch.run.rules.evaluation import risen, train_change

if TYPE_CHECKING:
    from trainwatch.run.case import Case
    from trainwatch.run.series import Series

FINE = 300
"""Of so many evaluations every one is looked back at; of more, evenly spread ones and the newest."""


class Alarm(NamedTuple):
    """One stretch of evaluations over which the eval loss was overfitting."""

    dataset: str | None
    index: int  # type: ignore[assignment]  # of the evaluation in its series; hides tuple.index
    step: int | None
    epoch: float | None
    value: float
    withdrawn: int | None  # index of the evaluation that ended it; None: it stands
    withdrawn_step: int | None


class Alarms:
    """The timelines of all evaluation sets, continued as evaluations come."""

    def __init__(self) -> None:
        self._known: dict[Series, tuple[object, int, list[Alarm]]] = {}

    def of(self, case: Case) -> list[Alarm]:
        """Every alarm of the run, by evaluation set and then by place."""
        if case.reinforced:
            return []
        return [alarm for series in case.metrics.evals for alarm in self._timeline(case, series)]

    def _timeline(self, case: Case, series: Series) -> list[Alarm]:
        whole = course(series, case.metrics.grain(series))
        basis = case.metrics.repaired, len(series.segments), case.limits
        known, done, alarms = self._known.get(series, (None, 0, []))
        if known != basis or done > len(whole):
            done, alarms = 0, []
        stride = max((len(whole) - done) // FINE, 1)
        for count in range(max(done + 1, int(case.limits.fewest_evals)), len(whole) + 1):
            if count % stride == 0 or count > len(whole) - FINE // 10:
                _look(case, whole, count, alarms)
        self._known[series] = basis, len(whole), alarms
        return alarms


def _look(case: Case, whole: Course, count: int, alarms: list[Alarm]) -> None:
    """Raise or withdraw, with the first ``count`` evaluations."""
    seen = Course(whole.series, whole.grain, whole.indexes[:count], whole.values[:count])
    standing = bool(alarms) and alarms[-1].withdrawn is None
    fired = _overfits(case, seen)
    index = whole.indexes[count - 1]
    step = whole.series.step(index)
    if fired and not standing:
        key, epoch = whole.series.key, whole.series.epoch(index)
        alarms.append(Alarm(key.dataset, index, step, epoch, whole.values[count - 1], None, None))
    elif standing and not fired:
        alarms[-1] = alarms[-1]._replace(withdrawn=index, withdrawn_step=step)


def _overfits(case: Case, seen: Course) -> bool:
    scale = risen(case, seen)
    if scale is None:
        return False
    change = train_change(case, seen, scale)
    return change is None or change[0] < case.limits.both_rise
