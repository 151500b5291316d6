"""Documents a second of training: `gliner_ner` beside the gliner library's own trainer, on the processor.

Both start from the same weights and take the same texts, divided into the same words, in the same order and batches;
they ask for the same labels, drop the same share and have the same threads. A step collates, goes forward and back,
clips the gradient and updates the weights with fused AdamW. One process runs all in turn, round after round, and every
time the clock starts after some steps. Nothing is evaluated or saved.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import spacy
import torch
from accelerate.state import AcceleratorState
from common import HERE, markdown, read_jsonl, write_json
from gliner import GLiNER
from gliner.training import Trainer
from spacy.tokens import Doc
from spacy.training import Example
from speed import LABELS, cores, machine
from thinc.api import Adam
from torch import nn
from torch.utils.data import IterableDataset
from transformers import PrinterCallback, TrainerCallback

from spacy_tiered_ner.gliner.source import STARTER
from spacy_tiered_ner.gliner.training.network import native_bfloat16

LEARN_RATE, WEIGHT_DECAY, CLIP = 1e-5, 0.01, 1.0
PACKAGES = ("spacy-tiered-ner", "spacy", "thinc", "torch", "transformers", "accelerate", "gliner")
RATIOS = [("ours fp32", "gliner fp32"), ("ours bf16", "gliner bf16"), ("ours bf16", "gliner fp32")]


def annotated(texts: Path) -> list[Doc]:
    """RETURNS (list): The texts with what the starter finds as entities; speed does not depend on them."""
    nlp = spacy.blank("en")
    nlp.add_pipe("gliner_ner", config={"labels": LABELS})
    docs = list(nlp.pipe(row["text"] for row in read_jsonl(texts)))
    for doc in docs:
        del doc.spans["gliner"]
        doc._.gliner_labels = LABELS
    return docs


class Endless(IterableDataset):
    """The same rows over and over, in order."""

    def __init__(self, rows: list[dict[str, Any]]):
        self.rows = rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return cycle(self.rows)


class Clock(TrainerCallback):
    """Notes when each step ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self.ends.append(time.perf_counter())


def library(mixed_precision: bool, docs: list[Doc], args: argparse.Namespace) -> float:
    """RETURNS (float): Seconds for `args.steps` steps of the gliner library's trainer."""
    model = GLiNER.from_pretrained(str(args.model))
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = args.dropout
    rows = [
        {
            "tokenized_text": [token.text for token in doc],
            "ner": [[ent.start, ent.end - 1, ent.label_] for ent in doc.ents],
            "ner_labels": LABELS,
        }
        for doc in docs
    ]
    # Both keep the precision of the first trainer of a process.
    AcceleratorState._reset_state(reset_partial_state=True)
    os.environ.pop("ACCELERATE_MIXED_PRECISION", None)
    clock = Clock()
    with TemporaryDirectory() as out:
        arguments = model.create_training_args(
            out,
            learning_rate=LEARN_RATE,
            weight_decay=WEIGHT_DECAY,
            max_grad_norm=CLIP,
            optim="adamw_torch_fused",
            per_device_train_batch_size=args.batch_size,
            max_steps=args.warm_up + args.steps,
            bf16=mixed_precision,
            use_cpu=True,
            dataloader_num_workers=0,
            dataloader_pin_memory=False,
            save_strategy="no",
            logging_strategy="no",
            logging_nan_inf_filter=False,
            disable_tqdm=True,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=Endless(rows),
            data_collator=model._create_data_collator(),
            processing_class=model.data_processor.transformer_tokenizer,
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        if trainer.accelerator.mixed_precision != ("bf16" if mixed_precision else "no"):
            raise RuntimeError(f"gliner's trainer computes in {trainer.accelerator.mixed_precision}")
        trainer.train()
    return clock.ends[-1] - clock.ends[args.warm_up - 1]


def ours(mixed_precision: bool, docs: list[Doc], args: argparse.Namespace) -> float:
    """RETURNS (float): Seconds for `args.steps` steps of `nlp.update`."""
    nlp = spacy.blank("en", vocab=docs[0].vocab)
    training = {"@misc": "spacy-tiered-ner.gliner_training.v1", "mixed_precision": mixed_precision}
    config = {"model": str(args.model), "runtime": "torch", "labels": LABELS, "training": training}
    nlp.add_pipe("gliner_ner", config={**config, "batch_size": args.batch_size})
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    optimizer = Adam(LEARN_RATE, L2=WEIGHT_DECAY, L2_is_weight_decay=True, grad_clip=CLIP)
    nlp.initialize(lambda: examples, sgd=optimizer)
    endless = cycle(examples)
    ends = []
    for _ in range(args.warm_up + args.steps):
        nlp.update(list(islice(endless, args.batch_size)), drop=args.dropout, sgd=optimizer)
        ends.append(time.perf_counter())
    return ends[-1] - ends[args.warm_up - 1]


TRAINERS: dict[str, Callable[[list[Doc], argparse.Namespace], float]] = {
    "gliner fp32": partial(library, False),
    "gliner bf16": partial(library, True),
    "ours fp32": partial(ours, False),
    "ours bf16": partial(ours, True),
}


def report(rates: dict[str, list[float]], args: argparse.Namespace, about: dict[str, Any]) -> None:
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print(f"\n{', '.join(f'{key} {value}' for key, value in about.items())}\n")
    rows = [[name, medians[name], f"{min(values):.1f}-{max(values):.1f}"] for name, values in rates.items()]
    print(markdown(["trainer", "docs/s", "min-max"], rows), "\n")
    ratios = {f"{a} to {b}": medians[a] / medians[b] for a, b in RATIOS if a in medians and b in medians}
    print(markdown(["ratio of medians", "times"], [[name, f"{ratio:.2f}"] for name, ratio in ratios.items()]))
    if args.out:
        versions = {package: version(package) for package in PACKAGES}
        data = {"machine": about, "labels": LABELS, "docs_per_second": rates, "medians": medians, "ratios": ratios}
        write_json(args.out, {**data, "versions": versions})


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=STARTER, help="directory with torch weights in gliner's format")
    parser.add_argument("--texts", type=Path, default=HERE / "texts.jsonl", help='JSONL with "text"')
    parser.add_argument("--trainers", nargs="+", choices=TRAINERS, default=list(TRAINERS), metavar="NAME")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--warm-up", type=int, default=6, help="steps before the clock starts, at least 1")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=cores(), help="default: all cores")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    torch.set_num_threads(args.threads)
    docs = annotated(args.texts)
    names = [name for name in args.trainers if "bf16" not in name or native_bfloat16(torch.device("cpu"))]
    if names != args.trainers:
        print("This processor does not compute in bfloat16: left out", file=sys.stderr)
    rates: dict[str, list[float]] = {name: [] for name in names}
    for number in range(args.rounds):
        for name in names:
            rates[name].append(args.steps * args.batch_size / TRAINERS[name](docs, args))
            print(f"round {number + 1} of {args.rounds}, {name}: {rates[name][-1]:.1f} docs/s", file=sys.stderr)
    settings = {key: getattr(args, key) for key in ("batch_size", "dropout", "warm_up", "steps", "rounds", "threads")}
    words = statistics.mean(map(len, docs))
    report(rates, args, {**machine(), **settings, "texts": len(docs), "words_a_text": round(words, 1)})


if __name__ == "__main__":
    main()
