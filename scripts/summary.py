"""One table of what a run of the project measured: zero-shot, teacher and student on the test texts, review, cost."""

import argparse
import json
from pathlib import Path
from typing import Any

from wasabi import msg


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf8"))


def usage(path: Path) -> dict[str, Any]:
    """RETURNS (dict): What a teacher's file says it took, all texts together."""
    metas = [json.loads(line)["meta"] for line in path.read_text(encoding="utf8").splitlines()]
    costs = [meta["usage"]["cost"] for meta in metas]
    tokens = sum(meta["usage"]["input_tokens"] + meta["usage"]["output_tokens"] for meta in metas)
    return {
        "model": metas[0]["model"],
        "texts": len(metas),
        "calls": sum(meta["usage"]["calls"] for meta in metas),
        "tokens": tokens,
        "cost": None if None in costs else sum(costs),
        "first": min(meta["time"] for meta in metas),
        "last": max(meta["time"] for meta in metas),
    }


def summarize(metrics: Path, labels: Path) -> dict[str, Any]:
    student, zero_shot, review = (read(metrics / f"{name}.json") for name in ("student", "zero_shot", "review"))
    teacher = student["comparison"]
    labelled = usage(labels / "texts.jsonl")
    return {
        "test_documents": student["documents"],
        "zero_shot": {**zero_shot["strict"], "cost_per_1000_documents": zero_shot["cost_per_1000_documents"]},
        "teacher": {**teacher["strict"], "model": labelled["model"]},
        "student": {**student["strict"], "cost_per_1000_documents": student["cost_per_1000_documents"]},
        "student_minus_teacher": teacher["difference"],
        "labelled": labelled,
        "labelled_test": usage(labels / "test.jsonl"),
        "reviewed_share": review["reviewed_share"],
        "teacher_on_random_share": review["teacher"],
    }


def row(name: str, scores: dict[str, Any], cost: str) -> tuple[str, ...]:
    low, high = (f"{100 * bound:.1f}" for bound in scores["f1_interval"])
    figures = (f"{100 * scores[key]:.1f}" for key in ("precision", "recall", "f1"))
    return (name, *figures, f"{low} to {high}", cost)


def cpu(system: dict[str, Any]) -> str:
    return f"{system['cost_per_1000_documents']['cpu_seconds']:.1f} CPU s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("metrics", type=Path, help="directory with student.json, zero_shot.json, review.json")
    parser.add_argument("labels", type=Path, help="directory of the teacher's texts.jsonl and test.jsonl")
    args = parser.parse_args()
    found = summarize(args.metrics, args.labels)
    (args.metrics / "summary.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf8")
    labelled = found["labelled"]
    each = 1000 / labelled["texts"]
    money = "price not known" if labelled["cost"] is None else f"${labelled['cost'] * each:.2f}"
    cost = f"{labelled['calls'] * each:.0f} calls, {labelled['tokens'] * each:.0f} tokens, {money}"
    rows = [
        row("zero-shot", found["zero_shot"], cpu(found["zero_shot"])),
        row("teacher", found["teacher"], cost),
        row("student", found["student"], cpu(found["student"])),
    ]
    header = ("", "P", "R", "F1", "95 %", "per 1,000 texts")
    msg.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "r", "l"), max_col=60)
    difference = found["student_minus_teacher"]
    low, high = (100 * bound for bound in difference["f1_interval"])
    msg.text(f"Student minus teacher: {100 * difference['f1']:+.1f} ({low:+.1f} to {high:+.1f})")
    msg.text(f"Teacher: {labelled['model']}; {found['reviewed_share']:.0%} of {labelled['texts']} texts reviewed")


if __name__ == "__main__":
    main()
