"""Hugging Face ``Trainer`` and all that stand on it (TRL, PEFT, axolotl, LLaMA-Factory, ...).

The law of this file: a folder ``checkpoint-<step>`` is complete when ``trainer_state.json``, which
the Trainer writes last, can be read and everything it must stand beside is whole. Sources:
transformers 4.36 to 5.23, ``trainer.py``, ``trainer_utils.py``, ``trainer_callback.py``; peft 0.21.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from trainwatch.facts import Want
from trainwatch.read import pickles
from trainwatch.read.draft import Draft, part, whole
from trainwatch.read.headers import archive, safetensors, torch_zip
from trainwatch.read.integrity import (
    SMALL,
    TEMPORARY,
    check_file,
    check_index,
    check_links,
    check_needed,
    check_temporary,
    check_usual,
    json_end,
    json_object,
    needed,
)
from trainwatch.read.layouts import Sample
from trainwatch.read.likeness import note_twin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import Folder

LARGEST_STATE = 16 << 20
FOLDERS = ("checkpoint-*", "tmp-checkpoint-*", "run-*")
WANTS = (
    Want("*trainer_state.json", LARGEST_STATE, 1),
    Want("*training_args.bin", SMALL, archive.TAIL),
    Want("*.safetensors.index.json", 4 << 20, 1),
    Want("*.bin.index.json", 4 << 20, 1),
    Want("*.json", SMALL, 1),
    Want("*.safetensors", SMALL, 0),
    Want("*/.tmp??????", SMALL, 0),
    Want("*.bin", 64, archive.TAIL),
    Want("*optimizer.pt", 64, archive.TAIL),
    Want("*scheduler.pt", 64, archive.TAIL),
    Want("*scaler.pt", 64, archive.TAIL),
    Want("*rng_state*.pth", 64, archive.TAIL),
)

_STEP = re.compile(r"(?:tmp-)?checkpoint-(\d{1,18})")
_READ = ("trainer_state.json", "training_args.bin")
_SENTINEL = "checkpoint-is-incomplete.txt"
_WEIGHTS = re.compile(r".*\.safetensors|(pytorch_model|adapter_model).*\.bin|.*_model_states\.pt")
_OPTIMIZER = re.compile(
    r"(.*/)?optimizer.*|.*optimizer\.pt|scheduler\.pt|scaler\.pt|rng_state.*\.pth|.*_optim_states\.pt"
)
_SHARDED_FOLDERS = ("pytorch_model_fsdp_*", "optimizer_*", "global_step*")
_SLIM = ("optimizer", "not there: weights only")
_NO_METRIC = ("_runtime", "_per_second", "_model_preparation_time")


class State(NamedTuple):
    """What ``trainer_state.json`` tells about one checkpoint."""

    step: int | None
    epoch: float | None
    metrics: tuple[tuple[str, float], ...]
    best: str | None
    patience: str | None


class Arguments(NamedTuple):
    """What ``training_args.bin`` tells about saving."""

    only_model: bool
    loads_best: bool  # the model is set back to the best checkpoint before the training ends
    told: tuple[tuple[str, str], ...]


def recognise(folder: Folder) -> Iterator[Offer]:
    """A checkpoint folder, or the final model in the output folder itself."""
    named = _STEP.fullmatch(folder.name)
    if named and not _is_foreign(folder):
        yield whole(partial(_checkpoint, folder, int(named[1])))
    elif not named and "trainer_state.json" in folder.files and _has_weights(folder):
        yield part(folder.files, partial(_final, folder))


def _is_foreign(folder: Folder) -> bool:
    """Accelerate and diffusers name their folders alike, but keep their random states otherwise."""
    return any(fnmatch(name, "random_states_*.pkl") for name in folder.files)


def _has_weights(folder: Folder) -> bool:
    return any(_part(name) == "weights" for name in folder.files)


def _part(path: str) -> Part:
    if _OPTIMIZER.fullmatch(path):
        return "optimizer"
    if path.startswith("pytorch_model_fsdp") or _WEIGHTS.fullmatch(path.rpartition("/")[2]):
        return "weights"
    return "other"


def _checkpoint(folder: Folder, step: int) -> Claim:
    draft = Draft(folder, "hf-trainer")
    draft.step = step
    draft.add(folder.walk(), _part)
    _read_state(draft, folder)
    arguments = _read_arguments(draft, folder)
    _check_weights(draft, folder)
    resumable = _check_optimizer(draft, folder, arguments)
    _check_rest(draft, folder)
    check_links(draft, folder)
    if not draft.findings and _SLIM not in draft.facts:
        check_usual(draft, folder, "trainer_state.json", _part)
    if folder.name.startswith("tmp-"):
        draft.find("incomplete", "the save was interrupted before its last step", "mark")
    if _SENTINEL in folder.files:
        draft.find("incomplete", "the save on SIGTERM was interrupted", "mark")
    return draft.claim(resumable)


def _final(folder: Folder) -> Claim:
    """The output folder after the end of the training."""
    draft = Draft(folder, "hf-trainer")
    draft.name = "final"
    draft.add(folder.files.values(), _part)
    _read_state(draft, folder)
    arguments = _read_arguments(draft, folder)
    best = _STEP.fullmatch(draft.claims_best or "")
    if arguments and arguments.loads_best and best:
        draft.step, draft.epoch, draft.metrics = int(best[1]), None, ()
        draft.facts.append(("weights of", best[0]))
    _check_weights(draft, folder)
    _check_rest(draft, folder)
    check_links(draft, folder, _is_plain_weights)
    if not draft.findings:
        note_twin(draft, folder, _is_plain_weights)
    return draft.claim(False)


# --- the parts --------------------------------------------------------------------------------


def _read_state(draft: Draft, folder: Folder) -> None:
    file = folder.files.get("trainer_state.json")
    if file is None:
        draft.find("incomplete", "trainer_state.json is missing", "mark")
        return
    state = draft.check(file, _state, "mark")
    if state is None:
        return
    draft.step = draft.step if state.step is None else state.step
    draft.epoch, draft.metrics, draft.claims_best = state.epoch, state.metrics, state.best
    if state.patience:
        draft.facts.append(("early stopping", state.patience))


def _read_arguments(draft: Draft, folder: Folder) -> Arguments | None:
    file = folder.files.get("training_args.bin")
    arguments = draft.check(file, _arguments, "other") if file else None
    if arguments:
        draft.facts += arguments.told
    return arguments


def _check_weights(draft: Draft, folder: Folder) -> None:
    found = False
    for place in [folder, *folder.folders.values()]:  # each further adapter has a folder
        names = needed(draft, place, _is_plain_weights)
        check_needed(draft, place, names)
        check_index(draft, place, names)
        found |= bool(names)
    if not _check_sharded(draft, folder) and not found:
        draft.find("incomplete", "it holds no weights", "weights")


def _is_plain_weights(name: str) -> bool:
    return _part(name) == "weights" and not name.endswith("_model_states.pt")


def _check_sharded(draft: Draft, folder: Folder) -> bool:
    """Folders that FSDP and DeepSpeed write; whether there are any."""
    found = False
    for name, below in folder.folders.items():
        if any(fnmatch(name, pattern) for pattern in _SHARDED_FOLDERS):
            part: Part = "optimizer" if name.startswith("optimizer") else "weights"
            found |= part == "weights"
            if not name.startswith("global_step") and ".metadata" not in below.files:
                draft.find("incomplete", f"{name}/.metadata is missing", part)
            for file in below.files.values():
                if file.size == 0:
                    draft.find("incomplete", f"{folder.within(file)} is empty", part)
    return found


def _check_optimizer(draft: Draft, folder: Folder, arguments: Arguments | None) -> bool:
    """Whether everything to go on training is meant to be there."""
    sharded = any(fnmatch(n, p) for n in folder.folders for p in ("optimizer_*", "global_step*"))
    whole = [name for name in folder.files if fnmatch(name, "*optimizer.*") or name == "optimizer"]
    if not sharded and not whole:
        # A save that was interrupted has no trainer_state.json, which comes last: where that is and
        # all of this is not, somebody took it away.
        if not any(_part(name) == "optimizer" for name in folder.files):
            draft.facts.append(_SLIM)
        elif arguments is not None and not arguments.only_model:
            draft.find("incomplete", "optimizer.pt is missing", "optimizer")
        return False
    # Loops that only write in the Trainer's shape keep their own kinds of state.
    trainer = "training_args.bin" in folder.files
    if whole and trainer and "scheduler.pt" not in folder.files:
        draft.find("incomplete", "scheduler.pt is missing", "optimizer")
    ranks = sorted(
        int(n[10:-4]) for n in folder.files if re.fullmatch(r"rng_state_\d{1,6}\.pth", n)
    )
    if ranks and ranks != list(range(len(ranks))):
        draft.find("incomplete", "the random state of some ranks is missing", "other")
    elif not ranks and trainer and "rng_state.pth" not in folder.files:
        draft.find("incomplete", "rng_state.pth is missing", "other")
    return True


def _check_rest(draft: Draft, folder: Folder) -> None:
    """Everything that shows damage by itself, and what an interrupted save leaves behind."""
    for name, file in folder.files.items():
        part = _part(name)
        if TEMPORARY.fullmatch(name):
            check_temporary(draft, file)
        elif name.endswith("config.json"):
            draft.facts += draft.check(file, described, "other") or ()
        elif part != "weights" and name not in _READ and not name.endswith(".index.json"):
            check_file(draft, file, part)


# --- the files --------------------------------------------------------------------------------


def _state(source: Source) -> State:
    if source.size > LARGEST_STATE:
        json_end(source)
        return State(None, None, (), None, None)
    state = json_object(source)
    step = state.get("global_step")
    step = step if isinstance(step, int) else None
    best = state.get("best_model_checkpoint")
    history = state.get("log_history")
    return State(
        step,
        _number(state.get("epoch")),
        _metrics(history if isinstance(history, list) else [], step),
        re.split(r"[/\\]", best.rstrip("/\\"))[-1] if isinstance(best, str) else None,
        _patience(state),
    )


def _metrics(history: list[object], step: int | None) -> tuple[tuple[str, float], ...]:
    """What was evaluated at this step: evaluation comes before saving."""
    found: dict[str, float] = {}
    for row in reversed(history):
        if not isinstance(row, dict) or row.get("step") != step:
            break
        for key, value in row.items():
            number = _number(value)
            if key.startswith("eval_") and not key.endswith(_NO_METRIC) and number is not None:
                found.setdefault(key, number)
    return tuple(sorted(found.items()))


def _patience(state: dict[str, Any]) -> str | None:
    match state.get("stateful_callbacks"):
        case {
            "EarlyStoppingCallback": {
                "args": {"early_stopping_patience": int(most)},
                "attributes": {"early_stopping_patience_counter": int(used)},
            }
        }:
            return f"patience {used}/{most}"
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 1e300:
        return float(value) if isinstance(value, float) else None
    return float(value)


def _arguments(source: Source) -> Arguments:
    torch_zip.check_end(source)
    told = pickles.attributes(torch_zip.contents(source))
    shown = (
        "save_total_limit",
        "metric_for_best_model",
        "greater_is_better",
        "load_best_model_at_end",
    )
    return Arguments(
        told.get("save_only_model") is True,
        told.get("load_best_model_at_end") is True,
        tuple((name, str(told[name])) for name in shown if isinstance(told.get(name), str | int)),
    )


def described(source: Source) -> tuple[tuple[str, str], ...]:
    """What ``config.json`` or ``adapter_config.json`` tells that is worth showing."""
    config = json_object(source)
    shown = []
    match config:
        case {"r": int(rank), "lora_alpha": int() | float() as alpha}:
            shown.append(("LoRA", f"r {rank}, alpha {alpha:g}"))
    match config.get("peft_type"):
        case str(kind) if kind not in ("", "LORA"):
            shown.append(("adapter", kind[:40]))
    match config.get("target_modules"):
        case [*names] if names and all(isinstance(name, str) for name in names):
            shown.append(("LoRA on", ", ".join(sorted(names))[:200]))
        case str(names):
            shown.append(("LoRA on", names[:200]))
    match config.get("base_model_name_or_path"):
        case str(base) if base:
            shown.append(("base model", base[:200]))
    match config.get("transformers_version"):
        case str(version):
            shown.append(("transformers", version[:40]))
    return tuple(shown)


_ARCHIVE = torch_zip.SAMPLES[0]
_EMPTY = safetensors.SAMPLES[0]
_TREE = {
    "checkpoint-500/config.json": b'{"transformers_version": "5.23.0"}',
    "checkpoint-500/model.safetensors": _EMPTY,
    "checkpoint-500/optimizer.pt": _ARCHIVE,
    "checkpoint-500/scheduler.pt": _ARCHIVE,
    "checkpoint-500/rng_state.pth": _ARCHIVE,
    "checkpoint-500/trainer_state.json": b'{"global_step": 500, "epoch": 1.0, "log_history": []}',
}
SAMPLES = (
    Sample(_TREE, (("checkpoint-500", 500),)),
    Sample({"run-0/" + path: data for path, data in _TREE.items()}, (("checkpoint-500", 500),)),
    Sample({"tmp-checkpoint-20/model.safetensors": _EMPTY}, (("tmp-checkpoint-20", 20),)),
    Sample(
        {
            "adapter_config.json": b'{"r": 8, "lora_alpha": 16}',
            "adapter_model.safetensors": _EMPTY,
            "trainer_state.json": b'{"global_step": 60}',
        },
        (("final", 60),),
    ),
)
