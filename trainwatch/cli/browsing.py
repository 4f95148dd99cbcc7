"""The verbs behind ``trainwatch checkpoints``: a part of the one table of ``grammar``."""

from __future__ import annotations

from trainwatch.cli.verb import Option, Verb

JSON = Option("--json", "", "machine-readable output on stdout")
_YES = Option("--yes", "", "do not ask", "-y")
_FORCE = Option("--force", "", "also one that is guarded: best, newest to resume from, kept")
VERBS = (
    Verb(
        "checkpoints verify",
        "[TARGET] [NAME...]",
        "read every byte: zip checksums, headers against sizes, NaN and Inf in the weights",
        (JSON,),
        (
            "trainwatch checkpoints verify",
            "trainwatch checkpoints verify sft checkpoint-800 --json",
        ),
        most=-1,
    ),
    Verb(
        "checkpoints diff",
        "A B",
        "two checkpoints: training arguments, metrics, which tensors changed",
        (JSON, Option("--target", "TARGET", "whose checkpoints A and B are, when they are names")),
        (
            "trainwatch checkpoints diff checkpoint-400 checkpoint-800",
            "trainwatch checkpoints diff a/checkpoint-400 b/checkpoint-400 --json",
        ),
        most=2,
        least=2,
    ),
    Verb(
        "checkpoints keep",
        "NAME [TARGET]",
        "put it out of reach of the training's clean-up, into a folder kept/ beside it",
        (Option("--copy", "", "copy every byte, share none"),),
        (
            "trainwatch checkpoints keep checkpoint-800",
            "trainwatch checkpoints keep 800 output/sft",
        ),
        most=2,
        least=1,
    ),
    Verb(
        "checkpoints delete",
        "NAME [TARGET]",
        "delete one; says what is lost, and asks",
        (_YES, _FORCE),
        (
            "trainwatch checkpoints delete checkpoint-400",
            "trainwatch checkpoints delete 400 sft -y",
        ),
        most=2,
        least=1,
    ),
    Verb(
        "checkpoints slim",
        "NAME [TARGET]",
        "drop its optimizer state: the weights stay, it can no longer be resumed from",
        (_YES, _FORCE),
        ("trainwatch checkpoints slim checkpoint-400", "trainwatch checkpoints slim 400 sft -y"),
        most=2,
        least=1,
    ),
    Verb(
        "checkpoints evaluate",
        "[NAME] [TARGET]",
        "run gold_command of the configuration on it, as a run of its own; asks",
        (
            Option("--all", "", "all that have no result yet, one after the other"),
            Option("--anyway", "", "also while the training uses the GPU"),
            _YES,
        ),
        (
            "trainwatch checkpoints evaluate 800 output/sft --yes",
            "trainwatch checkpoints evaluate --all output/sft",
        ),
        most=2,
    ),
    Verb(
        "checkpoints prune",
        "[TARGET]",
        "delete all but the best and the newest; says what is freed and lost, and asks",
        (
            Option("--keep-best", "", "keep the best by each measure (always done, say it anyway)"),
            Option("--keep-last", "N", "keep the newest N (default 1)"),
            Option("--dry-run", "", "only say what would be deleted"),
            JSON,
            _YES,
        ),
        (
            "trainwatch checkpoints prune sft --keep-last 2 --dry-run",
            "trainwatch checkpoints prune output/sft --keep-best --keep-last 3",
        ),
    ),
)
