"""pii_redactor and Presidio on the same texts, in turn: what leaks, what is redacted for nothing, how fast.

Two sets: DIR/dev/pii_presidio.jsonl (text, spans with start, end, label), and texts that pii_generator.py writes.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import spacy
from common import HERE, markdown, read_jsonl, write_json
from pii_generator import generate
from pii_scores import PiiScore, Span

SET = "pii_presidio"
WARM_UP = 8

# From each system's labels to the types of each set, the usual one first.
OURS_PRESIDIO: dict[str, Sequence[str]] = {
    "PERSON": ["person"], "TITLE": ["honorific title"], "ORGANIZATION": ["organization"], "LOCATION": ["location"],
    "ADDRESS": ["street address"], "ZIP_CODE": ["zip code"], "NATIONALITY": ["nationality"], "AGE": ["age"],
    "DATE": ["date or time"], "TIME": ["date or time"], "DATE_OF_BIRTH": ["date or time"], "EMAIL": ["email address"],
    "PHONE": ["phone number"], "CREDIT_CARD": ["credit card number"], "IBAN": ["iban"], "IP_ADDRESS": ["ip address"],
    "DOMAIN": ["domain name"], "URL": ["domain name"], "DRIVER_LICENSE": ["driver's license number"],
    "SSN": ["social security number"],
}  # fmt: skip
PEER_PRESIDIO: dict[str, Sequence[str]] = {
    "PERSON": ["person"], "LOCATION": ["location", "street address", "zip code"], "NRP": ["nationality"],
    "DATE_TIME": ["date or time", "age"], "EMAIL_ADDRESS": ["email address"], "PHONE_NUMBER": ["phone number"],
    "CREDIT_CARD": ["credit card number"], "IBAN_CODE": ["iban"], "IP_ADDRESS": ["ip address"], "URL": ["domain name"],
    "US_DRIVER_LICENSE": ["driver's license number"], "US_SSN": ["social security number"],
    "ORGANIZATION": ["organization"],
}  # fmt: skip
OURS_GENERATED: dict[str, Sequence[str]] = {
    "DATE": ["DATE", "DATE_OF_BIRTH", "TIME"],
    "DATE_OF_BIRTH": ["DATE_OF_BIRTH", "DATE"], "SSN": ["SSN", "NATIONAL_ID"],
    "NATIONAL_ID": ["NATIONAL_ID", "SSN"],
}  # fmt: skip
PEER_GENERATED: dict[str, Sequence[str]] = {
    "PERSON": ["PERSON"], "LOCATION": ["LOCATION", "ADDRESS", "ZIP_CODE"], "NRP": ["NATIONALITY"],
    "DATE_TIME": ["DATE", "DATE_OF_BIRTH", "TIME", "AGE"], "EMAIL_ADDRESS": ["EMAIL"], "PHONE_NUMBER": ["PHONE"],
    "CREDIT_CARD": ["CREDIT_CARD"], "IBAN_CODE": ["IBAN"], "IP_ADDRESS": ["IP_ADDRESS"], "URL": ["URL", "DOMAIN"],
    "US_DRIVER_LICENSE": ["DRIVER_LICENSE"], "US_SSN": ["SSN"], "US_PASSPORT": ["PASSPORT"], "CRYPTO": ["CRYPTO"],
    "US_BANK_NUMBER": ["BANK_ACCOUNT"], "US_ITIN": ["NATIONAL_ID"], "UK_NHS": ["NATIONAL_ID"],
    "UK_NINO": ["NATIONAL_ID"],
    "ORGANIZATION": ["ORGANIZATION"], "MAC_ADDRESS": ["MAC_ADDRESS"], "MEDICAL_LICENSE": ["MEDICAL_RECORD"],
}  # fmt: skip


Found = list[list[tuple[int, int, str, float]]]
Seconds = tuple[float, float]  # of the clock, of the processors


class Ours:
    """The redactor with its default settings: everything that `nlp.pipe` does, the redacted text included."""

    def __init__(self) -> None:
        self.nlp = spacy.blank("en")
        self.nlp.add_pipe("pii_redactor")

    def __call__(self, texts: Sequence[str]) -> tuple[Seconds, Found]:
        began, worked = time.perf_counter(), time.process_time()
        docs = list(self.nlp.pipe(texts))
        seconds = time.perf_counter() - began, time.process_time() - worked
        find = self.nlp.get_pipe("pii_redactor").detectors
        found = [detection.findings for _, detection in find.stream(docs, 128)]
        return seconds, [[(f.start, f.end, f.label, f.score) for f in findings] for findings in found]


class Peer:
    def __init__(self, python: str):
        command = [python, str(HERE / "pii_peer.py")]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf8"
        )
        self.versions = self._answer()

    def _answer(self) -> Any:
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            print(f"The peer ended ({self.process.wait()}); does --peer-python have Presidio?", file=sys.stderr)
            raise SystemExit(2)
        return json.loads(line)

    def __call__(self, texts: Sequence[str]) -> tuple[Seconds, Found]:
        assert self.process.stdin
        print(json.dumps(texts), file=self.process.stdin, flush=True)
        answer = self._answer()
        return answer["seconds"], answer["spans"]

    def close(self) -> None:
        self.process.communicate()


def measure(
    systems: Mapping[str, Any], texts: list[str], rounds: int
) -> tuple[dict[str, list[Seconds]], dict[str, Any]]:
    """RETURNS (tuple): Seconds of each round, and what was found, by system. The rounds go round the systems."""
    seconds: dict[str, list[Seconds]] = {name: [] for name in systems}
    found: dict[str, Any] = {}
    for system in systems.values():
        system(texts[:WARM_UP])
    for _ in range(rounds):
        for name, system in systems.items():
            took, found[name] = system(texts)
            seconds[name].append(took)
    return seconds, found


def scored(rows: list[dict[str, Any]], found: list, types: Mapping[str, Sequence[str]], least: float) -> PiiScore:
    score = PiiScore(types)
    for row, spans in zip(rows, found, strict=True):
        gold: list[Span] = [(span["start"], span["end"], span["label"]) for span in row["spans"]]
        score.add(row["text"], [(a, b, label) for a, b, label, value in spans if value >= least], gold)
    return score


def report(name: str, scores: dict[str, PiiScore], speed: dict[str, list[float]], count: int) -> dict[str, Any]:
    first = next(iter(scores.values()))
    types = sorted(first.gold)
    print(f"\n{name}: {count} texts\n")
    header = ["", "strict F1", "partial F2", "leaked characters, %", "over-redacted, %", "docs/s", "docs per CPU s"]
    rows = []
    for system, score in scores.items():
        row = score.row(types)
        rows.append(
            [
                system,
                row["strict F1"],
                row["partial F2"],
                row["leaked"],
                score.over_redacted,
                *speed.get(system, ["", ""]),
            ]
        )
    print(markdown(header, rows))
    header = ["type", "spans"] + [f"{what}, {system}" for what in ("F1", "F2", "leaked") for system in scores]
    rows = []
    for kind in types:
        of = [score.row([kind]) for score in scores.values()]
        cells = [row[what] for what in ("strict F1", "partial F2", "leaked") for row in of]
        rows.append([kind, of[0]["spans"], *cells])
    print("\n" + markdown(header, rows))
    by_type = {s: {kind: score.row([kind]) for kind in types} for s, score in scores.items()}
    overall = {s: {**score.row(types), "over-redacted": score.over_redacted} for s, score in scores.items()}
    return {"texts": count, "overall": overall, "docs/s, docs per CPU s": speed, "by type": by_type}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help=f"directory with dev/{SET}.jsonl; without it, generated texts only")
    parser.add_argument("--generated", type=int, default=1000, help="generated texts; 0 for none")
    parser.add_argument("--seed", type=int, default=2026, help="of the generator")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-python", help="interpreter that has presidio-analyzer and en_core_web_sm")
    parser.add_argument("--peer-threshold", type=float, default=0.35, help="Presidio is also scored with this one")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    systems: dict[str, Any] = {"pii_redactor": Ours()}
    if args.peer_python:
        systems["Presidio"] = Peer(args.peer_python)
    sets = {}
    if args.data:
        sets[SET] = (read_jsonl(args.data / "dev" / f"{SET}.jsonl"), OURS_PRESIDIO, PEER_PRESIDIO)
    if args.generated:
        rows = list(generate(args.generated, args.seed))
        same = {span["label"]: [span["label"]] for row in rows for span in row["spans"]}
        sets["generated"] = (rows, {**same, **OURS_GENERATED}, PEER_GENERATED)
    results = {}
    for name, (rows, ours, theirs) in sets.items():
        seconds, found = measure(systems, [row["text"] for row in rows], args.rounds)
        scores = {"pii_redactor": scored(rows, found["pii_redactor"], ours, 0.0)}
        if "Presidio" in systems:
            scores["Presidio"] = scored(rows, found["Presidio"], theirs, 0.0)
            scores[f"Presidio, scores from {args.peer_threshold}"] = scored(
                rows, found["Presidio"], theirs, args.peer_threshold
            )
        speed = {
            system: [len(rows) / median(times) for times in zip(*rounds, strict=True)]
            for system, rounds in seconds.items()
        }
        results[name] = report(name, scores, speed, len(rows))
    if "Presidio" in systems:
        print(f"\nPresidio: {systems['Presidio'].versions}")
        systems["Presidio"].close()
    if args.out:
        write_json(args.out, results)


if __name__ == "__main__":
    main()
