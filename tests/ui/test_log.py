"""The log: followed, scrolled, searched, fetched; as many lines as there are."""

from __future__ import annotations

from typing import Any

from tests.ui import scenes
from tests.ui.stage import Stage, watching
from trainwatch import facts


def lines(count: int, start: int = 0) -> facts.Chunk:
    text = "".join(f"line {n:05}\n" for n in range(start, start + count))
    return facts.Chunk("output.log", start * 11, text.encode(), scenes.BEGUN + start)


def head(*more: Any) -> list[Any]:
    return [scenes.hello(), scenes.target(), *more]


def shown(stage: Stage) -> list[str]:
    rows = stage.text.split("\n")
    top = next(n for n, row in enumerate(rows) if "╭ log" in row)
    return [row[2:-1].rstrip() for row in rows[top + 1 : -2]]


async def test_it_follows_the_end() -> None:
    async with watching(head(lines(100))) as stage:
        assert shown(stage)[-1] == "line 00099"
        await stage.say(lines(5, 100))
        assert shown(stage)[-1] == "line 00104"
        assert "following · 105 lines" in stage.text


async def test_scrolled_back_it_stands_still_while_lines_arrive() -> None:
    async with watching(head(lines(100))) as stage:
        await stage.press("6", "pageup")
        before = shown(stage)
        await stage.say(lines(50, 100))
        assert shown(stage) == before
        assert "150 lines" in stage.text
        await stage.press("end")
        assert shown(stage)[-1] == "line 00149"


async def test_every_way_to_move() -> None:
    async with watching(head(lines(100))) as stage:
        await stage.press("6", "home")
        assert shown(stage)[0] == "line 00000"
        await stage.press("pagedown")
        assert "line 00008" in shown(stage)
        await stage.press("up", "up", "down")
        await stage.press("G")
        assert "following" in stage.text
        await stage.press("k")
        assert "following" not in stage.text
        await stage.press("j", "j")
        assert "following" in stage.text


async def test_search_forth_and_back() -> None:
    async with watching(head(lines(100))) as stage:
        await stage.press("slash", *"7$", "enter")
        assert "›line 00097" in stage.text
        await stage.press("N")
        assert "›line 00087" in stage.text
        await stage.press("n", "n")
        assert "›line 00097" in stage.text
        assert "not found further down" in stage.keys


async def test_a_search_that_is_no_regular_expression_is_searched_as_it_stands() -> None:
    odd = facts.Chunk("output.log", 0, b"fine\nodd ([ line\nfine\n", scenes.BEGUN)
    async with watching(head(odd)) as stage:
        await stage.press("slash", "left_parenthesis", "left_square_bracket", "enter")
        assert "›odd ([ line" in stage.text


async def test_giving_a_search_up() -> None:
    async with watching(head(lines(20))) as stage:
        await stage.press("slash", *"line", "escape")
        assert "/line" not in stage.text
        assert "leave" in stage.keys


async def test_the_next_error() -> None:
    text = b"ok\n" * 50 + b"Traceback (most recent call last):\nValueError: no\n" + b"ok\n" * 50
    async with watching(head(facts.Chunk("output.log", 0, text, scenes.BEGUN))) as stage:
        await stage.press("6", "E")
        assert "›ValueError: no" in stage.text


async def test_a_progress_bar_is_one_line_that_changes() -> None:
    async with watching(head(lines(3))) as stage:
        for step in (10, 20, 30):
            bar = scenes.bar(step, 100).encode()
            await stage.say(
                facts.Chunk("output.log", 33 + len(bar) * (step // 10 - 1), bar, scenes.BEGUN + 9)
            )
        assert "following · 3 lines" in stage.text
        assert shown(stage)[3].startswith("30%|")
        assert "20/100" not in stage.text


async def test_what_is_printed_behind_a_bar_is_seen_whole() -> None:
    text = scenes.bar(50, 100) + "Traceback (most recent call last):\nand on\n"
    async with watching(head(facts.Chunk("output.log", 0, text.encode(), scenes.BEGUN))) as stage:
        assert shown(stage)[:2] == [" 50% Traceback (most recent call last):", "and on"]
        await stage.press("6", "home", "enter")
        assert "50/100 [" in stage.text


async def test_lines_whose_bytes_are_gone_are_asked_for_once() -> None:
    text = "".join(f"line {n:05} {'.' * 1012}\n" for n in range(12_000)).encode()
    many = [
        facts.Chunk("output.log", n, text[n : n + (1 << 20)], scenes.BEGUN)
        for n in range(0, len(text), 1 << 20)
    ]
    async with watching(head(*many)) as stage:
        assert "12,000 lines" in stage.text
        await stage.press("6", "home")
        asked = [r for r in stage.link.sent if isinstance(r, facts.Read)]
        assert [(r.path, r.offset) for r in asked] == [("output.log", 0)]
        await stage.press("down", "down")
        assert len([r for r in stage.link.sent if isinstance(r, facts.Read)]) == 1


async def test_the_colours_of_the_training_are_kept_and_nothing_else() -> None:
    text = b"\x1b[31mred\x1b[0m \x1b]0;title\x07plain \x1b[2Jgone\n"
    async with watching(head(facts.Chunk("output.log", 0, text, scenes.BEGUN))) as stage:
        assert shown(stage)[0] == "red plain gone"


async def test_long_lines_can_be_shifted_and_read_whole() -> None:
    text = ("x" * 150 + "END\n").encode()
    async with watching(head(facts.Chunk("output.log", 0, text, scenes.BEGUN))) as stage:
        assert "END" not in stage.text
        await stage.press("6", "right")
        assert "END" in stage.text
        await stage.press("left", "enter")
        assert "xEND" in stage.text
        await stage.press("escape")
        assert "following" in stage.text


async def test_a_line_is_copied_clean() -> None:
    text = b"\x1b[31mred\x1b[0m text\n"
    async with watching(head(facts.Chunk("output.log", 0, text, scenes.BEGUN))) as stage:
        await stage.press("6", "c")
        assert stage.app.clipboard == "red text"
        assert "copied line: red text" in stage.keys


async def test_a_click_and_the_wheel() -> None:
    async with watching(head(lines(100))) as stage:
        await stage.pilot.click("#log", offset=(10, 2))
        assert "›line 0009" in stage.text
