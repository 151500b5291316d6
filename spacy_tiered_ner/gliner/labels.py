"""What the user asks for: label names, the phrasings that stand for them in the prompt, thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import Errors
from .checks import check_share

Labels = Sequence[str] | Mapping[str, Any]
TABLE_KEYS = {"prompts", "description", "threshold", "positive", "negative"}


@dataclass(frozen=True)
class LabelSet:
    """names: What the user sees. prompts: The phrasings of each, best score counts. thresholds: None means global."""

    names: tuple[str, ...]
    prompts: tuple[tuple[str, ...], ...]
    thresholds: tuple[float | None, ...]

    def cutoffs(self, default: float) -> np.ndarray:
        """RETURNS (ndarray): The threshold of each label, float32 (n,)."""
        return np.array([default if own is None else own for own in self.thresholds], dtype=np.float32)


def parse_labels(labels: Labels, name: str = "gliner_ner") -> LabelSet:
    """Read the `labels` setting in any of its forms.

    labels: A list of strings; or a mapping from label to prompt string or to a table with `prompts` (by default the
        label itself), `description` (appended to each phrasing) and `threshold`. What guidelines have beside these,
        the examples `positive` and `negative`, is for people and language models, and is not looked at.
    RETURNS (LabelSet): In the given order.
    RAISES (ValueError): T001 no labels, T002 duplicate, T003 bad entry, T005 not UTF-8, T010 threshold.
    """
    if not isinstance(labels, Mapping) and not is_list(labels):
        raise ValueError(Errors.T003.format(entry=labels))
    if not labels:
        raise ValueError(Errors.T001.format(name=name))
    for label in labels:
        if not isinstance(label, str):
            raise ValueError(Errors.T003.format(entry=label))
    table = labels if isinstance(labels, Mapping) else dict.fromkeys(labels)
    if len(table) < len(labels):
        counted = list(labels)
        raise ValueError(Errors.T002.format(label=next(label for label in counted if counted.count(label) > 1)))
    entries = [parse_entry(label, value) for label, value in table.items()]
    names, prompts, thresholds = zip(*entries, strict=True)
    return LabelSet(names, prompts, thresholds)


def is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def parse_entry(label: Any, value: Any) -> tuple[str, tuple[str, ...], float | None]:
    threshold = None
    if value is None:
        prompts: list[Any] = [label]
    elif isinstance(value, str):
        prompts = [value]
    elif isinstance(value, Mapping) and set(value) <= TABLE_KEYS and is_list(value.get("prompts") or ()):
        description = value.get("description")
        prompts = list(value.get("prompts") or [label])
        if description:
            prompts = [f"{prompt}: {description}" for prompt in prompts]
        if value.get("threshold") is not None:
            threshold = check_share(f"labels.{label}.threshold", value["threshold"])
    else:
        raise ValueError(Errors.T003.format(entry={label: value}))
    for text in (label, *prompts):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(Errors.T003.format(entry=label if value is None else {label: value}))
        try:
            text.encode("utf8")
        except UnicodeEncodeError:
            raise ValueError(Errors.T005.format(label=text)) from None
    return label, tuple(prompts), threshold
