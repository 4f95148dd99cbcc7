"""The README is made from the code where it tells about the code.

``python -m tests.house.test_readme`` writes the generated parts anew.
"""

from __future__ import annotations

import re
from pathlib import Path

from trainwatch.ui.commands import actions, table
from trainwatch.ui.monitor import OWNERS

README = Path(__file__).parents[2] / "README.md"
KEYS = re.compile(r"(?<=<!-- keys -->\n).*?(?=<!-- end -->)", re.DOTALL)


def test_the_key_table_is_current() -> None:
    found = KEYS.search(README.read_text())
    assert found is not None
    assert found[0] == table(OWNERS) + "\n"


def test_binding_ids_are_unique_and_each_says_what_it_does() -> None:
    every = [action for _, owner in OWNERS for action in actions(owner, {})]
    assert len({action.id for action in every}) == len(every)
    assert all(action.sentence for action in every)


def test_nobody_is_told_to_install_another_project() -> None:
    assert not re.search(
        r"(pip|pipx|uvx|uv tool)( install)? trainwatch(?!-tui)\b", README.read_text()
    )


def test_every_picture_exists() -> None:
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README.read_text())
    assert pictures
    assert [p for p in pictures if not (README.parent / p).exists()] == []


if __name__ == "__main__":
    README.write_text(KEYS.sub(lambda _: table(OWNERS) + "\n", README.read_text()))
