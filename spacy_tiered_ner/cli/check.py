"""`python -m spacy tiered check`."""

import json
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option
from wasabi import msg

from . import tiered

SHOWN = 15
EVERY_SPAN = "gliner"
FILES = "Annotated .spacy, .jsonl, .jsonl.gz, passages, or a directory with such files"


@tiered.command("check")
def check_cli(
    train: Annotated[Path, Argument(help=FILES)],
    test: Annotated[Path, Argument(help=FILES)],
    *,
    dev: Annotated[Path | None, Option("--dev", "-d", help="Development data, for comparison with both")] = None,
    max_width: Annotated[int, Option("--max-width", "-w", min=1, help="Words of the model's widest span")] = 12,
    lang: Annotated[str, Option("--lang", "-l", help="Language of the tokenizer")] = "en",
    spans_key: Annotated[str, Option("--spans-key", "-k", help="Span group to read from .spacy files")] = EVERY_SPAN,
    json_path: Annotated[Path | None, Option("--json", "-j", help="JSON file to write")] = None,
) -> None:
    """Check data before training: texts in two splits, entities seen in training, rare labels, spans that are too wide,
    too few test documents, labels given unevenly.
    """
    from ..evaluation.gold import read_gold
    from ..files import write_text
    from ..teacher.checks import check_data

    try:
        paths = {"train": train, "dev": dev, "test": test}
        splits = {name: read_gold(path, spans_key) for name, path in paths.items() if path}
        report = check_data(splits, max_width=max_width, lang=lang)
        if json_path:
            write_text(json_path, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    except (ValueError, ImportError, OSError) as error:
        msg.fail("Check failed", str(error), exits=1)
    print_report(report)
    if json_path:
        msg.good(f"Wrote {json_path}")


def print_report(report: dict[str, Any]) -> None:
    splits = list(report["documents"])
    seen = report["seen"]["by_label"]
    rows: list[tuple] = [("documents", *report["documents"].values(), "", "")]
    for label, counts in report["labels"].items():
        share = f"{seen[label]['seen']} of {seen[label]['total']}" if label in seen else ""
        width = report["interval_per_label"].get(label)
        rows.append((label, *counts.values(), share, f"±{50 * width['width']:.1f}" if width else ""))
    total, width = report["seen"], report["interval"]["width"]
    rows.append(("all labels", *("" for _ in splits), f"{total['seen']} of {total['total']}", f"±{50 * width:.1f}"))
    header = ("", *splits, "test seen in train", "F1 of test")
    msg.table(rows, header=header, divider=True, aligns=("l", *("r" for _ in header[1:])), max_col=40)
    if report["uneven"]:
        msg.text("Labelled unevenly in train:")
        uneven = [
            (form["form"], ", ".join(f"{label}: {count}" for label, count in form["counts"].items()))
            for form in report["uneven"][:SHOWN]
        ]
        msg.table(uneven, max_col=70)
        if len(report["uneven"]) > SHOWN:
            msg.text(f"and {len(report['uneven']) - SHOWN} more surface forms (all with --json)")
    for finding in report["findings"]:
        msg.warn(finding)
    if not report["findings"]:
        msg.good("Nothing found that needs attention")
