"""What the words in front of numbers mean.

The law of this file: a pure function from printed words to a meaning. The framework's own spelling
is kept beside the canonical name. Words that are not known stay as they are and become series of
their own, but never a loss. Several words may claim one name; the lower claim wins in a record
(``claim``), so that ``loss`` beside ``total_loss`` and ``ce_loss`` is the loss and the others are
parts of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from trainwatch.read.tongues import in_english

if TYPE_CHECKING:
    from trainwatch.read.records import Split

Role: TypeAlias = Literal[
    "metric", "step", "steps", "epoch", "epochs", "batch", "batches", "rank", "label", "skip"
]


class Word(NamedTuple):
    """What a printed key means."""

    role: Role
    name: str  # canonical, or the key itself in lower case
    split: Split | None = None  # None: the key does not tell
    dataset: str | None = None
    claim: int = 0  # how good a claim on ``name`` this is; 0 is the best
    plain: str = ""  # the name when the claim is lost
    told: bool = False  # whether it shows that a training is reported at all
    hints: bool = False  # whether it does so beside a count or a split


_SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trn", "tr", "trainset", "learn"), "train"),
    **dict.fromkeys(("val", "va", "valid", "validation", "validate", "validating", "vld"), "eval"),
    **dict.fromkeys(("eval", "evaluation", "evaluating", "dev", "heldout", "holdout"), "eval"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}  # fmt: skip

_COUNTERS: dict[str, tuple[Role, int]] = {
    "global_step": ("step", 0), "globalstep": ("step", 0), "global_steps": ("step", 0),
    "training_step": ("step", 0), "optimizer_step": ("step", 0), "optim_step": ("step", 0),
    "num_updates": ("step", 1), "updates": ("step", 1), "update": ("step", 4), "up": ("step", 1),
    "current_steps": ("step", 2), "current_step": ("step", 2), "completed_step": ("step", 2),
    "step": ("step", 3), "stp": ("step", 3), "steps": ("step", 4), "s": ("step", 9),
    "iteration": ("step", 5), "iter": ("step", 6), "it": ("step", 7), "iters": ("step", 7),
    "iterations": ("step", 9), "learning_iteration": ("step", 5), "round": ("step", 8),
    "total_timesteps": ("step", 7), "timesteps": ("step", 8), "timestep": ("step", 8),
    "num_timesteps": ("step", 8), "env_steps": ("step", 8), "episode": ("step", 9), "episodes": ("step", 9), "#": ("step", 8),
    "time/total_timesteps": ("step", 7), "time/iterations": ("step", 9),
    "total_steps": ("steps", 0), "max_steps": ("steps", 0), "num_steps": ("steps", 1),
    "total_iters": ("steps", 1), "max_iters": ("steps", 1), "total_step": ("steps", 1),
    "num_training_steps": ("steps", 0), "total_optimization_steps": ("steps", 0),
    "epoch": ("epoch", 0), "ep": ("epoch", 1), "e": ("epoch", 2), "epoc": ("epoch", 2),
    "current_epoch": ("epoch", 0), "epoch_num": ("epoch", 0), "epoch_no": ("epoch", 0),
    "epochs": ("epochs", 1), "num_epochs": ("epochs", 0), "max_epochs": ("epochs", 0),
    "total_epochs": ("epochs", 0), "num_train_epochs": ("epochs", 0), "n_epochs": ("epochs", 1),
    "batch": ("batch", 0), "batch_idx": ("batch", 0), "batch_id": ("batch", 0),
    "minibatch": ("batch", 0), "mini_batch": ("batch", 0), "mb": ("batch", 1), "bs": ("skip", 0),
    "rank": ("rank", 0), "local_rank": ("rank", 1), "global_rank": ("rank", 0),
}  # fmt: skip

# Numbers that name something, and moments and spans of time that have panels of their own.
_SKIPPED = frozenset(
    (
        "v_num", "pid", "port", "seed", "version", "eta", "elapsed", "elapsed_time", "remaining",
        "remaining_time", "percentage", "progress", "eta_seconds", "world_size", "gpu", "device",
        "cuda", "best_epoch", "best_step", "timestamp", "datetime", "date", "ts", "took", "line",
        "lineno", "total",
    )
)  # fmt: skip

# Claims on the name "loss", the best first.
_LOSSES = """
loss
total_loss loss_total overall_loss loss_overall loss_sum sum_loss loss_all full_loss
trl tel lm_loss reduced_loss loss_value lm_loss_value objective_loss
step_loss loss_step batch_loss loss_batch iter_loss loss_iter current_loss cur_loss loss_cur \
minibatch_loss
cross_entropy_loss crossentropy_loss cross_entropy crossentropy language_cross_entropy ce_loss xent \
xent_loss xe cost ce_mean_words ce nll nll_loss neg_log_likelihood contrastive_loss
logloss log_loss binary_logloss multi_logloss mlogloss deviance objective criterion
rmse mse mse_loss mae mape l1 l2 l1_loss l2_loss huber  rmsle msle
bpb bits_per_byte bpc bits_per_char bpd
"""
_MEANS = """
avg_loss loss_avg average_loss mean_loss loss_mean avr_loss running_loss loss_running smooth_loss
smoothed_loss loss_smooth ema_loss loss_ema moving_loss global_avg_loss epoch_loss loss_epoch
"""
_MEAN = 30  # of several states: the loss only where no single state is printed
_LOSS = {
    **{
        name: claim
        for claim, names in zip(
            (0, 1, 2, 3, 10, 40, 50, 60), _LOSSES.strip().splitlines(), strict=True
        )
        for name in names.split()
    },
    **dict.fromkeys(_MEANS.split(), _MEAN),
}
_ANY_LOSS = 20  # "gpt_loss": the loss when no other is printed
_NO_LOSS = frozenset(
    ["profit", "gewinn", "stop", "scale", "scaler", "scaling", "weight", "weights", "fn", "func", "function", "type", "name", "factor", "coef", "coeff", "coefficient", "ratio", "pg", "policy", "vf", "value", "critic", "actor", "entropy", "surrogate", "kl", "packet", "delta", "diff", "change", "reduction", "threshold", "patience", "thresh", "lambda", "clip", "count", "num", "aux", "regularization", "reg", "penalty", "balancing", "z"]
)  # fmt: skip
_SETTINGS = frozenset(
    (
        "scale",
        "scaler",
        "scaling",
        "weight",
        "weights",
        "fn",
        "func",
        "function",
        "type",
        "factor",
        "coef",
        "coeff",
        "coefficient",
        "packet",
        "threshold",
        "patience",
        "lambda",
    )
)  # fmt: skip - beside "loss" they make no loss and tell of no training
# The last state again, or the mean of the run.
_FINAL = re.compile(r"final_(?!.*(?:val|eval|test|dev|held))|.*/final_")
_RATE = {
    "lr": 0, "learning_rate": 0, "base_lr": 1, "l_r": 0, "learningrate": 0, "current_lr": 1,
    "current_learning_rate": 1, "cur_lr": 1, "actor_lr": 3, "policy_lr": 3, "optim_learning_rate": 1,
    "optim_lr": 1, "optimizer_lr": 1, "lr_0": 1, "lr0": 1, "last_lr": 1, "learn_rate": 0,
}  # fmt: skip
_NORM = {
    "grad_norm": 0, "gradnorm": 0, "gnorm": 0, "g_norm": 0, "gradient_norm": 0, "total_grad_norm": 1,
    "global_grad_norm": 1, "grad_norm_total": 1, "total_norm": 2, "norm": 3, "actor_grad_norm": 2,
    "grad_norm_avg": 1, "grad_global_norm": 1, "grad_l2_norm": 1, "grad": 4,
}  # fmt: skip
_REWARD = {
    "reward": 0, "rewards": 1, "mean_reward": 1, "reward_mean": 1, "avg_reward": 1,
    "average_reward": 1, "ep_rew_mean": 1, "rollout_ep_rew_mean": 1, "episode_reward": 2, "episode_reward_mean": 1,
    "critic_rewards_mean": 1, "rewards_mean": 2, "mean_rewards": 1, "episodic_return": 2,
    "ep_reward": 2, "ep_return": 3, "mean_return": 2,
}  # fmt: skip
_ACCURACY = {
    "accuracy": 0, "acc": 0, "acc1": 2, "acc@1": 2, "top1": 3, "top1_acc": 2, "top_1": 3,
    "top1_accuracy": 2, "avg_accuracy": 1, "average_accuracy": 1, "mean_accuracy": 1, "avg_acc": 1,
    "mean_acc": 1, "accu": 1, "categorical_accuracy": 1, "sparse_categorical_accuracy": 1,
    "binary_accuracy": 1, "accuracy_score": 1, "prec@1": 3, "top1_err": 9,
}  # fmt: skip
_OTHER_NAMES = {
    "ppl": "perplexity", "perplexity": "perplexity", "tok/s": "tokens_per_second",
    "tokens/s": "tokens_per_second", "tok/sec": "tokens_per_second", "tps": "tokens_per_second",
    "tokens_per_sec": "tokens_per_second", "tokens_per_second": "tokens_per_second",
    "tokens/sec": "tokens_per_second", "it/s": "steps_per_second", "it/sec": "steps_per_second",
    "steps/s": "steps_per_second", "steps/sec": "steps_per_second", "samples/s": "samples_per_second",
    "samples/sec": "samples_per_second", "img/s": "samples_per_second", "imgs/s": "samples_per_second",
    "images/s": "samples_per_second", "images/sec": "samples_per_second",
}  # fmt: skip
_CLAIMS: dict[str, tuple[str, int]] = {
    **{word: ("loss", claim) for word, claim in _LOSS.items()},
    **{word: ("learning_rate", claim) for word, claim in _RATE.items()},
    **{word: ("grad_norm", claim) for word, claim in _NORM.items()},
    **{word: ("reward", claim) for word, claim in _REWARD.items()},
    **{word: ("accuracy", claim) for word, claim in _ACCURACY.items()},
    **{word: (name, 0) for word, name in _OTHER_NAMES.items()},
}
_CANONICAL = frozenset(name for name, _ in _CLAIMS.values())
_TOLD = re.compile(
    r"^(?:loss|accuracy|perplexity|reward)$|(?:^|_)(?:f1|bleu|bleu\d|rouge\w*|wer|cer|auc|auroc|roc_auc|"
    r"map50|miou|dice|psnr|ssim|fid|mrr|ndcg|exact_match|loss|acc|accuracy)(?:$|_|@|/)"
)
_HINTS = re.compile(
    r"(?:^|_)(?:map\d*|iou|recall|precision|score|error|err|hits|em|r2|correlation|entropy|kl|mfu)(?:$|_|@|/|\d)"
)
_JUDGED = re.compile(r"(?:rouge\w*|(?:sacre)?bleu\w*|wer|cer|meteor|chrf\w*|gen_len|map\d\w*)$")
_LOSS_WORDS = re.compile(r"loss|trl|tel|xent|entropy|nll|bpb|perplex|ce_mean")  # more than letters
# Words that only say how a number was taken.
_QUALIFIERS = frozenset(("current", "curr", "cur", "overall", "metrics", "metric", "stats", "the"))
_REFUSED = frozenset(
    ("best", "lowest", "highest", "minimum", "min", "target", "previous", "prev", "initial", "init", "old")
)  # fmt: skip
_BESTS = frozenset(("loss", "acc", "accuracy", "error", "ppl", "perplexity", "bpb"))
"""The smallest of these is the best so far."""
_PIECE = re.compile(r"[A-Za-z0-9@#']+|/")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")

_PER = re.compile(r"(?i)(?<=loss)[ _]per[ _](?:batch|sample|token|example|step|epoch|image|word)$")


@lru_cache(8192)
def word(key: str) -> Word:
    """The meaning of a printed key: ``eval_loss``, ``Val. Loss``, ``train/grad_norm``, ``lr``."""
    key = _PER.sub("", in_english(key))
    plain = re.sub(r"[\s\-]+", "_", key.strip().lower()).strip("_.:")
    if plain in _SKIPPED or _FINAL.match(plain):
        return Word("skip", plain)
    if plain in _COUNTERS:
        role, claim = _COUNTERS[plain]
        return Word(role, plain, claim=claim)
    if plain in _CLAIMS:
        return _metric(plain, plain, None, None)
    pieces = _pieces(key)
    split, dataset, rest = _split_of(pieces)
    if any(piece in _REFUSED for piece in pieces):
        kind: Role = "metric" if _is_smallest(pieces) else "skip"
        return Word(kind, _without_split(plain, split), split, dataset, 0, plain)
    joined = "_".join(piece for piece in rest if piece != "/")
    if dataset or "'s " in key:
        plain = joined
    if joined in _COUNTERS and joined not in ("s", "e", "#"):
        role, claim = _COUNTERS[joined]
        return Word(role, joined, split, claim=claim)
    return _metric(joined or plain, _without_split(plain, split), split, dataset)


def _is_smallest(pieces: list[str]) -> bool:
    """``completions/min_length`` is of now; the smallest loss is the best so far."""
    extremes = _REFUSED.intersection(pieces)
    return len(pieces) > 1 and extremes == {"min"} and not _BESTS.intersection(pieces)


def _pieces(key: str) -> list[str]:
    spaced = _HUMP.sub(" ", in_english(key).replace("'s ", " "))
    return [piece.lower().strip("'") for piece in _PIECE.findall(spaced)]


def _split_of(pieces: list[str]) -> tuple[Split | None, str | None, list[str]]:
    """The split that a key names, the evaluation set, and the pieces that remain."""
    places = [at for at, piece in enumerate(pieces) if piece in _SPLITS]
    if not places:
        return None, None, [p for p in pieces if p not in _QUALIFIERS] or pieces
    evals = [at for at in places if _SPLITS[pieces[at]] != "train"]
    at = (evals or places)[0]
    split = _SPLITS[pieces[at]]
    rest = [p for i, p in enumerate(pieces) if i not in places and p not in _QUALIFIERS]
    dataset, rest = _set_of(pieces, at, rest)
    return split, dataset, rest


def _set_of(pieces: list[str], at: int, rest: list[str]) -> tuple[str | None, list[str]]:
    """The name of an evaluation set: the middle of ``eval/<set>/loss``, the digit of ``valid_1``."""
    if at + 1 < len(pieces) and pieces[at + 1].isdigit() and len(rest) > 1:
        return pieces[at + 1], [p for p in rest if p != pieces[at + 1]]
    if at == 0 and pieces[1:2] == ["/"] and "/" in pieces[2:]:
        end = pieces.index("/", 2)
        middle = [p for p in pieces[2:end] if p in rest and p not in ("loss", "metrics")]
        if middle and pieces[2:end] != ["loss"]:
            last = len(pieces) - 1 - pieces[::-1].index("/")
            return "/".join("_".join(pieces[2:last]).split("_/_")), pieces[last + 1 :]
    return None, rest


def _without_split(plain: str, split: Split | None) -> str:
    """The key in lower case without its split word at the beginning or the end."""
    if split is None:
        return plain
    words = "|".join(word for word in _SPLITS)
    shorter = re.sub(rf"^(?:{words})\.?[_/]+|[_/]+(?:{words})$", "", plain)
    return shorter or plain


def _metric(joined: str, plain: str, split: Split | None, dataset: str | None) -> Word:
    name, claim = _claim(joined, plain)
    if joined in ("", plain) and plain in _SPLITS:
        return Word("metric", "loss", _SPLITS[plain], dataset, 0, plain, told=False)
    told, hints = bool(_TOLD.search(name)), bool(_HINTS.search(name))
    if _SETTINGS.intersection(joined.split("_")):
        told, hints = False, False
    if name == "loss" and not _LOSS_WORDS.search(joined):
        told, hints = False, True
    return Word("metric", name, split, dataset, claim, plain, told, hints)


def _claim(joined: str, plain: str) -> tuple[str, int]:
    """The name that the words claim, and how well."""
    for words in (joined, plain, _once(joined)):
        if words in _CLAIMS:
            return _CLAIMS[words]
    pieces = joined.split("_")
    if pieces[-1] == "loss" and not _NO_LOSS.intersection(pieces):
        return "loss", _ANY_LOSS
    if pieces[0] == "lr" or re.fullmatch(r"optim\d*_lr\d*", joined):
        mult = _NO_LOSS.union(("mult", "decay", "max", "end", "warmup", "m")).intersection(pieces)
        return (plain, 0) if mult else ("learning_rate", 2)
    return plain, 0


def _once(joined: str) -> str:
    """Every word once: ``loss_total_loss`` is ``loss_total``."""
    return "_".join(dict.fromkeys(joined.split("_")))


def known(key: str) -> bool:
    """Whether the words are in this lexicon, so that a number right behind them is theirs."""
    found = word(key)
    named = found.name in _CANONICAL or "loss" in found.name  # "packet loss" is none, and known so
    return found.role != "metric" or found.told or found.hints or named


def is_judged(name: str) -> bool:
    """Whether it is measured on an evaluation set wherever no split is told."""
    return bool(_JUDGED.match(name))


def split_in(words: str) -> Split | None:
    """The split that some words in passing tell: ``Validation Results``, ``Test set``, ``[valid]``."""
    found = [_SPLITS[p] for p in _pieces(words) if p in _SPLITS]
    if "test" in found:
        return "test"
    return "eval" if "eval" in found else "train" if found else None
