"""Strict entity-level micro F1 of gliner_ner on annotated data sets.

A set is dev/NAME.jsonl with a line for each text: text, spans (start, end, label) and labels, the list to ask for.
Sets named nested_* score every candidate above the threshold, the others the flat `doc.ents`.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import spacy
from common import markdown, read_jsonl, write_json
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_tiered_ner.evaluation.metrics import StrictScore
from spacy_tiered_ner.spans import flat

SWEEP = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
CANDIDATES = 0.05
CROSSNER, NESTED = "crossner_", "nested_"

Scores = dict[float, StrictScore]


def find_sets(data: Path, chosen: list[str]) -> dict[str, Path]:
    """RETURNS (dict): The files of the chosen sets, or of all, by name. Ends the program with code 2 without them."""
    files = {path.stem: path for path in sorted((data / "dev").glob("*.jsonl"))}
    missing = [name for name in chosen if name not in files]
    if not files or missing:
        what = f"set {', '.join(missing)}" if files else "data set"
        print(f"No {what} in {data / 'dev'} (NAME.jsonl): name the directory with --data", file=sys.stderr)
        raise SystemExit(2)
    return {name: path for name, path in files.items() if not chosen or name in chosen}


def build(model: str, precision: str, candidate_threshold: float) -> Language:
    nlp = spacy.blank("en")
    config = {"model": model, "precision": precision, "candidate_threshold": candidate_threshold}
    nlp.add_pipe("gliner_ner", config=config)
    return nlp


def predict(nlp: Language, rows: list[dict[str, Any]]) -> Iterator[Doc]:
    """Run a set in order, each text with its own labels where they differ."""
    pipe = nlp.get_pipe("gliner_ner")
    pipe.labels = rows[0]["labels"]
    docs = [nlp.make_doc(row["text"]) for row in rows]
    for doc, row in zip(docs, rows, strict=True):
        if row["labels"] != rows[0]["labels"]:
            doc._.gliner_labels = row["labels"]
    return nlp.pipe(docs)


def triples(spans: list[Span]) -> set[tuple[int, int, str]]:
    return {(span.start_char, span.end_char, span.label_) for span in spans}


def evaluate(nlp: Language, rows: list[dict[str, Any]], thresholds: list[float], nested: bool) -> Scores:
    """Score one prediction pass at all thresholds. The flat spans are chosen as the component chooses `doc.ents`."""
    key = nlp.get_pipe("gliner_ner").spans_key
    scores = {threshold: StrictScore() for threshold in thresholds}
    for doc, row in zip(predict(nlp, rows), rows, strict=True):
        gold = {(span["start"], span["end"], span["label"]) for span in row["spans"]}
        found = list(zip(doc.spans[key], doc.spans[key].attrs["scores"].tolist(), strict=True))
        for threshold, score in scores.items():
            above = [(span, value) for span, value in found if value > threshold]
            spans, values = [span for span, _ in above], [value for _, value in above]
            score.add(triples(spans if nested else flat(spans, values)), gold)
    return scores


def averaged(results: dict[str, Scores], thresholds: list[float]) -> dict[float, tuple[float, float, float]]:
    """RETURNS (dict): Mean P, R, F1 of the CrossNER domains by threshold; empty without any of them."""
    domains = [scores for name, scores in results.items() if name.startswith(CROSSNER)]
    columns = {t: zip(*(prf(scores[t]) for scores in domains), strict=True) for t in thresholds}
    return {t: tuple(map(mean, three)) for t, three in columns.items() if domains}


def prf(score: StrictScore) -> tuple[float, float, float]:
    return 100 * score.precision, 100 * score.recall, 100 * score.f1


def report(results: dict[str, Scores], thresholds: list[float]) -> None:
    """Print P, R and F1 at the first threshold, and where there are more, F1 at each."""
    columns = sorted(thresholds)
    mean_of = averaged(results, thresholds)
    order = sorted(results, key=lambda name: not name.startswith(CROSSNER))
    tables: dict[str, list[list[Any]]] = {"prf": [], "sweep": []}
    for i, name in enumerate(order):
        scores = results[name]
        tables["prf"].append([name, *prf(scores[thresholds[0]]), scores[thresholds[0]].gold])
        tables["sweep"].append([name, *(prf(scores[t])[2] for t in columns)])
        last_domain = name.startswith(CROSSNER) and not any(n.startswith(CROSSNER) for n in order[i + 1 :])
        if last_domain:
            tables["prf"].append(["CrossNER average", *mean_of[thresholds[0]], ""])
            tables["sweep"].append(["CrossNER average", *(mean_of[t][2] for t in columns)])
    print(markdown([f"threshold {thresholds[0]}", "P", "R", "F1", "mentions"], tables["prf"]))
    if len(thresholds) > 1:
        print("\n" + markdown(["F1 at threshold", *map(str, columns)], tables["sweep"]))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory with dev/*.jsonl")
    parser.add_argument("--model", default="starter", help="as `model` of gliner_ner")
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "int8"])
    parser.add_argument("--threshold", type=float, action="append", help="may be repeated; default 0.5")
    parser.add_argument("--sweep", action="store_true", help=f"also at {', '.join(map(str, SWEEP))}")
    parser.add_argument("--sets", nargs="+", default=[], metavar="NAME", help="only these")
    parser.add_argument("--limit", type=int, help="only the first texts of each set")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    sets = find_sets(args.data, args.sets)
    thresholds = list(dict.fromkeys([*(args.threshold or [0.5]), *(SWEEP if args.sweep else [])]))
    nlp = build(args.model, args.precision, min(CANDIDATES, *thresholds))
    results = {}
    for name, path in sets.items():
        rows = read_jsonl(path)[: args.limit]
        results[name] = evaluate(nlp, rows, thresholds, name.startswith(NESTED))
        print(f"{name}: {len(rows)} texts", file=sys.stderr)
    report(results, thresholds)
    if args.out:
        average = {t: dict(zip("prf", values, strict=True)) for t, values in averaged(results, thresholds).items()}
        by_set = {n: {t: dict(zip("prf", prf(s), strict=True)) for t, s in by.items()} for n, by in results.items()}
        data = {"model": args.model, "precision": args.precision, "limit": args.limit, "sets": by_set}
        write_json(args.out, {**data, "crossner_average": average})


if __name__ == "__main__":
    main()
