"""What escalation can bring and what it costs: F1 against the share of spans that an LLM is asked about.

`ceiling`: an oracle in place of the LLM answers from the gold annotation, through the whole of `llm_escalate`. That is
the most that any LLM could bring, for each policy and share. `local`: a real local LLM over HTTP.
A set is dev/NAME.jsonl as quality.py reads it; scores are strict micro F1 of `doc.ents`, averaged over the sets.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import spacy
from common import markdown, read_jsonl, write_json
from quality import CROSSNER, build, find_sets, predict, triples
from spacy.language import Language
from spacy.tokens import Doc

from spacy_tiered_ner.evaluation.metrics import StrictScore
from spacy_tiered_ner.llm.answers import NO_ENTITY
from spacy_tiered_ner.llm.clients.base import Reply
from spacy_tiered_ner.llm.ledger import summarize
from spacy_tiered_ner.llm.policy import Doubt
from spacy_tiered_ner.llm.prices import find_price
from spacy_tiered_ner.llm.strategy import Question
from spacy_tiered_ner.llm.windows import Item, Window

SHARES = [0.01, 0.02, 0.05, 0.1, 0.2]
CANDIDATES = 0.3
RANDOM_SEEDS = 3
HOSTED = [("openai", "gpt-5-mini"), ("anthropic", "claude-haiku-4-5"), ("google", "gemini-2.5-flash")]
PREFIX = "spacy-tiered-ner."
BAND = {"@misc": f"{PREFIX}score_band_policy.v1", "low": 0.3, "high": 1.0}
MARGIN = {"@misc": f"{PREFIX}margin_policy.v1", "margin": 1.0}
CONFLICT = {"@misc": f"{PREFIX}conflict_policy.v1"}
POLICIES: dict[str, dict[str, Any]] = {
    "default": {},
    "score band": BAND,
    "margin": MARGIN,
    "conflict": CONFLICT,
    "all three": {"@misc": f"{PREFIX}any_policy.v1", "*": {"a": BAND, "b": MARGIN, "c": CONFLICT}},
    "random": {"@misc": "benchmark.random_policy.v1"},
}


@dataclass
class Data:
    """A set: its texts as `gliner_ner` left them, in bytes, and their gold."""

    docs: list[bytes]
    gold: dict[str, set[tuple[int, int, str]]]


class Oracle:
    """A client that knows the answer: the gold span with the item's borders, or else the one that overlaps it most."""

    provider, model, parallel, max_output_tokens = "benchmark", "oracle", False, 0
    gold: dict[str, set[tuple[int, int, str]]]

    def settings(self) -> dict[str, Any]:
        return {"model": self.model}

    def __call__(self, question: Question) -> Reply:
        window = question.window
        text = window.doc.text
        answer: dict[str, Any] = {item.id: self.verdict(window, item) for item in window.items}
        shown = [(window.doc[p.start].idx, p.offset + len(p.text)) for p in window.passages]
        answer["missing"] = [
            {"text": text[start:end], "label": label}
            for start, end, label in sorted(self.gold[text])
            if any(first <= start and end <= last for first, last in shown)
        ]
        return Reply(json.dumps(answer), 0, 0)

    def verdict(self, window: Window, item: Item) -> dict[str, Any]:
        span = window.doc[item.start : item.end]
        borders = (span.start_char, span.end_char)
        touching = [g for g in self.gold[window.doc.text] if g[0] < borders[1] and borders[0] < g[1]]
        if not touching:
            return {"label": NO_ENTITY, "text": None}
        best = max(touching, key=lambda g: (g[:2] == borders, min(g[1], borders[1]) - max(g[0], borders[0])))
        return {"label": best[2], "text": window.doc.text[best[0] : best[1]]}


@spacy.registry.misc("benchmark.oracle_client.v1")
def make_oracle() -> Oracle:
    return Oracle()


@spacy.registry.misc("benchmark.random_policy.v1")
def make_random_policy(seed: int = 0) -> Any:
    def at_random(doc: Doc, candidates: Any) -> Doubt:
        digest = hashlib.sha256(f"{seed} {doc.text}".encode()).digest()
        return Doubt(np.random.default_rng(int.from_bytes(digest[:8], "little")).random(len(candidates)))

    return at_random


def tier_1(paths: dict[str, Path], limit: int | None) -> Iterator[tuple[str, Data]]:
    nlp = build("starter", "auto", CANDIDATES)
    for name, path in paths.items():
        rows = read_jsonl(path)[:limit]
        gold = {row["text"]: {(s["start"], s["end"], s["label"]) for s in row["spans"]} for row in rows}
        print(f"{name}: {len(rows)} texts", file=sys.stderr)
        yield name, Data([doc.to_bytes() for doc in predict(nlp, rows)], gold)


def escalator(client: dict[str, Any], **settings: Any) -> Language:
    nlp = spacy.blank("en")
    config = {"client": client, **{key: value for key, value in settings.items() if value != {}}}
    nlp.add_pipe("llm_escalate", config=config)
    return nlp


def escalate(
    nlp: Language, data: dict[str, Data], batch_size: int = 100_000
) -> tuple[dict[str, float], dict[str, Any]]:
    """RETURNS (tuple): F1 of each set in percent, and the usage of the pipe."""
    pipe: Any = nlp.get_pipe("llm_escalate")
    scores = {}
    for name, part in data.items():
        if isinstance(pipe.client, Oracle):
            pipe.client.gold = part.gold
        docs = (Doc(nlp.vocab).from_bytes(content) for content in part.docs)
        score = StrictScore()
        for doc in pipe.pipe(docs, batch_size=batch_size):
            score.add(triples(list(doc.ents)), part.gold[doc.text])
        scores[name] = 100 * score.f1
    return scores, pipe.usage


def ceiling(data: dict[str, Data]) -> dict[str, Any]:
    """RETURNS (dict): By policy and share the mean F1 and the share of spans that was asked about."""
    oracle = {"@misc": "benchmark.oracle_client.v1"}
    base = mean(escalate(escalator(oracle, max_share=0.0), data)[0].values())
    results: dict[str, Any] = {"tier 1": base, "policies": {}}
    variants = {name: [(policy, {})] for name, policy in POLICIES.items()}
    variants["random"] = [({**POLICIES["random"], "seed": seed}, {}) for seed in range(RANDOM_SEEDS)]
    missing = {"@misc": f"{PREFIX}candidate_questions.v1", "missing": True}
    variants["all three, and missing entities"] = [(POLICIES["all three"], missing)]
    for name, runs in variants.items():
        rows = results["policies"][name] = {}
        for share in SHARES:
            done = [
                escalate(escalator(oracle, policy=policy, strategy=strategy, max_share=share), data)
                for policy, strategy in runs
            ]
            f1 = mean(mean(scores.values()) for scores, _ in done)
            asked = mean(used["asked"] / used["spans"] for _, used in done)
            rows[share] = {"f1": f1, "asked": asked}
        print(f"{name}: {rows}", file=sys.stderr)
    return results


def report_ceiling(results: dict[str, Any]) -> None:
    base = results["tier 1"]
    rows: list[list[Any]] = [["Tier 1 alone", *[base] * len(SHARES)]]
    for name, by_share in results["policies"].items():
        cells = []
        for share in SHARES:
            short = by_share[share]["asked"] < 0.95 * share
            cells.append(f"{by_share[share]['f1']:.1f}" + (f" ({by_share[share]['asked']:.1%})" if short else ""))
        rows.append([name, *cells])
    print(markdown(["F1 with an oracle, share of spans asked about", *(f"{share:.0%}" for share in SHARES)], rows))
    print("(In brackets: where the policy doubts fewer spans than the share allows.)")


def draw(results: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    colours = ["#0072B2", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#999999", "#E69F00"]  # Okabe and Ito
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for colour, (name, rows) in zip(colours, results["policies"].items(), strict=True):
        points = sorted((row["asked"] * 100, row["f1"]) for row in rows.values())
        style = "--" if name == "random" else "-"
        axes.plot(*zip((0, results["tier 1"]), *points, strict=True), style, color=colour, marker="o", label=name, ms=4)
    axes.set(xlabel="spans that the oracle is asked about, in percent", ylabel="strict F1 in percent")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160)


def local(data: dict[str, Data], args: argparse.Namespace) -> dict[str, Any]:
    """Ask a real LLM, and price its tokens as hosted models would."""
    from local_llm import serve_local_llm

    results = {}
    with nullcontext((args.url, args.model)) if args.url else serve_local_llm() as (url, model):
        client = {
            "@misc": f"{PREFIX}instructor_client.v1",
            "model": f"openai/{model}",
            "base_url": url,
            "timeout": 300.0,
        }
        client["max_output_tokens"] = 96
        for name in args.strategies:
            strategy: dict[str, Any] = {"@misc": f"{PREFIX}{name}.v1"}
            if name == "candidate_questions":
                strategy["borders"] = False
            settings = {"max_share": args.share, "context_sentences": 0, "max_spans": 4, "concurrency": 2}
            nlp = escalator(client, strategy=strategy, **settings)
            began = time.perf_counter()
            scores, used = escalate(nlp, data)
            results[name] = {"f1": scores, "seconds": time.perf_counter() - began, "usage": used}
            print(summarize(used), file=sys.stderr)
    results["tier 1"] = escalate(escalator({"@misc": "benchmark.oracle_client.v1"}, max_share=0.0), data)[0]
    return results


def report_local(results: dict[str, Any], share: float) -> None:
    base = results.pop("tier 1")
    rows = [["Tier 1 alone", mean(base.values()), *[""] * 5]]
    for name, found in results.items():
        used = found["usage"]
        counts = [used["asked"], used["calls"], used["input_tokens"], used["output_tokens"]]
        rows.append([name, mean(found["f1"].values()), *counts, found["seconds"]])
    print(markdown([f"{share:.0%} of spans asked about", "F1", "spans", "calls", "tokens in", "out", "seconds"], rows))
    for provider, model in HOSTED:
        price = find_price(provider, model, None)
        if price is not None:
            used = next(iter(results.values()))["usage"]
            cost = price(used["input_tokens"], used["output_tokens"])
            print(f"{provider}/{model} would have cost ${cost:.4f} for the same tokens ({price.source}).")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory with dev/*.jsonl")
    parser.add_argument("--sets", nargs="+", default=[], metavar="NAME", help="default: the CrossNER sets")
    parser.add_argument("--limit", type=int, help="only the first texts of each set")
    parser.add_argument("--parts", nargs="+", choices=["ceiling", "local"], default=["ceiling"])
    parser.add_argument("--share", type=float, default=0.1, help="of the spans, for `local`")
    strategies = ["candidate_questions", "label_questions"]
    parser.add_argument("--strategies", nargs="+", choices=strategies, default=strategies[:1], help="for `local`")
    parser.add_argument("--url", help="OpenAI-compatible server for `local`; default: serve a packaged model here")
    parser.add_argument("--model", default="local", help="its name for the model")
    parser.add_argument("--plot", type=Path, help="PNG file for the ceiling")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    paths = find_sets(args.data, args.sets)
    if not args.sets:
        paths = {name: path for name, path in paths.items() if name.startswith(CROSSNER)}
    data = dict(tier_1(paths, args.limit))
    results: dict[str, Any] = {}
    if "ceiling" in args.parts:
        results["ceiling"] = ceiling(data)
        report_ceiling(results["ceiling"])
        if args.plot:
            draw(results["ceiling"], args.plot)
    if "local" in args.parts:
        results["local"] = local(data, args)
        if args.out:
            write_json(args.out, results)
        report_local(results["local"], args.share)
    elif args.out:
        write_json(args.out, results)


if __name__ == "__main__":
    main()
