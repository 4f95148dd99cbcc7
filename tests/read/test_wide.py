"""A log in UTF-16, as PowerShell writes it behind ``>``, is read like any other, in any chunking."""

from __future__ import annotations

from random import Random

import pytest

from trainwatch import facts
from trainwatch.run.session import Session

LINES = ["Training läuft 训练 50%|█████     | 1/2 [00:05<00:05, 1.0it/s]"]
LINES += [f"step {step} loss {2 - step / 1000:.4f} 损失" for step in range(0, 500, 10)]
LINES += ["", "step 900 loss 0.2500"]
TEXT = "\r\n".join(LINES)  # the last line has no end


def read(data: bytes, cuts: list[int], begin: int = 0) -> Session:
    session, start = Session(), begin
    for end in [*cuts, len(data)]:
        session.feed(facts.Chunk("log", start, data[start:end], 1.0))
        start = end
    session.finish()
    return session


@pytest.mark.parametrize(
    ("coding", "mark"), [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")]
)
@pytest.mark.parametrize("seed", range(8))
def test_every_point_is_read_and_stands_where_its_line_begins(
    coding: str, mark: bytes, seed: int
) -> None:
    random, data = Random(seed), mark + TEXT.encode(coding)
    run = read(data, sorted(random.sample(range(4, len(data)), 2 * seed))).run
    points = list(run.metrics.points())
    plain = read(TEXT.encode(), []).run.metrics.points()
    assert [(p.step, p.value) for p in points] == [(p.step, p.value) for p in plain]
    assert len(points) == 50
    for point in points:
        assert data[point.offset :].decode(coding).startswith(f"step {point.step} ")
    assert (run.log.window(1, 1)[0] or "").rstrip() == LINES[1]


def test_a_stream_that_is_read_from_its_middle_is_known_by_its_zeros() -> None:
    data = b"\xff\xfe" + TEXT.encode("utf-16-le")
    begin = data.index(b"\n\0", 400) + 1  # where a reader that knows of LF alone cuts it
    points = list(read(data, [], begin).run.metrics.points())
    assert points[-1].step == 490
    assert data[points[0].offset :].decode("utf-16-le").startswith("step ")


def test_a_log_in_utf_8_passes_as_it_is() -> None:
    data = b"step 10 loss 0.5\n\0\0\0\0step 20 loss 0.25\n"
    points = list(read(data, [7, 19]).run.metrics.points())
    assert [(p.step, p.value) for p in points] == [(10, 0.5), (20, 0.25)]


def test_a_line_without_end_costs_what_it_is_long() -> None:
    data = b"\xff\xfe" + ("x" * 400_000).encode("utf-16-le")
    assert not list(read(data, list(range(1 << 16, len(data), 1 << 16))).run.metrics.points())
