"""Stands for a person who reviews reports of the demonstration: the answers are the generator's own annotations.

Texts of your own are for people to review; this refuses them.
"""

import argparse
import json
import sys
from pathlib import Path

from generate import generate, write_jsonl

REVIEWER, TIME = "simulated reviewer", "2026-01-05T09:00:00+00:00"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("review", type=Path, help="what `tiered review export --to jsonl` wrote")
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    gold = {row["text"]: row["spans"] for rows in generate().values() for row in rows}
    tasks = args.review / "tasks.jsonl"
    if not tasks.is_file():
        sys.exit(f"{tasks} is not there: set the variable review_tool to jsonl")
    rows = [json.loads(line) for line in tasks.read_text(encoding="utf8").splitlines()]
    unknown = [row["id"] for row in rows if row["text"] not in gold]
    if unknown:
        sys.exit(f"{len(unknown)} texts, such as {unknown[0]}, are not of the generator: review {args.review} yourself")
    reviewed = [{**row, "spans": gold[row["text"]], "reviewer": REVIEWER, "time": TIME} for row in rows]
    write_jsonl(args.output, reviewed)


if __name__ == "__main__":
    main()
