"""F1 after training on a few examples of a domain: `gliner` fine-tuned, and a transformer with spaCy's own heads.

One rule holds for all sizes and systems: nothing is held out and no checkpoint is chosen. A run on n examples makes
100 + n steps of 8 examples, a tenth of them to warm up, and what it ends with is tested. The examples of a size are
drawn with the seed of the run, the same for each system, and those of a smaller size are among those of a larger one.
"""

import argparse
import random
import sys
from pathlib import Path
from statistics import mean
from typing import Any

from common import markdown, write_json
from quality import find_sets
from train_runs import SYSTEMS, Task, add_arguments, evaluate, halved, load, scores, train, zero_shot

SIZES = [10, 50, 100, 250, 500]
FEWEST_STEPS, WARM_UP = 100, 0.1
# Okabe and Ito's colours, which the colour-blind can tell apart
STYLES = {
    "gliner": ("#0072B2", "o", "GLiNER fine-tuned"),
    "gliner-lora": ("#009E73", "s", "GLiNER, LoRA"),
    "gliner-frozen": ("#CC79A7", "D", "GLiNER, encoder frozen"),
    "transformer": ("#D55E00", "^", "transformer"),
}

Results = dict[str, Any]


def find_tasks(args: argparse.Namespace) -> list[Task]:
    """RETURNS (list): The halves of the chosen sets, or the two files."""
    if args.train:
        return [Task(args.test.name.split(".")[0], load(args.train), load(args.test))]
    return [halved(name, path) for name, path in find_sets(args.data, args.sets).items()]


def run_task(args: argparse.Namespace, task: Task) -> Results:
    """RETURNS (Results): `zero_shot`, and by system and size the scores of each run. A size beyond the texts there are
    stands for all of them.
    """
    base = evaluate(zero_shot(args.model), task.test, task.nested).counts
    results: Results = {"zero_shot": scores(base, base), "systems": {name: {} for name in args.systems}}
    for size in sorted({min(size, len(task.train)) for size in args.sizes}):
        for name in args.systems:
            runs = results["systems"][name][size] = []
            for seed in args.seeds:
                print(f"{task.name}, {name}, {size} examples, seed {seed}", file=sys.stderr)
                records = random.Random(seed).sample(task.train, len(task.train))[:size]
                steps = args.steps or FEWEST_STEPS + size
                overrides = {
                    "system.seed": seed,
                    "vars.max_steps": steps,
                    "training.eval_frequency": steps,
                    "training.patience": 0,
                    "training.optimizer.learn_rate.warmup_steps": max(1, round(WARM_UP * steps)),
                }
                trained = train(task, SYSTEMS[name], args, records, records[:1], "model-last", overrides)
                found = scores(evaluate(trained.nlp, task.test, task.nested).counts, base)
                runs.append({"seed": seed, **found, "train_seconds": trained.seconds, "steps": trained.steps})
    return results


def draw(results: dict[str, Results], path: Path) -> None:
    """A panel for each domain: mean F1 by number of examples, the spread of the runs as a band."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    size = (4.4 * len(results), 4.2)
    figure, panels = plt.subplots(1, len(results), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for panel, (name, found) in zip(panels[0], results.items(), strict=True):
        sizes = sorted({size for by_size in found["systems"].values() for size in by_size})
        for system, by_size in found["systems"].items():
            colour, marker, label = STYLES[system]
            values = [[run["f1"] for run in runs] for runs in by_size.values()]
            low, middle, high = (list(map(of, values)) for of in (min, mean, max))
            panel.plot(list(by_size), middle, color=colour, marker=marker, label=label)
            panel.fill_between(list(by_size), low, high, color=colour, alpha=0.2, lw=0)
        panel.axhline(found["zero_shot"]["f1"], color="#444444", ls="--", lw=1.2, label="GLiNER zero-shot")
        panel.set_xscale("log")
        panel.set_xticks(sizes, list(map(str, sizes)))
        panel.minorticks_off()
        panel.set(title=name.replace("_", " "), xlabel="training examples", ylim=(0, 100))
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("strict F1 in percent")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 2 * len(results)), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=200)


def report(results: dict[str, Results]) -> None:
    sizes = sorted({size for found in results.values() for by_size in found["systems"].values() for size in by_size})
    rows = []
    for name, found in results.items():
        rows.append([name, "zero-shot", *[found["zero_shot"]["f1"]] * len(sizes)])
        for system, by_size in found["systems"].items():
            rows.append([name, system, *(spread(by_size.get(size, [])) for size in sizes)])
    print(markdown(["F1: mean (least to most)", "system", *map(str, sizes)], rows))


def spread(runs: list[dict[str, Any]]) -> str:
    values = [run["f1"] for run in runs]
    return f"{mean(values):.1f} ({min(values):.1f} to {max(values):.1f})" if values else ""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="directory with dev/*.jsonl: half of each set to train on")
    parser.add_argument("--sets", nargs="+", default=[], metavar="NAME", help="default: all")
    parser.add_argument("--train", type=Path, help="instead: a file to train on (JSONL, plain or gzipped) and")
    parser.add_argument("--test", type=Path, help="a file to test on")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="numbers of examples")
    parser.add_argument("--steps", type=int, help=f"of every run; default: {FEWEST_STEPS} and one an example")
    parser.add_argument("--plot", type=Path, help="PNG file for the curves")
    add_arguments(parser, seeds=3)
    args = parser.parse_args()
    if bool(args.train) != bool(args.test) or bool(args.train) == bool(args.data):
        parser.error("name either --data or both --train and --test")
    return args


def main() -> None:
    args = parse_args()
    results = {}
    for task in find_tasks(args):
        results[task.name] = run_task(args, task)
        if args.out:
            write_json(args.out, results)
        if args.plot:
            draw(results, args.plot)
    report(results)


if __name__ == "__main__":
    main()
