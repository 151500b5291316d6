"""Export of trained pipelines: every `gliner_ner` with the runtime "torch" becomes one that runs without torch."""

import shutil
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import spacy
import srsly
from spacy.language import Language
from spacy.util import get_minor_version_range, load_config, load_meta, split_requirement

from ..errors import Errors
from .component import GlinerNER
from .export import REPORT, build, staged
from .gate import Gate, GateReport, read_data
from .torch_engine import load_library_model

CONFIG, META = "config.cfg", "meta.json"
PACKAGE = "spacy-tiered-ner"


def is_pipeline(path: str | Path) -> bool:
    return all((Path(path) / name).is_file() for name in (CONFIG, META))


def export_pipeline(
    pipeline: str | Path,
    out: Path,
    *,
    precision: str = "int8",
    data: Path | None = None,
    max_loss: float = 0.6,
    allow_pickle: bool = False,
    force: bool = False,
) -> dict[str, GateReport]:
    """Export a pipeline directory, as `spacy train` writes it, to one that `spacy.load` opens without torch.

    Other components, the tokenizer and the vocabulary are copied as they are.
    pipeline (str / Path): The pipeline directory. out (Path): Directory to create. data (Optional[Path]): Annotated
    documents for the F1 before and after INT8; by default the config's own dev corpus where it is there, otherwise
    INT8 is held against the spans of FP32 in built-in texts.
    max_loss (float): Points of F1 that INT8 may lose.
    RETURNS (Dict[str, GateReport]): What was measured, by component; also written to out/export.json.
    RAISES (ValueError): T040 architecture, T041 the gate refused, T042 directory in use, T044 no gliner_ner, T045
        nothing in torch, T046 one directory in the other, T047 nothing to measure. Nothing is left behind then.
    """
    pipeline = Path(pipeline)
    if out.resolve().is_relative_to(pipeline.resolve()):
        raise ValueError(Errors.T046.format(out=out, model=pipeline))
    with staged(out, pipeline, force) as work:
        nlp = spacy.load(pipeline)
        pipes = torch_pipes(nlp, pipeline)
        documents = data or dev_corpus(nlp)
        shutil.copytree(pipeline, work, dirs_exist_ok=True)
        add_requirement(work / META)
        reports = {}
        for name, pipe in pipes.items():
            library = load_library_model(pipe.files, allow_pickle or pipe.allow_pickle)
            gate_data = read_data(documents, nlp, pipe.spans_key)
            target = convert(work, pipe, precision)
            gate = Gate(nlp, name, partial(spacy.load, work), gate_data, max_loss=max_loss, own_labels=True)
            build(library, target, precision, gate)
            reports[name] = gate.report
        srsly.write_json(work / REPORT, {name: report.as_dict() for name, report in reports.items()})
    return reports


def torch_pipes(nlp: Language, path: Path) -> dict[str, GlinerNER]:
    """The components to export, by name. RAISES (ValueError): T044, T045."""
    found = {name: pipe for name, pipe in nlp.components if isinstance(pipe, GlinerNER)}
    if not found:
        raise ValueError(Errors.T044.format(path=path, names=", ".join(nlp.component_names) or "none"))
    pipes = {name: pipe for name, pipe in found.items() if pipe.runtime == "torch"}
    if not pipes:
        raise ValueError(Errors.T045.format(path=path, names=", ".join(found)))
    return pipes


def dev_corpus(nlp: Language) -> Path | None:
    """What the config names as development data, where it is there."""
    config = nlp.config.interpolate()
    named = (config["corpora"].get("dev") or {}).get("path") or config["paths"].get("dev")
    return Path(named) if named and Path(named).exists() else None


def convert(work: Path, pipe: GlinerNER, precision: str) -> Path:
    """Let the copied pipeline run the component from a graph. RETURNS (Path): Its empty model directory."""
    config = load_config(work / CONFIG)
    config["components"][pipe.name].update(runtime="onnx", precision=precision)
    config.to_disk(work / CONFIG)
    state = work / pipe.name / "state.json"
    # Files are packed for the model that the config named then; it may name another one now.
    srsly.write_json(state, {**srsly.read_json(state), "model": pipe.model_name})
    target = work / pipe.name / "model"
    shutil.rmtree(target)
    target.mkdir()
    return target


def add_requirement(path: Path) -> None:
    """Name this package and its version in the meta data, as `spacy package` does."""
    meta: dict[str, Any] = load_meta(path)
    others = [line for line in meta.get("requirements", []) if split_requirement(line)[0] != PACKAGE]
    srsly.write_json(path, {**meta, "requirements": [*others, f"{PACKAGE}{get_minor_version_range(version(PACKAGE))}"]})
