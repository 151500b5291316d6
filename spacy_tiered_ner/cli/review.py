"""`python -m spacy tiered review`."""

import json
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option, Typer
from wasabi import msg

from ..errors import Warnings
from . import tiered

review = Typer(name="review", help="Give labels to reviewers, and take their answers.", no_args_is_help=True)
tiered.add_typer(review, name="review")

TEACHER = "The teacher's labels, JSONL"
FORMATS = "label-studio, argilla or jsonl"
NAMES = ("precision", "recall", "f1")


@review.command("export")
def export_cli(
    labels: Annotated[Path, Argument(help=TEACHER)],
    directory: Annotated[Path, Argument(help="Directory to create, for the tool's files and the selection")],
    *,
    to: Annotated[str, Option("--to", help=FORMATS)] = "label-studio",
    count: Annotated[int, Option("--count", "-n", min=1, help="Texts to review")] = 100,
    random_share: Annotated[
        float, Option("--random-share", "-r", min=0, max=1, help="Of them, for an unbiased estimate of the teacher")
    ] = 0.3,
    guidelines: Annotated[
        Path | None, Option("--guidelines", "-g", help="YAML: what the labels mean, to show to reviewers")
    ] = None,
    lang: Annotated[str, Option("--lang", "-l", help="Language of the tokenizer")] = "en",
    seed: Annotated[int, Option("--seed", help="Seed of the random share")] = 0,
    force: Annotated[bool, Option("--force", "-F", help="Replace the files of an earlier export")] = False,
) -> None:
    """Choose texts for review: some at random, then the least certain, uneven and rare ones, in turn. Texts that have a
    review already are left out.
    """
    from collections import Counter

    from ..gliner.checks import check_option
    from ..teacher.files import read_guidelines
    from ..teacher.records import read_teacher
    from ..teacher.review.files import TOOLS, write_review
    from ..teacher.selection import select

    try:
        check_option("--to", to, TOOLS)
        records = read_teacher(labels)
        selection = select(records, count, random_share, seed, lang)
        meanings = read_guidelines(guidelines) if guidelines else {}
        files = write_review(directory, to, records, selection, guidelines=meanings, force=force)
    except (ValueError, OSError) as error:
        msg.fail("Export failed", str(error), exits=1)
    msg.table([*Counter(selection.values()).items(), ("all", len(selection))], aligns=("l", "r"))
    waiting = sum(not record.reviews for record in records)
    msg.text(f"Of {len(records)} texts {len(records) - waiting} have a review already")
    if len(selection) < min(count, waiting):
        msg.warn(
            f"Only {len(selection)} instead of {count}: no other text gives a reason. Raise --random-share for more."
        )
    for file in files:
        msg.good(f"Wrote {file}")


@review.command("import")
def import_cli(
    labels: Annotated[Path, Argument(help=TEACHER)],
    directory: Annotated[Path, Argument(help="Directory of the export, with selection.jsonl")],
    answers: Annotated[Path, Argument(help="What the tool gives back")],
    output: Annotated[Path, Argument(help="JSONL to write: all texts, with the decisions of reviewers as `spans`")],
    *,
    source: Annotated[str, Option("--from", help=FORMATS)] = "label-studio",
    json_path: Annotated[Path | None, Option("--json", "-j", help="JSON file for the report")] = None,
) -> None:
    """Merge the reviewers' answers. Reports how good the teacher is on the random share, and how reviewers agree."""
    from ..files import write_text
    from ..gliner.checks import check_option
    from ..teacher.records import read_teacher, write_rows
    from ..teacher.review.files import TOOLS, read_answers, read_selection
    from ..teacher.review.merge import merge

    try:
        check_option("--from", source, TOOLS)
        merged = merge(read_teacher(labels), read_selection(directory), read_answers(answers, source))
        write_rows(output, merged.rows)
        if json_path:
            write_text(json_path, json.dumps(merged.report, indent=2, ensure_ascii=False) + "\n")
    except (ValueError, OSError) as error:
        msg.fail("Import failed", str(error), exits=1)
    print_report(merged.report)
    for path in filter(None, (output, json_path)):
        msg.good(f"Wrote {path}")


def print_report(report: dict[str, Any]) -> None:
    from ..evaluation.bootstrap import FEWEST_DOCUMENTS

    rows = [
        ("texts given out", report["given_out"]),
        ("answered", report["answered"]),
        ("changed by reviewers", report["changed"]),
        ("without an answer, or deleted", report["missing"]),
        *(
            (f"answers {reason}" if not reason.startswith("spans") else reason, n)
            for reason, n in report["not_taken"].items()
        ),
        *((f"reviews by {reviewer or 'unknown'}", count) for reviewer, count in report["reviewers"].items()),
    ]
    msg.table(rows, aligns=("l", "r"), max_col=60)
    teacher = report["teacher"]
    if teacher:
        figures = [(name, f"{100 * teacher[name]:.1f}", between(teacher[f"{name}_interval"])) for name in NAMES]
        msg.text(f"The teacher on the random share ({teacher['documents']} texts):")
        msg.table(figures, header=("", "", "95 %"), aligns=("l", "r", "r"))
        if teacher["documents"] < FEWEST_DOCUMENTS:
            msg.warn(Warnings.W303.format(count=teacher["documents"], least=FEWEST_DOCUMENTS))
    else:
        msg.warn("No text of the random share has an answer, so the teacher's quality is not known")
    for pair in report["agreement"]:
        kappa = "" if pair["kappa"] is None else f"kappa {pair['kappa']:.2f}, "
        msg.text(f"{' and '.join(pair['reviewers'])} on {pair['documents']} texts: {kappa}F1 {100 * pair['f1']:.1f}")
    if report["lost"]:
        msg.warn(f"Spans fit nowhere in these texts, whose answers were left out: {', '.join(report['lost'])}")


def between(interval: list[float]) -> str:
    return " to ".join(f"{100 * bound:.1f}" for bound in interval)
