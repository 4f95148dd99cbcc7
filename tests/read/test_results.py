"""Results of gold-set evaluations: each shape reads its own samples and no other's."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from trainwatch.facts import FileBytes
from trainwatch.read import results
from trainwatch.read.results import Sample, Shape, shapes

CASES = [(shape, sample) for shape in shapes() for sample in shape.SAMPLES]


def file(name: str, content: str) -> FileBytes:
    data = content.encode()
    return FileBytes("/out/eval/" + name, 0, data, len(data), 50.0, 60.0)


@pytest.mark.parametrize(("shape", "sample"), CASES)
def test_each_sample_is_read_by_its_shape_alone(shape: Shape, sample: Sample) -> None:
    (found,) = results.read(file(sample.name, sample.content))
    assert (found.tool, found.scores[0]) == (shape.TOOL, sample.first)
    others = [
        s.TOOL
        for s in shapes()
        if s is not shape
        and (told := s.recognise(sample.name, json.loads(sample.content))) is not None
        and told.scores
    ]
    assert others in ([], ["plain"]) if not hasattr(shape, "FALLBACK") else others == []


def test_the_names_in_it_and_its_own_date_are_kept() -> None:
    sample = next(s for shape, s in CASES if shape.TOOL == "lm-evaluation-harness")
    (found,) = results.read(file(sample.name, sample.content))
    assert "/out/checkpoint-400" in found.names
    assert found.made == 1767322000.5
    assert results.read(file("gold.json", '{"f1": 0.5}'))[0].made == 50.0


def test_lines_of_json_are_one_result_each() -> None:
    lines = "".join(f'{{"step": {s}, "f1": {s / 1000}}}\n' for s in (400, 800))
    found = results.read(file("gold.jsonl", lines))
    assert [(r.step, r.scores[0].value) for r in found] == [(400, 0.4), (800, 0.8)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gold.json", '{"f1": 0.5'),
        ("gold.json", "[[[["),
        ("gold.json", "null"),
        ("gold.json", '{"f1": NaN, "g": 1e999, "h": true}'),
        ("results.json", '{"results": {"a": 3}, "config": 1}'),
        ("results.json", '{"results": [], "config": {}}'),
        ("gold.json", "[" * 100_000),
        ("eval_results.json", '{"eval_accuracy": 0.5}'),
        ("config.json", '{"accuracy": 0.5}'),
        ("gold.txt", '{"accuracy": 0.5}'),
    ],
)
def test_what_is_no_result_is_none_and_no_error(name: str, content: str) -> None:
    assert results.read(file(name, content)) == []


def test_a_file_that_is_cut_is_waited_for() -> None:
    whole = file("gold.json", '{"f1": 0.5}')
    assert results.read(whole._replace(data=whole.data[:5])) == []


def test_a_named_file_counts_whatever_it_is_called() -> None:
    told = file("scores.json", '{"checkpoint": "checkpoint-400", "f1": 0.5}')
    assert results.read(told) == []
    assert results.read(told, [told.path])[0].scores[0].value == 0.5
    assert "scores.json" in {want.pattern for want in results.wants([told.path])}


def test_a_zipped_log_tells_by_its_header() -> None:
    header = next(s.content for shape, s in CASES if shape.TOOL == "inspect_ai")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples/1_epoch_1.json", "{}")
        archive.writestr("header.json", header)
    whole = FileBytes("/out/logs/a.eval", 0, data.getvalue(), len(data.getvalue()), 50.0, 60.0)
    (found,) = results.read(whole)
    assert (found.tool, found.scores[0].metric, found.scores[0].n) == (
        "inspect_ai",
        "accuracy",
        200,
    )
    for end in range(0, len(whole.data), 37):
        cut = whole.data[:end]
        assert results.read(whole._replace(data=cut, size=len(cut))) == []


def test_a_table_of_sentence_transformers_is_one_result_per_row() -> None:
    told = "epoch,steps,cosine_pearson,cosine_spearman\n0,400,0.71,0.70\n1,800,0.74,0.75\n"
    found = results.read(file("similarity_evaluation_sts-dev_results.csv", told))
    assert [(r.step, r.scores[1].value) for r in found] == [(400, 0.70), (800, 0.75)]
