"""The two files that a user writes for a teacher: guidelines and config."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import srsly
from confection import ConfigValidationError
from spacy.util import load_config, registry

from ..errors import Errors
from ..llm.guidelines import Guidelines, parse_guidelines
from .panel import Panel

SECTION = "teacher"


def read_guidelines(path: Path) -> Guidelines:
    """RAISES (ValueError): T346."""
    try:
        table = srsly.read_yaml(path)
        if not isinstance(table, Mapping) or not table:
            raise ValueError("it has no labels")
        return parse_guidelines(table)
    except (OSError, ValueError) as error:
        raise ValueError(Errors.T346.format(path=path, reason=error)) from error


def build_guidelines_v1(path: Path | None) -> dict[str, Any] | None:
    """The labels of a guidelines file, for `[initialize.components.gliner_ner]`: their `prompts` and `threshold`. What
    the guidelines explain to people is left out, because it confuses the encoder.

    path (Optional[Path]): YAML; None for no labels of one's own. RAISES (ValueError): T346.
    """
    if path is None:
        return None
    found = read_guidelines(path)
    return {label: {"prompts": list(g.prompts), "threshold": g.threshold} for label, g in found.items()}


def read_teacher_config(path: Path, overrides: Mapping[str, Any]) -> Panel:
    """overrides (Mapping): Settings by dotted path, such as "teacher.budget.max_cost". RAISES (ValueError): T347."""
    try:
        config = load_config(path, overrides=dict(overrides), interpolate=True)
        if set(config) != {SECTION}:
            raise ValueError(Errors.T347.format(path=path, reason=f"its sections are {', '.join(config)}"))
        panel = registry.resolve(config)[SECTION]
    except ConfigValidationError as error:
        raise ValueError(Errors.T347.format(path=path, reason=str(error).strip())) from error
    if not isinstance(panel, Panel):
        raise ValueError(Errors.T347.format(path=path, reason="`@misc` is missing, or names something else"))
    return panel
