"""Speed of gliner_ner beside the other GLiNER runtimes: same weights, texts, labels and threshold, one run.

Every runner lives in a process of its own (runners.py), and the rounds go round all of them in turn, so that no
library's threads disturb another's and a busy moment of the machine hits all alike.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from common import HERE, markdown, read_jsonl, write_json

from spacy_tiered_ner.gliner.source import STARTER

LABELS = ["person", "organization", "location", "date", "product", "event", "money", "law"]
OURS = ["ours-int8", "raw-session", "ours-fp32"]
PEERS = ["gliner-torch", "gliner-onnx-fp32", "gliner-onnx-int8", "gliner-spacy", "fast-gliner-fp32", "fast-gliner-int8"]
TIMES_FASTER = {"gliner-spacy": 8.0, "gliner-torch": 5.0, "gliner-onnx-int8": 2.0, "fast-gliner-int8": 2.8}
OVERHEAD, FIRST_DOC_SECONDS, PEAK_MB = 15.0, 2.0, 500.0
REFERENCE = "gliner-torch"
FIRST_DOC = """
import json, resource, sys, time
config, texts, hidden = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(hidden))
import spacy
nlp = spacy.blank("en")
nlp.add_pipe("gliner_ner", config=config)
nlp(texts[0])
first = time.time()
for doc in nlp.pipe(texts):
    pass
print(json.dumps({"first": first, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""

Times = dict[str, dict[str, list[float]]]
Starts = dict[str, dict[str, float]]


class Runner:
    """A child process that is ready to run rounds, or the problem that kept it from that."""

    def __init__(self, name: str, python: str, job: dict[str, Any]):
        self.name = name
        command = [python, str(HERE / "runners.py"), json.dumps({**job, "runner": name})]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = self.answer()
        self.problem: str | None = self.ready.get("problem")

    def answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"problem": f"ended with exit code {self.process.wait()}"}

    def round(self, setting: str) -> float:
        """RETURNS (float): Seconds for all texts."""
        self.process.stdin.write(setting + "\n")
        self.process.stdin.flush()
        answer = self.answer()
        if "problem" in answer:
            raise SystemExit(f"{self.name}, {setting}: {answer['problem']}")
        return answer["seconds"]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def export_ours(model: Path, out: Path, precision: str) -> Path:
    """RETURNS (Path): The directory that `spacy tiered export` made."""
    if not out.exists():
        command = [sys.executable, "-m", "spacy", "tiered", "export", str(model), str(out), "--precision", precision]
        subprocess.run(command, check=True, stdout=sys.stderr)
    return out


def measure(runners: list[Runner], rounds: int) -> Times:
    """RETURNS (Times): Seconds of each round, by runner and setting."""
    times: Times = {runner.name: {setting: [] for setting in runner.ready["settings"]} for runner in runners}
    for number in range(rounds):
        for runner in runners:
            for setting, seconds in times[runner.name].items():
                seconds.append(runner.round(setting))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return times


def first_doc(config: dict[str, Any], texts: list[str], hidden: list[str], rounds: int = 3) -> dict[str, float]:
    """Start a process of its own for one pipeline.

    hidden (list): Modules that cannot be imported there.
    RETURNS (dict): Median seconds from the start of Python to the first document, and the highest peak in MB.
    """
    command = [sys.executable, "-c", FIRST_DOC, json.dumps([config, texts, hidden])]
    seconds, peaks = [], []
    for _ in range(rounds):
        began = time.time()
        done = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        seconds.append(done["first"] - began)
        peaks.append(done["peak"] / (1 << 20 if sys.platform == "darwin" else 1 << 10))
    return {"seconds": statistics.median(seconds), "peak_mb": max(peaks)}


def agreement(runners: list[Runner]) -> dict[str, dict[str, float | None]]:
    """RETURNS (dict): By runner, the entities found, and the percentage of the reference's that are among them."""
    found = {}
    for runner in runners:
        by_text = next(iter(runner.ready["spans"].values()))
        if runner.name != "raw-session":
            found[runner.name] = {(i, *span) for i, spans in enumerate(by_text) for span in spans}
    wanted = found.get(REFERENCE)
    shares = {name: 100 * len(spans & wanted) / len(wanted) if wanted else None for name, spans in found.items()}
    return {name: {"entities": len(spans), "equal_percent": shares[name]} for name, spans in found.items()}


def targets(best: dict[str, float], times: Times, start: Starts) -> list[list[str]]:
    """RETURNS (list): Rows of name, wanted, measured, "yes" or "no"."""
    rows = []
    for peer, factor in TIMES_FASTER.items():
        if peer in best and "ours-int8" in best:
            faster = best["ours-int8"] / best[peer]
            rows.append([f"faster than {peer}", f">= {factor}x", f"{faster:.2f}x", yes_no(faster >= factor)])
        else:
            rows.append([f"faster than {peer}", f">= {factor}x", "not measured", "-"])
    if "raw-session" in times and "ours-int8" in times:
        pipe = statistics.median(times["ours-int8"]["nlp.pipe"])
        over = 100 * (pipe / statistics.median(times["raw-session"]["session.run"]) - 1)
        rows.append(["nlp.pipe over session.run", f"<= {OVERHEAD} %", f"{over:.1f} %", yes_no(over <= OVERHEAD)])
    for where, found in start.items():
        seconds, peak = found["seconds"], found["peak_mb"]
        reached = yes_no(seconds < FIRST_DOC_SECONDS)
        rows.append([f"first doc, {where}", f"< {FIRST_DOC_SECONDS} s", f"{seconds:.2f} s", reached])
        rows.append([f"peak memory, {where}", f"< {PEAK_MB} MB", f"{peak:.0f} MB", yes_no(peak < PEAK_MB)])
    return rows


def yes_no(holds: bool) -> str:
    return "yes" if holds else "no"


def machine() -> dict[str, Any]:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf8").splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=STARTER, help="directory with torch weights in gliner's format")
    parser.add_argument("--onnx", type=Path, help="directory with our model.onnx and model_int8.onnx of these weights")
    parser.add_argument("--texts", type=Path, default=HERE / "texts.jsonl", help='JSONL with "text"')
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=cores(), help="threads of every runtime; default: all cores")
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS, metavar="NAME", help=" ".join(PEERS))
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter of the peers' environment")
    parser.add_argument("--exports", type=Path, help="directory to keep exports in and take them from")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if "gliner-spacy" in {dist.name for dist in distributions()}:
        print("gliner-spacy is installed here: every spacy.blank imports it with torch. See README.md", file=sys.stderr)
    with tempfile.TemporaryDirectory() as temporary:
        run(args, args.exports or Path(temporary))


def run(args: argparse.Namespace, exports: Path) -> None:
    pins = (HERE / "requirements.txt").read_text(encoding="utf8").split()
    job: dict[str, Any] = {
        "model": str(args.model),
        "onnx": {p: str(args.onnx or export_ours(args.model, exports / p, p)) for p in ("int8", "fp32")},
        "exported": str(exports / "gliner"),
        "texts": str(args.texts),
        "labels": LABELS,
        "threshold": args.threshold,
        "threads": args.threads,
        "pins": {pin.split("==")[0]: pin for pin in pins},
    }
    texts = [line["text"] for line in read_jsonl(args.texts)]
    config = {"model": job["onnx"]["int8"], "precision": "int8", "labels": LABELS, "threshold": args.threshold}
    start = {"plain install": first_doc({**config, "threads": args.threads}, texts, ["torch"])}
    if find_spec("torch"):  # which spaCy imports wherever it finds it
        start["with torch installed"] = first_doc({**config, "threads": args.threads}, texts, [])
    if any("onnx" in peer or "fast" in peer for peer in args.peers) and not (exports / "gliner").exists():
        Runner("export", args.peer_python, job).close()
    runners = []
    for name in [*OURS, *args.peers]:
        runners.append(Runner(name, sys.executable if name in OURS else args.peer_python, job))
        print(f"{name}: {runners[-1].problem or 'ready'}", file=sys.stderr)
    ready = [runner for runner in runners if not runner.problem]
    times = measure(ready, args.rounds)
    for runner in runners:
        runner.close()
    report(args, texts, runners, times, start)


def report(args: argparse.Namespace, texts: list[str], runners: list[Runner], times: Times, start: Starts) -> None:
    """Print the tables and write the JSON file."""
    medians = {name: {s: len(texts) / statistics.median(sec) for s, sec in by.items()} for name, by in times.items()}
    best = {name: max(by.values()) for name, by in medians.items()}
    rows: list[list[Any]] = []
    for runner in runners:
        for setting, seconds in times.get(runner.name, {}).items():
            rate = medians[runner.name][setting]
            spread = f"{len(texts) / max(seconds):.1f}-{len(texts) / min(seconds):.1f}"
            ratio = f"{best['ours-int8'] / rate:.2f}x" if "ours-int8" in best else "-"
            rows.append([runner.name, setting, rate, spread, ratio])
    ready = [runner for runner in runners if not runner.problem]
    same = agreement(ready)
    words = sum(len(text.split()) for text in texts) / len(texts)
    reached = targets(best, times, start)
    about = {**machine(), "threads": args.threads, "rounds": args.rounds, "texts": len(texts), "words_a_text": words}
    print(f"\n{', '.join(f'{key} {value}' for key, value in about.items())}\n")
    print(markdown(["runner", "setting", "docs/s", "min-max", "ours-int8 is"], rows), "\n")
    for runner in runners:
        if runner.problem:
            print(f"{runner.name}: {runner.problem}\n")
    print(markdown(["target (best settings)", "wanted", "measured", "reached"], reached), "\n")
    shares = [[n, s["entities"], "-" if s["equal_percent"] is None else s["equal_percent"]] for n, s in same.items()]
    print(markdown(["agreement", "entities", f"% of {REFERENCE}'s found"], shares))
    if args.out:
        versions = {runner.name: runner.ready["versions"] for runner in ready}
        problems = {runner.name: runner.problem for runner in runners if runner.problem}
        data = {"machine": about, "labels": LABELS, "threshold": args.threshold, "docs_per_second": medians}
        data |= {"seconds": times, "start": start, "targets": reached, "agreement": same, "problems": problems}
        write_json(args.out, {**data, "versions": versions})


if __name__ == "__main__":
    main()
