"""Teach a small neural network to spell animal names, long enough to see it overfit.

The law of this file: a real training in the shape of the Hugging Face Trainer, readable from top to
bottom, with the standard library alone. It knows nothing of trainwatch and can be copied away.

The network reads the last CONTEXT letters and predicts the next one. It sees 3 of 5 animals; the
others are held out. First it learns how names are spelled and both losses fall; then it learns the
training names by heart, and while ``loss`` goes on falling ``eval_loss`` rises.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import struct
import sys
import time
from array import array
from operator import mul
from pathlib import Path
from typing import Any

ANIMALS = """
aardvark albatross alligator alpaca anaconda ant anteater antelope armadillo axolotl baboon badger
barnacle barracuda bat bear beaver bee beetle bison blackbird boa bobcat bonobo buffalo bullfinch
bumblebee butterfly buzzard camel capybara caracal caribou carp cassowary cat caterpillar catfish
centipede chaffinch chameleon cheetah chicken chimpanzee chinchilla chipmunk cicada clam cobra
cockatoo cockroach cod condor coral cormorant cougar cow coyote crab crane cricket crocodile crow
cuckoo curlew cuttlefish damselfly deer dingo dodo dog dolphin donkey dormouse dove dragonfly duck
dugong eagle earthworm earwig echidna eel egret eland elephant elk emu ermine falcon ferret finch
firefly flamingo flea flounder fly fox frog gannet gazelle gecko gerbil gibbon giraffe gnu goat
goldfinch goldfish goose gorilla grasshopper greenfinch grouse guineafowl gull haddock halibut
hamster hare harrier hawk hedgehog heron herring hippopotamus hornet horse hummingbird hyena ibex
ibis iguana impala jackal jackdaw jaguar jay jellyfish kangaroo kestrel kingfisher kite kiwi koala
kookaburra krill ladybird lamprey lapwing lark lemming lemur leopard limpet lion lizard llama lobster
locust loris lynx macaque macaw mackerel magpie mallard mammoth manatee mandrill mantis marlin marmot
marten meerkat millipede mink minnow mole mongoose monkey moose mosquito moth mouse mule muskrat
narwhal newt nighthawk nightingale numbat nuthatch ocelot octopus okapi opossum orangutan orca oriole
osprey ostrich otter owl ox oyster panda pangolin panther parakeet parrot partridge peacock pelican
penguin perch pheasant pig pigeon pike piranha platypus plover polecat porcupine porpoise possum
prawn puffin puma python quail quokka rabbit raccoon rat rattlesnake raven ray redstart reindeer
rhinoceros roadrunner robin rook sailfish salamander salmon sandpiper sardine scallop scorpion seagull
seahorse seal serval shark sheep shrew shrimp skunk skylark sloth slug snail snake sparrow spider
sponge spoonbill squid squirrel starfish starling stingray stoat stork sturgeon swallow swan swift
swordfish tapir tarantula tarsier termite tern thrush tiger toad tortoise toucan trout tuna turkey
turtle viper vole vulture wallaby walrus warbler warthog wasp waterbuck weasel whale whelk wildcat
wolf wolverine wombat woodlouse woodpecker worm wren yak zebra
""".split()

LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # "." ends a name and stands for "nothing yet" before it
CONTEXT, EMBEDDING, HIDDEN = 4, 12, 128

Matrix = list[list[float]]
Weights = dict[str, Matrix]
Example = tuple[tuple[int, ...], int]  # the letters before, the letter to predict


def examples(names: list[str]) -> list[Example]:
    """Every letter of every name, with the letters before it."""
    found: list[Example] = []
    for name in names:
        letters = [0] * CONTEXT + [LETTERS.index(letter) for letter in name + "."]
        found += [
            (tuple(letters[i : i + CONTEXT]), letters[i + CONTEXT]) for i in range(len(name) + 1)
        ]
    return found


def initial_weights(rng: random.Random) -> Weights:
    """Small random numbers; the output starts so small that every letter is equally likely."""

    def gaussian(rows: int, columns: int, spread: float) -> Matrix:
        return [[rng.gauss(0.0, spread) for _ in range(columns)] for _ in range(rows)]

    inputs = CONTEXT * EMBEDDING
    return {
        "embedding.weight": gaussian(len(LETTERS), EMBEDDING, 1.0),
        "hidden.weight": gaussian(HIDDEN, inputs, inputs**-0.5),
        "hidden.bias": gaussian(1, HIDDEN, 0.0),
        "output.weight": gaussian(len(LETTERS), HIDDEN, 0.01),
        "output.bias": gaussian(1, len(LETTERS), 0.0),
    }


def zeros(weights: Weights) -> Weights:
    """Matrices of the same shapes, all zero."""
    return {name: [[0.0] * len(row) for row in matrix] for name, matrix in weights.items()}


def dense(matrix: Matrix, bias: list[float], values: list[float]) -> list[float]:
    """The product of matrix and values, plus bias."""
    return [sum(map(mul, row, values), start) for row, start in zip(matrix, bias)]


def forward(weights: Weights, context: tuple[int, ...]) -> tuple[list[float], ...]:
    """The embedded context, the hidden layer, and each letter's probability."""
    seen = [value for letter in context for value in weights["embedding.weight"][letter]]
    hidden = [
        math.tanh(x) for x in dense(weights["hidden.weight"], weights["hidden.bias"][0], seen)
    ]
    logits = dense(weights["output.weight"], weights["output.bias"][0], hidden)
    top = max(logits)
    odds = [math.exp(logit - top) for logit in logits]
    total = sum(odds)
    return seen, hidden, [value / total for value in odds]


def evaluate(weights: Weights, data: list[Example]) -> tuple[float, float]:
    """Mean cross-entropy in nats per letter, and the share of letters guessed right."""
    loss, right = 0.0, 0
    for context, letter in data:
        odds = forward(weights, context)[-1]
        loss -= math.log(odds[letter])
        right += odds[letter] == max(odds)
    return loss / len(data), right / len(data)


def gradients(weights: Weights, batch: list[Example]) -> tuple[float, Weights]:
    """The loss of the batch and its derivative by every weight, worked out by hand."""
    loss = 0.0
    slopes = zeros(weights)
    to_hidden = list(map(list, zip(*weights["output.weight"])))
    to_seen = list(map(list, zip(*weights["hidden.weight"])))
    for context, letter in batch:
        seen, hidden, odds = forward(weights, context)
        loss -= math.log(odds[letter])
        by_logits = [value / len(batch) for value in odds]
        by_logits[letter] -= 1.0 / len(batch)
        by_hidden = [
            sum(map(mul, row, by_logits)) * (1.0 - value * value)  # tanh' = 1 - tanh²
            for row, value in zip(to_hidden, hidden)
        ]
        by_seen = [sum(map(mul, row, by_hidden)) for row in to_seen]
        add_outer(slopes["output.weight"], by_logits, hidden)
        add_outer(slopes["output.bias"], [1.0], by_logits)
        add_outer(slopes["hidden.weight"], by_hidden, seen)
        add_outer(slopes["hidden.bias"], [1.0], by_hidden)
        for place, past in enumerate(context):
            part = by_seen[place * EMBEDDING : (place + 1) * EMBEDDING]
            add_outer([slopes["embedding.weight"][past]], [1.0], part)
    return loss / len(batch), slopes


def add_outer(matrix: Matrix, left: list[float], right: list[float]) -> None:
    """Add the outer product of left and right to the matrix."""
    for row, factor in zip(matrix, left):
        row[:] = [value + factor * other for value, other in zip(row, right)]


def norm(slopes: Weights) -> float:
    """The length of the whole gradient."""
    return math.sqrt(sum(sum(map(mul, row, row)) for rows in slopes.values() for row in rows))


def descend(weights: Weights, slopes: Weights, momentum: Weights, rate: float) -> None:
    """One step of stochastic gradient descent with momentum 0.9."""
    for name, matrix in weights.items():
        for row, slope, speed in zip(matrix, slopes[name], momentum[name]):
            speed[:] = [0.9 * old + new for old, new in zip(speed, slope)]
            row[:] = [weight - rate * change for weight, change in zip(row, speed)]


def invent(weights: Weights, rng: random.Random) -> str:
    """A name that the network makes up, letter by letter."""
    name, context = "", (0,) * CONTEXT
    while len(name) < 16:
        letter = rng.choices(range(len(LETTERS)), forward(weights, context)[-1])[0]
        if letter == 0:
            break
        name += LETTERS[letter]
        context = (*context[1:], letter)
    return name


def write_safetensors(path: Path, weights: Weights) -> None:
    """Write ``weights`` as a safetensors file: u64 header length, JSON header, raw numbers."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, matrix in weights.items():
        data = array("d", [value for row in matrix for value in row]).tobytes()
        shape = [len(matrix), len(matrix[0])] if len(matrix) > 1 else [len(matrix[0])]
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "F64", "shape": shape, "data_offsets": offsets}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def read_safetensors(path: Path) -> Weights:
    """The weights that ``write_safetensors`` wrote."""
    data = path.read_bytes()
    start = 8 + struct.unpack_from("<Q", data)[0]
    weights: Weights = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            values = array("d", data[start + first : start + last]).tolist()
            columns = entry["shape"][-1]
            weights[name] = [values[i : i + columns] for i in range(0, len(values), columns)]
    return weights


class Bar:
    """A progress bar on stderr that steps aside for the lines on stdout."""

    def __init__(self, total: int, done: int) -> None:
        self.total, self.done, self.first = total, done, done
        self.started = time.monotonic()
        self.drawn = 0.0
        self.width = 0

    def update(self, done: int) -> None:
        """Move on; draw at most ten times a second."""
        self.done = done
        if time.monotonic() - self.drawn >= 0.1 or done == self.total:
            self.draw()

    def draw(self) -> None:
        """Draw now."""
        self.drawn = time.monotonic()
        elapsed = self.drawn - self.started
        rate = (self.done - self.first) / elapsed if elapsed else 0.0
        left = clock((self.total - self.done) / rate) if rate else "?"
        speed = f"{rate:.2f}it/s" if rate else "?it/s"
        share = self.done / self.total
        blocks = ("█" * int(share * 10)).ljust(10)
        text = f"{share:4.0%}|{blocks}| {self.done}/{self.total} [{clock(elapsed)}<{left}, {speed}]"
        print("\r" + text.ljust(self.width), end="", file=sys.stderr, flush=True)
        self.width = len(text)

    def write(self, line: str) -> None:
        """Print ``line`` above the bar."""
        print("\r" + " " * self.width + "\r", end="", file=sys.stderr, flush=True)
        print(line, flush=True)
        self.draw()


def clock(seconds: float) -> str:
    """Seconds as mm:ss."""
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def shown(record: dict[str, float]) -> str:
    """A log record as transformers 5 prints it: floats as strings of four significant digits."""
    return str({key: f"{value:.4g}" for key, value in record.items()})


class Training:
    """The weights, the data, and everything that a checkpoint must hold."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.rng = random.Random(args.seed)
        names = ANIMALS[:]
        self.rng.shuffle(names)
        held_in = len(names) * 3 // 5
        self.train_data, self.eval_data = examples(names[:held_in]), examples(names[held_in:])
        self.steps_per_epoch = math.ceil(len(self.train_data) / args.train_batch_size)
        self.weights = initial_weights(self.rng)
        self.momentum = zeros(self.weights)
        self.step = 0
        self.unlogged: list[float] = []  # losses since the last log line
        self.history: list[dict[str, float]] = []
        self.best: dict[str, float] = {"eval_loss": math.inf, "step": 0}
        if args.resume_from_checkpoint:
            self.resume(args.resume_from_checkpoint)
        self.bar = Bar(args.max_steps, self.step)

    def run(self) -> None:
        """Train to the end, or until Ctrl-C, which saves first."""
        started, losses = time.monotonic(), []
        self.bar.draw()
        try:
            while self.step < self.args.max_steps:
                losses.append(self.one_step())
        except KeyboardInterrupt:
            self.save()
            self.bar.write(f"interrupted, saved checkpoint-{self.step}")
            raise SystemExit(130) from None
        took = time.monotonic() - started
        summary = {
            "train_runtime": took,
            "train_steps_per_second": len(losses) / took,
            "train_loss": sum(losses) / max(1, len(losses)),
            "epoch": self.step / self.steps_per_epoch,
        }
        self.bar.write(shown(summary))
        print(file=sys.stderr)

    def one_step(self) -> float:
        """Learn from one batch; log, evaluate and save when it is time."""
        args = self.args
        rate = args.learning_rate * min(1.0, (self.step + 1) / args.warmup_steps)
        loss, slopes = gradients(self.weights, self.batch())
        descend(self.weights, slopes, self.momentum, rate)
        self.step += 1
        self.unlogged.append(loss)
        self.bar.update(self.step)
        if self.step % args.logging_steps == 0:
            mean = sum(self.unlogged) / len(self.unlogged)
            self.log({"loss": mean, "grad_norm": norm(slopes), "learning_rate": rate})
            self.unlogged.clear()
        last = self.step == args.max_steps
        if last or self.step % args.eval_steps == 0:
            self.evaluate()
        if last or self.step % args.save_steps == 0:
            self.save()
        return loss

    def batch(self) -> list[Example]:
        """The batch of this step; each epoch has its own order, the same after a resume."""
        epoch, place = divmod(self.step, self.steps_per_epoch)
        order = self.train_data[:]
        random.Random(f"{self.args.seed} {epoch}").shuffle(order)
        size = self.args.train_batch_size
        return order[place * size : (place + 1) * size]

    def log(self, record: dict[str, float]) -> None:
        """Print a record and remember it with its step."""
        record["epoch"] = self.step / self.steps_per_epoch
        self.history.append({**record, "step": self.step})
        self.bar.write(shown(record))

    def evaluate(self) -> None:
        """Measure the loss on names the network has never seen, and let it invent some."""
        started = time.monotonic()
        loss, accuracy = evaluate(self.weights, self.eval_data)
        took = time.monotonic() - started
        self.log({"eval_loss": loss, "eval_accuracy": accuracy, "eval_runtime": took})
        if loss < self.best["eval_loss"]:
            self.best = {"eval_loss": loss, "step": self.step}
        self.bar.write("invented: " + ", ".join(invent(self.weights, self.rng) for _ in range(5)))

    def save(self) -> None:
        """Write ``checkpoint-N`` in the order of the Trainer: trainer_state.json comes last."""
        folder = Path(self.args.output_dir, f"checkpoint-{self.step}")
        folder.mkdir(parents=True, exist_ok=True)
        config = {"model_type": "animal-speller", "vocab_size": len(LETTERS), "hidden_size": HIDDEN}
        (folder / "config.json").write_text(json.dumps(config, indent=2))
        write_safetensors(folder / "model.safetensors", self.weights)
        write_safetensors(folder / "optimizer.safetensors", self.momentum)
        (folder / "rng_state.json").write_text(json.dumps(self.rng.getstate()))
        (folder / "trainer_state.json").write_text(json.dumps(self.state(), indent=2))

    def state(self) -> dict[str, Any]:
        """What the Trainer keeps in trainer_state.json."""
        args, best = self.args, int(self.best["step"])
        return {
            "best_global_step": best or None,
            "best_metric": self.best["eval_loss"] if best else None,
            "best_model_checkpoint": f"{args.output_dir}/checkpoint-{best}" if best else None,
            "epoch": self.step / self.steps_per_epoch,
            "eval_steps": args.eval_steps,
            "global_step": self.step,
            "log_history": self.history,
            "logging_steps": args.logging_steps,
            "max_steps": args.max_steps,
            "num_train_epochs": math.ceil(args.max_steps / self.steps_per_epoch),
            "save_steps": args.save_steps,
            "train_batch_size": args.train_batch_size,
            "unlogged": self.unlogged,
        }

    def resume(self, folder: str) -> None:
        """Go on exactly where ``folder`` was saved."""
        self.weights = read_safetensors(Path(folder, "model.safetensors"))
        self.momentum = read_safetensors(Path(folder, "optimizer.safetensors"))
        version, state, gauss = json.loads(Path(folder, "rng_state.json").read_text())
        self.rng.setstate((version, tuple(state), gauss))
        state = json.loads(Path(folder, "trainer_state.json").read_text())
        self.step, self.history = state["global_step"], state["log_history"]
        self.unlogged = state["unlogged"]
        if state["best_global_step"]:
            self.best = {"eval_loss": state["best_metric"], "step": state["best_global_step"]}


def main() -> None:
    """Read the arguments, spelled as the Trainer spells them, and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output_dir", default="demo-out")
    parser.add_argument("--resume_from_checkpoint", metavar="FOLDER")
    parser.add_argument("--max_steps", type=int, default=1500)
    parser.add_argument("--train_batch_size", type=int, default=32)
    parser.add_argument("--learning_rate", type=float, default=0.04)
    parser.add_argument("--warmup_steps", type=int, default=1000)
    parser.add_argument("--logging_steps", type=int, default=10)
    parser.add_argument("--eval_steps", type=int, default=50)
    parser.add_argument("--save_steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    Training(parser.parse_args()).run()


if __name__ == "__main__":
    main()
