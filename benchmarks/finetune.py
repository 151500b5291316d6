"""Fine-tuning against zero-shot and against a transformer with spaCy's own heads, on halves of annotated sets.

Each set is divided into halves; one is for tests alone, of the other a fifth is held out to choose the checkpoint.
`gliner` goes on from the model's weights, `transformer` (with `ner`, or `spancat` where spans are nested) from an
encoder, both through `spacy train` with the configs of this repository. Intervals are 95 % bootstrap intervals over the
documents of the test half, all seeds together. The trained weights are deleted.
"""

import argparse
import random
import sys
from pathlib import Path
from statistics import mean
from typing import Any

from common import markdown, write_json
from quality import CROSSNER, find_sets
from spacy.language import Language
from train_runs import (
    GLINER,
    SPLIT_SEED,
    SYSTEMS,
    System,
    Task,
    add_arguments,
    evaluate,
    halved,
    load,
    scores,
    train,
    zero_shot,
)

from spacy_tiered_ner.corpus import Record, split_docs

SETS = ["cybersecurity_cyner", "healthcare_bc5cdr", "nested_genia", "finance_sec", "crossner_politics"]
ZERO_SHOT = "zero-shot"
HELD_OUT = 0.2

Results = dict[str, dict[str, Any]]


def run_set(args: argparse.Namespace, task: Task, general: dict[str, list[Record]]) -> Results:
    """RETURNS (Results): By system, zero-shot first: scores, `runs`, and for gliner `general`, the F1 on those sets."""
    systems = {name: SYSTEMS[name] for name in args.systems}
    if general:
        share = {"components.gliner_ner.training.rehearsal": args.rehearsal}
        systems[f"gliner, rehearsal {args.rehearsal}"] = System(*GLINER, share)
    nlp = zero_shot(args.model)
    base = evaluate(nlp, task.test, task.nested)
    results = {ZERO_SHOT: {**scores(base.counts, base.counts), "general": general_f1(nlp, general), "runs": []}}
    records, dev = split_docs(task.train, HELD_OUT, SPLIT_SEED)
    given = {"vars.max_steps": args.max_steps, "vars.learn_rate": args.learn_rate}
    changed = {key: value for key, value in given.items() if value}
    for name, system in systems.items():
        counts, runs = 0, []
        for seed in args.seeds:
            print(f"{task.name}, {name}, seed {seed}", file=sys.stderr)
            trained = train(task, system, args, records, dev, "model-best", {"system.seed": seed, **changed})
            tested = evaluate(trained.nlp, task.test, task.nested)
            counts = counts + tested.counts
            run = {"seed": seed, **scores(tested.counts, base.counts), "train_seconds": trained.seconds}
            run |= {"steps": trained.steps, "train_docs_per_second": trained.docs_per_second}
            run["predict_docs_per_second"] = tested.docs_per_second
            run["general"] = general_f1(trained.nlp, general) if system.is_gliner else {}
            runs.append(run)
        means = {key: mean(run["general"][key] for run in runs) for key in runs[0]["general"]}
        results[name] = {**scores(counts, base.counts), "general": means, "runs": runs}
    return results


def general_sets(args: argparse.Namespace) -> dict[str, list[Record]]:
    """RETURNS (dict): Some documents of each CrossNER set, but for the one that is trained on."""
    sets = {}
    for name, path in find_sets(args.data, []).items():
        if name.startswith(CROSSNER) and name != args.forgetting:
            records = load(path)
            sets[name] = random.Random(SPLIT_SEED).sample(records, min(args.forgetting_docs, len(records)))
    return sets


def general_f1(nlp: Language, sets: dict[str, list[Record]]) -> dict[str, float]:
    """RETURNS (dict): F1 by set, and their `average`; empty without sets."""
    counts = {name: evaluate(nlp, records, nested=False).counts for name, records in sets.items()}
    by_set = {name: scores(found, found)["f1"] for name, found in counts.items()}
    return {**by_set, "average": mean(by_set.values())} if by_set else {}


def report(results: dict[str, Results], forgetting: str) -> None:
    timed = {"train_seconds": "train s", "steps": "steps", "train_docs_per_second": "docs/s"}
    timed["predict_docs_per_second"] = "predict docs/s"
    header = ["system", "P", "R", "F1", "95 %", "over zero-shot", "95 %", *timed.values()]
    for name, by_system in results.items():
        rows = []
        for system, found in by_system.items():
            row = [system, found["p"], found["r"], found["f1"], interval(found["f1_interval"])]
            row += [found["difference"], interval(found["difference_interval"])] if found["runs"] else [""] * 2
            rows.append([*row, *(mean(run[key] for run in found["runs"]) if found["runs"] else "" for key in timed)])
        print(f"\n{name}\n\n{markdown(header, rows)}")
    remembered = {s: f for s, f in results.get(forgetting, {}).items() if f["general"]}
    if remembered:
        before = remembered[ZERO_SHOT]["general"]["average"]
        rows = [[s, f["f1"], f["general"]["average"], f["general"]["average"] - before] for s, f in remembered.items()]
        print("\n" + markdown([f"trained on {forgetting}", "F1 there", "F1 on CrossNER", "change"], rows))


def interval(bounds: list[float]) -> str:
    return " to ".join(f"{bound:.1f}" for bound in bounds)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory with dev/*.jsonl")
    parser.add_argument("--sets", nargs="+", default=SETS, metavar="NAME", help=" ".join(SETS))
    parser.add_argument("--max-steps", type=int, help="instead of those in the configs")
    parser.add_argument("--learn-rate", type=float, help="instead of those in the configs")
    help_text = "the set after which CrossNER is asked again, the other one without and with rehearsal"
    parser.add_argument("--forgetting", default=SETS[0], metavar="NAME", help=help_text)
    parser.add_argument("--forgetting-docs", type=int, default=100, help="texts of each CrossNER set")
    parser.add_argument("--rehearsal", type=float, default=0.3, help="share of general examples")
    add_arguments(parser, seeds=1)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    results = {}
    for name, path in find_sets(args.data, args.sets).items():
        general = general_sets(args) if name == args.forgetting else {}
        results[name] = run_set(args, halved(name, path), general)
        report({name: results[name]}, args.forgetting)
        if args.out:
            write_json(args.out, results)


if __name__ == "__main__":
    main()
