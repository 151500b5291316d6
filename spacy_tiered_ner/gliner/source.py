"""Where models come from: the embedded starter, a directory, or the Hugging Face hub."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import Errors

STARTER = Path(__file__).parent.parent / "models" / "starter"
HUB_ID = re.compile(r"^(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?$")
CONFIG, TOKENIZER, WEIGHTS = "gliner_config.json", "tokenizer.json", "model.safetensors"
PICKLES = ("pytorch_model.bin", "model.bin", "model.pt")
ONNX_FILES = {
    "int8": ("model_int8.onnx", "model_quantized.onnx", "onnx/model_int8.onnx", "onnx/model_quantized.onnx"),
    "fp32": ("model.onnx", "onnx/model.onnx"),
}
SMALL_FILES = (CONFIG, "*.json", "*.model", "*.txt", "README.md")


@dataclass(frozen=True)
class ModelFiles:
    """The files of one model directory."""

    path: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """RAISES (ValueError): T021 missing, T022 damaged."""
        file = self.require(CONFIG)
        try:
            config = json.loads(file.read_text(encoding="utf8"))
        except ValueError as error:
            raise ValueError(Errors.T022.format(path=file, reason=error)) from error
        if not isinstance(config, dict):
            raise ValueError(Errors.T022.format(path=file, reason="not a JSON object"))
        if config.get("labels_encoder"):
            raise ValueError(Errors.T028.format(path=self.path))
        return config

    def require(self, name: str) -> Path:
        file = self.path / name
        if not file.is_file():
            raise ValueError(Errors.T021.format(path=self.path, missing=name))
        return file

    def find(self, names: Iterable[str]) -> Path | None:
        return next((self.path / name for name in names if (self.path / name).is_file()), None)

    def onnx(self, precision: str) -> Path:
        """precision (str): "int8", "fp32", or "auto" for the first of these that is there. RAISES: T026."""
        wanted = ("int8", "fp32") if precision == "auto" else (precision,)
        file = self.find(name for kind in wanted for name in ONNX_FILES[kind])
        if file is None:
            text = "" if precision == "auto" else f" in {precision}"
            raise ValueError(Errors.T026.format(path=self.path, wanted=text))
        return file

    def torch_weights(self, allow_pickle: bool) -> Path:
        """RAISES (ValueError): T024 only a pickle, T027 no weights."""
        if (file := self.find([WEIGHTS])) is not None:
            return file
        if (pickle := self.find(PICKLES)) is None:
            raise ValueError(Errors.T027.format(path=self.path))
        if not allow_pickle:
            raise ValueError(Errors.T024.format(path=pickle))
        return pickle

    def runtime_files(self, runtime: str, precision: str, allow_pickle: bool = False) -> list[Path]:
        """What an engine needs, to be packed into a pipeline."""
        if runtime == "onnx":
            graph = self.onnx(precision)
            weights = [file for file in (graph.with_name(f"{graph.name}_data"),) if file.is_file()]
            return [self.require(CONFIG), self.require(TOKENIZER), graph, *weights]
        small = {file for pattern in SMALL_FILES for file in self.path.glob(pattern)}
        return [*sorted(small), self.torch_weights(allow_pickle)]


def resolve(model: str, runtime: str, precision: str, allow_pickle: bool = False) -> ModelFiles:
    """Find a model's directory, fetching it from the hub where `model` is an id.

    model (str): "starter", a directory, or "owner/name" with "@revision" after it to pin one.
    RAISES (ValueError): T020 not understood, T025 no network.
    """
    if model == "starter":
        return ModelFiles(STARTER)
    if model and Path(model).is_dir():
        return ModelFiles(Path(model))
    match = HUB_ID.match(model)
    if match is None:
        raise ValueError(Errors.T020.format(model=model))
    return fetch(match["repo"], match["revision"], runtime, precision, allow_pickle)


def fetch(repo: str, revision: str | None, runtime: str, precision: str, allow_pickle: bool) -> ModelFiles:
    """Download only the files that the runtime needs; the hub's cache serves what it has when offline."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    rounds: list[tuple[str, ...]]
    if runtime == "torch":
        rounds = [(WEIGHTS,), PICKLES if allow_pickle else ()]
    else:
        rounds = [ONNX_FILES[kind] for kind in (("int8", "fp32") if precision == "auto" else (precision,))]
    for names in rounds:
        patterns = [*SMALL_FILES, *names, *(f"{name}_data" for name in names)]
        try:
            path = snapshot_download(repo, revision=revision, allow_patterns=patterns)
        except HFValidationError:
            raise ValueError(Errors.T020.format(model=repo)) from None
        except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            model = f"{repo}@{revision}" if revision else repo
            raise ValueError(Errors.T025.format(model=model, repo=repo, reason=reason)) from error
        files = ModelFiles(Path(path))
        if files.find(names):
            break
    return files
