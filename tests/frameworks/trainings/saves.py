"""Checkpoints by the frameworks' own saving code: ``saves.py KIND OUT``.

Each kind prints, as its last line, what the framework itself says of what it saved:
``{name: [step, epoch, {metric: value}]}``, null where it counts no such thing. ``endless KIND OUT`` saves
until it is killed; ``truth KIND OUT`` says which of what it left can be loaded.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, TypeAlias

Truth: TypeAlias = dict[str, tuple[int | None, float | None, dict[str, float]]]


# --- PyTorch ----------------------------------------------------------------------------------


def accelerate(out: str) -> Truth:
    import torch
    from accelerate import Accelerator
    from accelerate.utils import ProjectConfiguration

    project = ProjectConfiguration(project_dir=out, automatic_checkpoint_naming=True)
    accelerator = Accelerator(cpu=True, project_config=project)
    model = torch.nn.Linear(8, 8)
    optimizer = torch.optim.AdamW(model.parameters())
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer)
    model, optimizer, scheduler = accelerator.prepare(model, optimizer, scheduler)
    for _ in range(3):
        accelerator.backward(model(torch.ones(2, 8)).sum())
        optimizer.step()
        scheduler.step()
        accelerator.save_state()
    project.automatic_checkpoint_naming = False
    accelerator.save_state(f"{out}/step_3")
    names = [f"checkpoint_{number}" for number in range(3)]
    return {name: (None, None, {}) for name in names} | {"step_3": (3, None, {})}


def dcp(out: str) -> Truth:
    import torch
    import torch.distributed.checkpoint

    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Linear(64, 8))
    optimizer = torch.optim.AdamW(model.parameters())
    for step in (10, 20):
        model(torch.ones(2, 64)).sum().backward()
        optimizer.step()
        state = {"model": model.state_dict(), "optim": optimizer.state_dict(), "step": step}
        torch.distributed.checkpoint.save(state, checkpoint_id=f"{out}/step-{step}")
    return {"step-10": (10, None, {}), "step-20": (20, None, {})}


def lightning(out: str) -> Truth:
    import lightning
    import torch
    from lightning.pytorch.callbacks import ModelCheckpoint

    torch.manual_seed(1)
    truth: Truth = {}

    class Net(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(6, 2)

        def training_step(self, batch: Any, _: int) -> Any:
            return torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])

        def validation_step(self, batch: Any, _: int) -> None:
            loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
            self.log("val_loss", loss)

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=0.05)

    class Saver(ModelCheckpoint):
        def _save_checkpoint(self, trainer: Any, path: str) -> None:
            super()._save_checkpoint(trainer, path)
            loss = {} if "last" in path else {"val_loss": round(float(self.current_score), 3)}
            truth[Path(path).name] = (trainer.global_step, float(trainer.current_epoch), loss)

    inputs = torch.randn(64, 6)
    rows = torch.utils.data.TensorDataset(inputs, (inputs.sum(1) > 0).long())
    saver = Saver(
        filename="{epoch}-{step}-{val_loss:.3f}", monitor="val_loss", save_top_k=2, save_last=True
    )
    lightning.Trainer(
        max_epochs=4, accelerator="cpu", default_root_dir=out, callbacks=[saver],
        logger=lightning.pytorch.loggers.CSVLogger(out), enable_progress_bar=False,
    ).fit(
        Net(), torch.utils.data.DataLoader(rows, 8), torch.utils.data.DataLoader(rows, 8)
    )  # fmt: skip
    return {path.name: truth[path.name] for path in Path(out).rglob("*.ckpt")}


def nano(out: str) -> Truth:
    """What a plain loop saves, in the keys of nanoGPT's."""
    import torch

    model = torch.nn.Linear(64, 64)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(2, 64)).sum().backward()
    optimizer.step()
    Path(out).mkdir()
    held = {
        "model": model.state_dict(), "optimizer": optimizer.state_dict(),
        "model_args": {"n_layer": 1}, "iter_num": 250, "best_val_loss": torch.tensor(1.25),
        "config": {"dataset": "x"},
    }  # fmt: skip
    torch.save(held, f"{out}/ckpt.pt")
    return {"ckpt.pt": (250, None, {})}


def skorch(out: str) -> Truth:
    import torch
    from skorch import NeuralNet
    from skorch.callbacks import Checkpoint
    from skorch.dataset import ValidSplit

    torch.manual_seed(1)
    inputs = torch.randn(96, 6)
    saver = Checkpoint(dirname=out, monitor="valid_loss_best", fn_prefix="best_")
    every = Checkpoint(
        dirname=out, monitor=None, f_params="epoch_{last_epoch[epoch]}_params.pt",
        f_optimizer=None, f_criterion=None,
    )  # fmt: skip
    net = NeuralNet(
        torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)),
        criterion=torch.nn.CrossEntropyLoss, max_epochs=3, lr=0.1, batch_size=8, verbose=0,
        optimizer=torch.optim.Adam, callbacks=[("best", saver), ("every", every)], train_split=ValidSplit(4),
    )  # fmt: skip
    net.fit(inputs, (inputs.sum(1) > 0).long())
    best = [row["epoch"] for row in net.history if row["valid_loss_best"]][-1]
    truth: Truth = {}
    epochs = {"best_params.pt": best} | {f"epoch_{epoch}_params.pt": epoch for epoch in (1, 2, 3)}
    for name, epoch in epochs.items():
        row = net.history[epoch - 1]
        truth[name] = (None, float(epoch), {k: row[k] for k in ("train_loss", "valid_loss")})
    return truth


def baselines3(out: str) -> Truth:
    import gymnasium
    import numpy as np
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import CheckpointCallback

    class Guess(gymnasium.Env):
        """Say whether the number shown is positive."""

        observation_space = gymnasium.spaces.Box(-1, 1, (1,))
        action_space = gymnasium.spaces.Discrete(2)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.turn, self.seen = 0, np.zeros(1, np.float32)
            return self.seen, {}

        def step(self, action):
            self.turn += 1
            self.seen = self.np_random.uniform(-1, 1, 1).astype(np.float32)
            return self.seen, 1.0, self.turn >= 8, False, {}

    model = PPO("MlpPolicy", Guess(), n_steps=64, batch_size=32, seed=1, device="cpu")
    model.learn(256, callback=CheckpointCallback(128, out))
    model.save(f"{out}/best_model")
    steps = {"rl_model_128_steps.zip": 128, "rl_model_256_steps.zip": 256}
    steps["best_model.zip"] = model.num_timesteps
    return {name: (step, None, {}) for name, step in steps.items()}


def keras(out: str) -> Truth:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    import numpy as np

    inputs = np.random.default_rng(1).normal(size=(96, 6)).astype("float32")
    targets = (inputs.sum(1) > 0).astype("int32")
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    Path(out).mkdir()
    save = keras.callbacks.ModelCheckpoint
    history = model.fit(
        inputs, targets, batch_size=8, epochs=3, validation_split=0.25, verbose=0,
        callbacks=[
            save(out + "/{epoch:02d}-{val_loss:.4f}.keras"),
            save(out + "/epoch{epoch:03d}.weights.h5", save_weights_only=True),
            keras.callbacks.BackupAndRestore(f"{out}/backup", delete_checkpoint=False),
        ],
    ).history  # fmt: skip
    truth: Truth = {"latest.weights.h5": (None, 3.0, {})}
    for epoch, loss in enumerate(history["val_loss"], 1):
        truth[f"{epoch:02d}-{loss:.4f}.keras"] = (None, float(epoch), {})
        truth[f"epoch{epoch:03d}.weights.h5"] = (None, float(epoch), {})
    return truth


def gguf(out: str) -> Truth:
    import gguf
    import numpy as np

    Path(out).mkdir()
    writer = gguf.GGUFWriter(f"{out}/tiny-step-20.gguf", "llama")
    writer.add_name("tiny")
    writer.add_context_length(64)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"t{number}" for number in range(500)])
    for number in range(4):
        writer.add_tensor(f"blk.{number}.attn_q.weight", np.ones((32, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return {"tiny-step-20.gguf": (20, None, {})}


def _llama() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def transformers(out: str) -> Truth:
    _llama().save_pretrained(out)
    return {"out": (None, None, {})}


def sharded(out: str) -> Truth:
    _llama().save_pretrained(out, max_shard_size="20KB")
    return {"out": (None, None, {})}


def peft(out: str) -> Truth:
    from peft import LoraConfig, get_peft_model

    get_peft_model(_llama(), LoraConfig(r=4, target_modules=["q_proj"])).save_pretrained(out)
    return {"out": (None, None, {})}


def sentences(out: str) -> Truth:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Dense,
        Normalize,
        Pooling,
        Transformer,
    )
    from transformers import BertConfig, BertModel, BertTokenizerFast

    base = Path(out).with_name("base")
    base.mkdir()
    words = base / "vocab.txt"
    words.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc")
    config = BertConfig(
        vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16,
    )  # fmt: skip
    BertModel(config).save_pretrained(base)
    BertTokenizerFast(str(words)).save_pretrained(base)
    modules = [Transformer(str(base)), Pooling(16), Dense(16, 8), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(out)
    return {"out": (None, None, {})}


def diffusers(out: str) -> Truth:
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    net = UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, layers_per_block=1, block_out_channels=(8,),
        norm_num_groups=4, down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",),
    )  # fmt: skip
    DDPMPipeline(net, DDPMScheduler()).save_pretrained(out)
    return {"out": (None, None, {})}


def loop(out: str) -> Truth:
    """A plain loop: a folder for each step, with one file in it; one in the format before 1.6."""
    import torch

    model = torch.nn.Linear(64, 64)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(2, 64)).sum().backward()
    optimizer.step()
    for step in (10, 20):
        Path(out, f"step_{step}").mkdir(parents=True)
        held = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
        path = f"{out}/step_{step}/model.pt"
        torch.save(held, path, _use_new_zipfile_serialization=step == 10)
    return {f"step_{step}": (step, None, {}) for step in (10, 20)}


# --- boosted trees, spaCy ---------------------------------------------------------------------


def _table() -> tuple[Any, Any]:
    import numpy as np

    source = np.random.default_rng(1)
    inputs = source.normal(size=(200, 6))
    return inputs, (inputs[:, 0] + source.normal(size=200) > 0).astype(int)


def xgboost(out: str) -> Truth:
    import xgboost as xgb

    x, y = _table()
    data = xgb.DMatrix(x, y)
    Path(out).mkdir()
    saver = xgb.callback.TrainingCheckPoint(out, interval=4, name="model")
    options = {"objective": "binary:logistic", "nthread": 1}
    booster = xgb.train(options, data, 12, callbacks=[saver])
    booster.save_model(f"{out}/xgb_last.json")
    names = [path.name for path in Path(out).glob("model_*")]
    steps = {name: int(name.removesuffix(".ubj").rpartition("_")[2]) for name in names}
    return {name: (step, None, {}) for name, step in steps.items()} | {
        "xgb_last.json": (None, None, {})
    }


def lightgbm(out: str) -> Truth:
    import lightgbm as lgb

    x, y = _table()
    Path(out).mkdir()
    truth: Truth = {}

    def snapshot(env: Any) -> None:
        if (env.iteration + 1) % 4 == 0:
            name = f"model.txt.snapshot_iter_{env.iteration + 1}"
            env.model.save_model(f"{out}/{name}")
            truth[name] = (env.model.current_iteration(), None, {})

    options = {"objective": "binary", "num_threads": 1, "verbosity": -1}
    lgb.train(options, lgb.Dataset(x, y), 12, callbacks=[snapshot]).save_model(f"{out}/lgb.txt")
    return truth | {"lgb.txt": (None, None, {})}


def catboost(out: str) -> Truth:
    from catboost import CatBoostClassifier

    x, y = _table()
    Path(out).mkdir()
    model = CatBoostClassifier(
        iterations=12, train_dir=out, save_snapshot=True, snapshot_interval=0, verbose=False,
        thread_count=1,
    )  # fmt: skip
    model.fit(x, y)
    model.save_model(f"{out}/model_12.cbm")
    return {"model_12.cbm": (12, None, {}), "experiment.cbsnapshot": (model.tree_count_, None, {})}


SPACY = """
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
path = "{train}"
[training]
gpu_allocator = null
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
seed = 1
max_steps = 20
eval_frequency = 10
patience = 0
[training.batcher]
@batchers = "spacy.batch_by_sequence.v1"
size = 8
[training.score_weights]
cats_score = 1.0
"""


def spacy(out: str) -> Truth:
    import spacy
    from spacy.tokens import Doc, DocBin
    from spacy.training.initialize import init_nlp
    from spacy.training.loop import train
    from thinc.api import Config

    vocab = spacy.blank("en").vocab
    docs = []
    for number in range(32):
        doc = Doc(vocab, words=["good" if number % 2 else "bad", str(number)])
        doc.cats = {"yes": float(number % 2), "no": float(1 - number % 2)}
        docs.append(doc)
    data = Path(out).with_name("train.spacy")
    DocBin(docs=docs, store_user_data=True).to_disk(data)
    nlp = init_nlp(Config().from_str(SPACY.replace("{train}", str(data)), interpolate=False))
    Path(out).mkdir()
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        train(nlp, Path(out), stdout=nothing, stderr=nothing)
    truth: Truth = {}
    for name in ("model-best", "model-last"):
        scores = spacy.load(f"{out}/{name}").meta["performance"]
        numbers = {key: value for key, value in scores.items() if isinstance(value, float)}
        truth[name] = (None, None, numbers)
    return truth


# --- JAX --------------------------------------------------------------------------------------


def orbax(out: str) -> Truth:
    import jax.numpy as jnp
    import orbax.checkpoint as ocp

    options = ocp.CheckpointManagerOptions(
        max_to_keep=3, enable_async_checkpointing=False, best_fn=lambda told: -told["loss"]
    )
    truth: Truth = {}
    with ocp.CheckpointManager(Path(out).absolute(), options=options) as manager:
        for step in (100, 200):
            state = {"w": jnp.arange(4096.0).reshape(64, 64) * step, "step": step}
            metrics = {"loss": 25.0 / step}
            manager.save(step, args=ocp.args.StandardSave(state), metrics=metrics)
            truth[str(step)] = (step, None, metrics)
        manager.wait_until_finished()
    return truth


# --- killed in the middle ---------------------------------------------------------------------


def endless(kind: str, out: str) -> None:
    """Save again and again, saying so before each; somebody kills it."""
    Path(out).mkdir()
    if kind == "orbax":
        import jax.numpy as jnp
        import orbax.checkpoint as ocp

        manager = ocp.CheckpointManager(Path(out).absolute())
        state = {f"w{i}": jnp.arange(1e6) * i for i in range(8)}
        for step in range(1, 1000):
            print("saving", flush=True)
            manager.save(step, args=ocp.args.StandardSave(state))
            manager.wait_until_finished()
    import torch
    import torch.distributed.checkpoint

    model = torch.nn.Linear(2048, 2048)
    for step in range(1, 1000):
        print("saving", flush=True)
        held = {"model": model.state_dict(), "optimizer": {}, "iter_num": step}
        if kind == "dcp":
            torch.distributed.checkpoint.save(held, checkpoint_id=f"{out}/step-{step}")
        else:
            torch.save({**held, "model_args": {}}, f"{out}/ckpt_{step}.pt")


def loads(kind: str, path: Path) -> bool:
    """Whether the library that wrote it can read it."""
    try:
        if kind == "orbax":
            import orbax.checkpoint as ocp

            if not path.name.isdigit():
                return False  # its own manager offers committed steps alone
            ocp.StandardCheckpointer().restore(path.absolute() / "default")
        elif kind == "dcp":
            import torch
            import torch.distributed.checkpoint as dcp

            held = {"model": torch.nn.Linear(2048, 2048).state_dict()}
            dcp.load(held, checkpoint_id=path)
        else:
            import torch

            torch.load(path)
    except BaseException:  # noqa: BLE001 - torch's CheckpointException is no Exception
        return False
    return True


def truth(kind: str, out: str) -> None:
    print(json.dumps({path.name: loads(kind, path) for path in Path(out).iterdir()}))


KINDS = {
    each.__name__: each
    for each in (
        accelerate, dcp, lightning, nano, skorch, baselines3, keras, gguf, xgboost, lightgbm,
        catboost, spacy, orbax, transformers, sharded, peft, sentences, diffusers, loop,
    )
}  # fmt: skip

if __name__ == "__main__":
    if sys.argv[1] in ("endless", "truth"):
        {"endless": endless, "truth": truth}[sys.argv[1]](*sys.argv[2:])
    else:
        print(json.dumps(KINDS[sys.argv[1]](sys.argv[2])))
