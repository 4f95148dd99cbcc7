"""spaCy's own training loop with its console logger; a second logger writes down the numbers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import recording
import spacy
from spacy.tokens import Doc, DocBin
from spacy.training import Example  # noqa: F401 - registers the loop's defaults
from spacy.training.initialize import init_nlp
from spacy.training.loggers import console_logger
from spacy.training.loop import train
from thinc.api import Config

CONFIG = """
[paths]
[nlp]
lang = "en"
pipeline = ["textcat"]
batch_size = 8
[components]
[components.textcat]
factory = "textcat"
[corpora]
[corpora.train]
@readers = "spacy.Corpus.v1"
path = "{train}"
[corpora.dev]
@readers = "spacy.Corpus.v1"
path = "{dev}"
[training]
gpu_allocator = null
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
seed = 1
max_steps = 40
eval_frequency = 10
patience = 0
[training.batcher]
@batchers = "spacy.batch_by_sequence.v1"
size = 8
[training.optimizer]
@optimizers = "Adam.v1"
[training.score_weights]
cats_score = 1.0
[training.logger]
@loggers = "recording.v1"
"""
POINTS: list[dict] = []


@spacy.registry.loggers("recording.v1")
def recording_logger():
    def setup(nlp, stdout=sys.stdout, stderr=sys.stderr):
        log_step, finalize = console_logger(progress_bar=False)(nlp, stdout, stderr)

        def log(info):
            if info is not None:
                step = info["step"]
                POINTS.append(
                    recording.point(
                        "train", "LOSS TEXTCAT", round(info["losses"]["textcat"], 2), step
                    )
                )
                POINTS.append(recording.point("eval", "SCORE", round(info["score"], 2), step))
            log_step(info)

        return log, finalize

    return setup


def corpus(path: Path, count: int) -> None:
    words = {"GOOD": ["nice", "fine", "great"], "BAD": ["poor", "awful", "grim"]}
    nlp = spacy.blank("en")
    docs = []
    for i in range(count):
        label = ("GOOD", "BAD")[i % 2]
        doc = Doc(nlp.vocab, words=["a", words[label][i % 3], "day", str(i)])
        doc.cats = {name: float(name == label) for name in words}
        docs.append(doc)
    DocBin(docs=docs).to_disk(path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output_dir", required=True)
    args = parser.parse_args()
    paths = {name: Path(args.output_dir, f"{name}.spacy") for name in ("train", "dev")}
    corpus(paths["train"], 40)
    corpus(paths["dev"], 12)
    config = Config().from_str(CONFIG.format(**paths), interpolate=False)
    model = Path(args.output_dir, "model")
    model.mkdir()
    train(init_nlp(config), model)
    recording.write(args.output_dir, POINTS)


if __name__ == "__main__":
    main()
