"""Five runs of different fortunes, to be shown in one list."""

from __future__ import annotations

from tests.draw.runs import START, target, training
from trainwatch import facts
from trainwatch.draw.fleet import Member
from trainwatch.run.run import Run

NOW = START + 514


def members() -> list[Member]:
    """One that goes on, a better one that ended, one that died, one without an answer, one that is lost."""
    fine, done, dead, none, gone = training(), training(800), training(400), Run(), training(700)
    done.apply(target("sft-out-lr3e-5"))
    done.apply(facts.Ended(0, None, "", NOW - 200))
    dead.apply(target("a-name-that-is-longer-than-anybody-would-type-twice"))
    dead.apply(facts.Ended(None, 9, "oom", NOW - 4000))
    none.apply(facts.Trouble("target", "there is no run called nope", "see: trainwatch list", NOW))
    gone.apply(facts.Trouble("link", "the connection to gpu3 was lost", "", NOW - 40))
    return [
        Member("sft", fine, NOW),
        Member("gpu1:sft", done, NOW, "gpu1"),
        Member("gpu1:long", dead, NOW, "gpu1"),
        Member("gpu2:nope", none, NOW, "gpu2"),
        Member("gpu3:", gone, NOW, "gpu3"),
        Member("gpu4:", Run(), NOW, "gpu4", waits=True),
    ]
