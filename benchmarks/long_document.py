"""One very long document: is every word read, how long does it take, and how much memory beyond the Doc?"""

import argparse
import json
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path

from common import HERE, markdown, read_jsonl, write_json

MEASURE = """
import json, resource, sys, time
import spacy
path = sys.argv[1]
nlp = spacy.blank("en")
nlp.max_length = sys.maxsize
nlp.add_pipe("sentencizer")
pipe = nlp.add_pipe("gliner_ner")
nlp("Load the model.")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
doc = nlp.get_pipe("sentencizer")(nlp.make_doc(open(path, encoding="utf8").read()))
before = peak()
began = time.perf_counter()
pipe(doc)
seconds = time.perf_counter() - began
stats = {name: doc._.tiered_ner["gliner_ner"][name] for name in ("words", "windows", "coverage", "candidates")}
print(json.dumps({**stats, "seconds": seconds, "doc_mb": before, "more_mb": peak() - before}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, nargs="+", default=[3_000, 30_000, 300_000])
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    args = parser.parse_args()
    texts = [line["text"] for line in read_jsonl(HERE / "texts.jsonl")]
    results = []
    for count in args.words:
        words = islice((word for text in cycle(texts) for word in text.split()), count)
        path = HERE / "long_document.txt"
        path.write_text(" ".join(words), encoding="utf8")
        try:
            command = [sys.executable, "-c", MEASURE, str(path)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        finally:
            path.unlink()
        results.append(json.loads(done.stdout.splitlines()[-1]))
    columns = ["words", "windows", "coverage", "candidates", "seconds", "doc_mb", "more_mb"]
    header = ["words", "windows", "coverage", "candidates", "seconds", "process with Doc, MB", "more at the peak, MB"]
    print(markdown(header, [[row[name] for name in columns] for row in results]))
    if args.out:
        write_json(args.out, results)


if __name__ == "__main__":
    main()
