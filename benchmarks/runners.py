"""The child process of speed.py: one runtime under measurement. Only its own runner's libraries are imported.

Started as `python runners.py JOB` with a JSON job. It answers in JSON lines on standard output: first what it is ready
with, then the seconds of one round for each setting named on a line of standard input.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from common import read_jsonl, write_json

BATCHES = (8, 16)
WARM_UP = 4
REPORTED = ("spacy-tiered-ner", "spacy", "onnxruntime", "numpy", "tokenizers", "torch", "transformers", "gliner")
FAST_GLINER_THRESHOLD = 0.5  # fixed in its Python API

Texts = list[str]
Settings = dict[str, Callable[[Texts], list[Any]]]


def blank(precision: str, job: dict) -> Any:
    """RETURNS (Language): The pipeline that is measured as ours."""
    import spacy

    nlp = spacy.blank("en")
    config = {"model": job["onnx"][precision], "precision": precision, "threads": job["threads"]}
    nlp.add_pipe("gliner_ner", config={**config, "labels": job["labels"], "threshold": job["threshold"]})
    return nlp


def ours(precision: str, job: dict) -> Settings:
    nlp = blank(precision, job)
    return {"nlp.pipe": lambda texts: list(nlp.pipe(texts)), "nlp(text)": lambda texts: [nlp(text) for text in texts]}


def raw_session(job: dict) -> Settings:
    """The graph alone, on the batches that the predictor builds, from as many threads as it uses."""
    nlp = blank("int8", job)
    engine = nlp.get_pipe("gliner_ner").predictor.engine
    build, batches = engine.inputs, []

    def recording(batch: Any, config: dict) -> dict:
        batches.append(build(batch, config))
        return batches[-1]

    engine.inputs = recording
    list(nlp.pipe(job["texts"]))
    run, workers = partial(engine.session.run, ["logits"]), ThreadPoolExecutor(job["threads"])

    def all_batches(texts: Texts) -> list[Any]:
        list(workers.map(run, batches))
        return []

    return {"session.run": all_batches}


def gliner_settings(model: Any, job: dict) -> Settings:
    labels, threshold = job["labels"], job["threshold"]
    settings: Settings = {
        "one by one": lambda texts: [model.predict_entities(text, labels, threshold=threshold) for text in texts]
    }
    for size in BATCHES:
        settings[f"batches of {size}"] = partial(model.inference, labels=labels, threshold=threshold, batch_size=size)
    return settings


def gliner_torch(job: dict) -> Settings:
    import torch
    from gliner import GLiNER

    torch.set_num_threads(job["threads"])
    return gliner_settings(GLiNER.from_pretrained(job["model"]), job)


def gliner_onnx(file: str, job: dict) -> Settings:
    import onnxruntime
    import torch
    from gliner import GLiNER

    torch.set_num_threads(job["threads"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    model = GLiNER.from_pretrained(
        job["exported"], runtime="onnxruntime", runtime_model_file=file, session_options=options
    )
    return gliner_settings(model, job)


def offline_copy(model: Path, out: Path) -> Path:
    """gliner-spacy has the tokenizer loaded from the hub by the encoder's name: let that name be the directory."""
    shutil.copytree(model, out, dirs_exist_ok=True)
    config = json.loads((out / "gliner_config.json").read_text(encoding="utf8"))
    write_json(out / "gliner_config.json", {**config, "model_name": str(out)})
    return out


def gliner_spacy(job: dict) -> Settings:
    """Its default cuts texts into pieces of 250 characters, so it is also measured with one piece a text."""
    import gliner_spacy.pipeline  # noqa: F401
    import spacy
    import torch

    torch.set_num_threads(job["threads"])
    model = offline_copy(Path(job["model"]), Path(job["exported"]).with_name("gliner-spacy"))
    settings: Settings = {}
    for name, chunk in (("default", 250), ("chunk_size 10000", 10_000)):
        nlp = spacy.blank("en")
        config = {"gliner_model": str(model), "labels": job["labels"], "threshold": job["threshold"]}
        nlp.add_pipe("gliner_spacy", config={**config, "chunk_size": chunk})
        settings[f"nlp(text), {name}"] = lambda texts, nlp=nlp: [nlp(text) for text in texts]
        settings[f"nlp.pipe, {name}"] = lambda texts, nlp=nlp: list(nlp.pipe(texts))
    return settings


def fast_gliner(file: str, job: dict) -> Settings:
    from fast_gliner import FastGLiNER

    if job["threshold"] != FAST_GLINER_THRESHOLD:
        raise ValueError(f"fast-gliner offers no other threshold than {FAST_GLINER_THRESHOLD}")
    model = FastGLiNER.from_pretrained(job["exported"], onnx_path=file, execution_provider="cpu")
    labels = job["labels"]

    def in_batches(size: int, texts: Texts) -> list[Any]:
        starts = range(0, len(texts), size)
        return [found for i in starts for found in model.predict_entities(texts[i : i + size], labels)]

    settings: Settings = {"one by one": lambda texts: [model.predict_entities(text, labels) for text in texts]}
    return settings | {f"batches of {size}": partial(in_batches, size) for size in BATCHES}


def export(job: dict) -> Settings:
    """Not a runner: writes the gliner library's own ONNX files, which its ONNX runtime and fast-gliner read."""
    from gliner import GLiNER

    GLiNER.from_pretrained(job["model"]).export_to_onnx(job["exported"], quantize=True)
    return {}


FP32, INT8 = "model.onnx", "model_quantized.onnx"
RUNNERS: dict[str, tuple[Callable[[dict], Settings], str]] = {
    "ours-int8": (partial(ours, "int8"), "spacy-tiered-ner"),
    "ours-fp32": (partial(ours, "fp32"), "spacy-tiered-ner"),
    "raw-session": (raw_session, "spacy-tiered-ner"),
    "gliner-torch": (gliner_torch, "gliner"),
    "gliner-onnx-fp32": (partial(gliner_onnx, FP32), "gliner"),
    "gliner-onnx-int8": (partial(gliner_onnx, INT8), "gliner"),
    "gliner-spacy": (gliner_spacy, "gliner-spacy"),
    "fast-gliner-fp32": (partial(fast_gliner, FP32), "fast-gliner"),
    "fast-gliner-int8": (partial(fast_gliner, INT8), "fast-gliner"),
    "export": (export, "gliner"),
}


def spans_of(result: Any) -> list[tuple[int, int, str]]:
    """RETURNS (list): start, end, label of a Doc's entities or of a list of dictionaries."""
    if isinstance(result, list):
        return [(entity["start"], entity["end"], entity["label"]) for entity in result]
    return [(span.start_char, span.end_char, span.label_) for span in result.ents]


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def main() -> None:
    job = json.loads(sys.argv[1])
    texts = job["texts"] = [line["text"] for line in read_jsonl(Path(job["texts"]))]
    answers = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)  # what libraries print must not mix with the answers

    def answer(data: dict) -> None:
        print(json.dumps(data), file=answers, flush=True)

    prepare, package = RUNNERS[job["runner"]]
    try:
        settings = prepare(job)
    except ImportError as error:
        answer({"problem": f"not installed (pip install {job['pins'].get(package, package)}): {error}"})
        return
    except Exception as error:
        answer({"problem": f"failed: {type(error).__name__}: {error}".splitlines()[0]})
        return
    found = {name: [sorted(spans_of(result)) for result in run(texts)] for name, run in settings.items()}
    versions = {name: installed(name) for name in (*REPORTED, "gliner-spacy", "fast-gliner")}
    answer({"settings": list(settings), "spans": found, "versions": versions, "package": package})
    for line in sys.stdin:
        run = settings[line.strip()]
        run(texts[:WARM_UP])
        began = time.perf_counter()
        run(texts)
        answer({"seconds": time.perf_counter() - began})


if __name__ == "__main__":
    main()
