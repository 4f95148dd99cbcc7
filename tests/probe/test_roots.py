"""Which folders a command writes to, from its words alone."""

import pytest

from trainwatch.probe.listing import Root
from trainwatch.probe.roots import apart, of_command

CWD = "/work"


def sure(*words: str) -> list[str]:
    return [r.path for r in of_command(["python", "train.py", *words], CWD, 7.0) if not r.sparse]


def maybe(*words: str) -> list[str]:
    return [r.path for r in of_command(["python", "train.py", *words], CWD, 7.0) if r.sparse]


@pytest.mark.parametrize(
    "words",
    [
        ["--output_dir", "out"], ["--output-dir", "out"], ["--output_dir=out"], ["--output-dir=out/"], ["-o", "out"],
        ["output_dir=out"], ["training.output_dir=out"], ["++trainer.default_root_dir=out"], ["hydra.run.dir=out"],
        ["--save_dir", "./out"], ["--out_dir=out"], ["--default_root_dir", "/work/out"], ["--save", "out"],
        ["--logging_dir", "out"], ["--checkpoint-dir", "out"], ["--ckpt_dir=out"], ["--save-path", "out"],
        ["--work-dir", "out"], ["--save-folder", "out"], ["--outdir", "out"], ["--results_dir", "out"],
    ],
)  # fmt: skip
def test_an_option_that_names_an_output_is_believed(words: list[str]) -> None:
    assert sure("--lr", "1e-4", *words, "--epochs", "3") == ["/work/out"]


@pytest.mark.parametrize(
    "words",
    [
        ["--data_dir", "/data"], ["--model_name_or_path", "/models/llama"], ["--cache-dir=/cache"], ["--config", "x"],
        ["--resume_from_checkpoint", "out/checkpoint-4"], ["--tokenizer", "t"], ["dataset.path=/data"],
        ["--lr", "1e-4"], ["--epochs=3"], ["train.py"], ["https://a/b"], ["--prompt", "what (is) this?"],
    ],
)  # fmt: skip
def test_inputs_and_other_values_are_no_folders(words: list[str]) -> None:
    assert sure(*words) == []
    assert maybe(*words) == [CWD]


def test_any_other_word_counts_only_for_what_is_new_and_matches() -> None:
    roots = of_command(["python", "train.py", "runs/seven", "--name", "seven"], CWD, 7.0)
    since = 6.0  # a file's time may lie a little before what a clock said
    assert [(r.path, r.since, r.sparse) for r in roots] == [
        ("/work/runs/seven", since, True),
        ("/work/seven", since, True),
        ("/work", since, True),
    ]


def test_what_lies_in_two_roots_belongs_to_the_inner_one() -> None:
    assert apart([Root("/a"), Root("/a/b"), Root("/ab")]) == [
        Root("/a", without=("/a/b",)),
        Root("/a/b"),
        Root("/ab"),
    ]


def test_the_working_folder_as_output_is_listed_whole() -> None:
    assert of_command(["python", "t.py", "--output_dir", "."], CWD, 7.0) == [Root("/work")]


def test_a_thousand_words_make_no_thousand_roots() -> None:
    assert len(of_command(["python", *(f"folder{n}" for n in range(1000))], CWD, 7.0)) <= 12
