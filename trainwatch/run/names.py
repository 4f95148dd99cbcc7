"""What the names of metrics suggest.

The law of this file: guesses from names, kept in one place and told as guesses.
"""

from __future__ import annotations

import re

_TASK = re.compile(
    r"acc|f1|bleu|rouge|exact|precision|recall|auc|map\b|map\d|iou|pass@|score|matthews|mcc|pearson"
    r"|spearman|ndcg|mrr|reward|win_?rate|psnr|ssim|dice|meteor|chrf|squad"
    r"|(^|_)(wer|cer|ter|mer|em|mae|mse|rmse|fid|r2|eer)($|_)",
    re.IGNORECASE,
)
_LOWER = re.compile(
    r"loss|perplexity|ppl|error|bpb|nll|edit"
    r"|(^|_)(wer|cer|ter|mer|mae|mse|rmse|fid|eer)($|_)|(^|_)per$",
    re.IGNORECASE,
)


def lower_is_better(name: str) -> bool:
    """Which way a metric improves, guessed from its name: errors down, everything else up."""
    return bool(_LOWER.search(name))


def is_task_metric(name: str) -> bool:
    """Whether a metric measures the task rather than the loss or the machine."""
    return bool(_TASK.search(name)) and "loss" not in name
