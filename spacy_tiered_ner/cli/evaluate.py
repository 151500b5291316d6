"""`python -m spacy tiered evaluate`."""

import json
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option
from wasabi import msg

from . import tiered

NAMES = {"cpu_seconds": "CPU seconds", "tokens": "tokens", "money": "dollars"}


@tiered.command("evaluate")
def evaluate_cli(
    pipeline: Annotated[str, Argument(help="Pipeline (name or directory), or an annotated file of its predictions")],
    data: Annotated[
        Path, Argument(help="Annotated .spacy, .jsonl, .jsonl.gz, passages, or a directory with such files")
    ],
    *,
    compare: Annotated[str | None, Option("--compare", "-c", help="Another pipeline or file to compare with")] = None,
    train: Annotated[Path | None, Option("--train", "-t", help="Training data, to score unseen entities apart")] = None,
    validation: Annotated[
        Path | None, Option("--validation", "-v", help="Annotated data to propose thresholds on; not the test data")
    ] = None,
    spans_key: Annotated[
        str | None, Option("--spans-key", "-k", help="Evaluate this span group, nested spans included; else doc.ents")
    ] = None,
    compare_spans_key: Annotated[
        str | None, Option("--compare-spans-key", help="Span group of the other pipeline, where it differs")
    ] = None,
    ask: Annotated[
        bool, Option("--ask", "-a", help="Have gliner_ner look for the labels of the data instead of its own")
    ] = False,
    output: Annotated[Path | None, Option("--output", "-o", help="HTML page to write")] = None,
    json_path: Annotated[Path | None, Option("--json", "-j", help="JSON file to write")] = None,
    seed: Annotated[int, Option("--seed", help="Seed of the intervals and of the significance test")] = 0,
) -> None:
    """Evaluate a pipeline: strict F1 with its interval, other schemes, types, confusion, unseen and hard entities,
    calibration, thresholds, cost, and a paired comparison.
    """
    from ..evaluation.gold import read_gold
    from ..evaluation.predictions import predict
    from ..evaluation.report import Task, evaluate
    from ..files import write_text

    try:
        texts = read_gold(data, spans_key)
        seen = read_gold(train, spans_key) if train else None
        validating = read_gold(validation, spans_key) if validation else None
        task = Task(data.name, texts, spans_key, seen, validating, seed)
        ours = predict(pipeline, texts, spans_key=spans_key, ask=ask)
        validated = predict(pipeline, validating, spans_key=spans_key, ask=ask) if validating else None
        other_key = compare_spans_key or spans_key
        other = predict(compare, texts, spans_key=other_key, ask=ask) if compare else None
        report = evaluate(task, ours, validated=validated, other=other)
        if output:
            from .evaluation_page import render_report

            write_text(output, render_report(report, task, ours))
        if json_path:
            write_text(json_path, json.dumps(report, indent=2) + "\n")
    except (ValueError, ImportError, OSError) as error:
        msg.fail("Evaluation failed", str(error), exits=1)
    print_report(report)
    for path in filter(None, (output, json_path)):
        msg.good(f"Wrote {path}")


def print_report(report: dict[str, Any]) -> None:
    for note in report["notes"]:
        msg.warn(note)
    rows = [("strict", *row(report["strict"]))]
    rows += [(name, *row(found)) for name, found in report["schemes"].items() if name != "strict"]
    rows += [(label, *row(found)) for label, found in report["per_type"].items()]
    rows += [(name, *row(found)) for name, found in report["strata"]["scores"].items()]
    header = ("", "P", "R", "F1", "95 % of F1", "gold")
    msg.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "r", "r"), max_col=50)
    if report["calibration"]:
        msg.text(f"Expected calibration error: {report['calibration']['error']:.3f}")
    if report["comparison"]:
        found = report["comparison"]["difference"]
        low, high = (f"{100 * bound:+.1f}" for bound in found["f1_interval"])
        name = report["comparison"]["name"]
        msg.text(f"F1 over {name}: {100 * found['f1']:+.1f} ({low} to {high}), p = {found['p_value']:.4f}")
    if report["thresholds"]:
        found = report["thresholds"]
        msg.text(f"Proposed thresholds{'' if found['helps'] else ' (no gain, keep the present ones)'}:")
        msg.table([(label, f"{value:.2f}") for label, value in found["proposed"].items()], aligns=("l", "r"))
    cost = report["cost_per_1000_documents"]
    known = {name: cost[name] for name in NAMES if cost[name] is not None}
    if known:
        msg.text("Per 1,000 documents: " + ", ".join(f"{value:.4g} {NAMES[name]}" for name, value in known.items()))


def row(found: dict[str, Any]) -> tuple[str, ...]:
    low_high = " to ".join(f"{100 * bound:.1f}" for bound in found["f1_interval"]) if "f1_interval" in found else ""
    return (*(f"{100 * found[key]:.1f}" for key in ("precision", "recall", "f1")), low_high, str(found["gold"]))
