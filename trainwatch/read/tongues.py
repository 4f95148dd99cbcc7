"""The words of a training in other languages than English.

The law of this file: a word is turned into the English one that the lexicon knows, or left alone. A
word that means something else as well (``pas``, French for step and for not; ``precisión``, Spanish
for accuracy and for precision) is not here.
"""

from __future__ import annotations

import re

_BY_MEANING = {
    "loss": "verlust perte pérdida perdida perdita perda потеря потери потерь",
    "accuracy": "genauigkeit exactitude exactitud accuratezza acurácia acuracia точность",
    "train loss": "trainingsverlust",
    "val loss": "validierungsverlust validationsverlust",
    "test loss": "testverlust",
    "train accuracy": "trainingsgenauigkeit",
    "val accuracy": "validierungsgenauigkeit",
    "test accuracy": "testgenauigkeit",
    "train": (
        "entraînement entrainement apprentissage entrenamiento addestramento treino treinamento"
        " обучение обучения обучении"
    ),
    "val": (
        "validierung validación validacion validazione validação validacao валидация валидации"
    ),
    "epoch": "epoche époque epoque época epoca эпоха",
    "step": "schritt étape etape paso passo шаг",
    "learning rate": "lernrate",
}
_WORDS = {word: meaning for meaning, words in _BY_MEANING.items() for word in words.split()}
# Chinese, Japanese and Korean are written without blanks.
_UNSPACED = {
    "训练": "train", "訓練": "train", "훈련": "train", "验证": "val", "検証": "val", "검증": "val",
    "测试": "test", "评估": "eval", "評価": "eval", "平均": "avg", "损失值": "loss", "损失": "loss",
    "損失": "loss", "손실": "loss", "准确率": "accuracy", "精度": "accuracy", "정확도": "accuracy",
    "困惑度": "perplexity", "学习率": "learning rate", "学習率": "learning rate", "학습률": "learning rate",
    "轮次": "epoch", "轮数": "epoch", "エポック": "epoch", "에포크": "epoch", "에폭": "epoch",
    "步数": "step", "ステップ": "step", "스텝": "step", "迭代": "iteration", "奖励": "reward",
    "梯度范数": "grad norm",
}  # fmt: skip
_OF = r"(?:d['’]|de l['’]|de la|de|du|des|del|della|di|da|do|на|при)"
_PHRASES = r"taux d['’]apprentissage|tasa de aprendizaje|taxa de aprendizado|tasso di apprendimento"
_SPELLED = re.compile(
    rf"(?i)(?<![^\W_])(?:(?P<rate>{_PHRASES})|(?:{_OF}\s*)?(?P<word>{'|'.join(_WORDS)}))(?![^\W_])"
    rf"|(?P<unspaced>{'|'.join(sorted(_UNSPACED, key=len, reverse=True))})"
)
_AFTER = re.compile(rf"(?i)\b(loss|accuracy)\s+{_OF}\s*(?=\w)")


def in_english(words: str) -> str:
    """``words`` with those of other languages in English."""
    found, count = _SPELLED.subn(_meaning, words)
    return _AFTER.sub(r"\1 ", found) if count else words


def _meaning(found: re.Match[str]) -> str:
    if found["unspaced"]:
        return f" {_UNSPACED[found['unspaced']]} "
    return "learning rate" if found["rate"] else _WORDS[found["word"].lower()]
