"""Which command evaluates a checkpoint, and what speaks against it."""

from __future__ import annotations

import pytest

from tests.ui.scenes import checkpoint, running
from trainwatch.run.evaluating import against, command_for, in_the_way, name_of
from trainwatch.run.session import Session


def test_the_checkpoint_goes_where_it_is_told_as_one_word() -> None:
    seen = checkpoint(400)._replace(path="/a folder/checkpoint-400; rm -rf")
    assert command_for("python eval.py --model={checkpoint} --tag '{name} {step}'", seen) == [
        "python", "eval.py", "--model=/a folder/checkpoint-400; rm -rf", "--tag", "checkpoint-400 400",
    ]  # fmt: skip
    assert name_of(seen) == "gold-checkpoint-400"


def test_a_checkpoint_that_is_not_whole_is_refused_and_so_is_a_second_evaluation() -> None:
    assert "writing" in against(checkpoint(400, "writing"), [])
    assert against(checkpoint(400), ["sft"]) == ""
    assert "one evaluation at a time" in against(checkpoint(400), ["gold-checkpoint-200"])


def test_a_training_that_uses_the_gpu_is_in_the_way() -> None:
    session = Session()
    for fact in running():
        session.run.apply(fact) if hasattr(fact, "root") else session.feed(fact)
    assert "GPU 0" in in_the_way(session.run)
    assert in_the_way(Session().run) == ""


@pytest.mark.parametrize("template", ["", "python eval.py", "python 'x {checkpoint}"])
def test_a_template_that_cannot_be_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="gold_command"):
        command_for(template, checkpoint(400))
