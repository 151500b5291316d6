"""What the labels mean, in the user's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Errors
from ..gliner.checks import check_share
from ..gliner.labels import is_list

KEYS = {"description", "positive", "negative", "prompts", "threshold"}


@dataclass(frozen=True)
class Guideline:
    """prompts: Other words for the label. positive, negative: Examples of what is and what is not meant. threshold:
    Score that a span nobody asked about must exceed; None means the global one.
    """

    label: str
    description: str = ""
    prompts: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    threshold: float | None = None


Guidelines = dict[str, Guideline]


def parse_guidelines(labels: Sequence[str] | Mapping[str, Any] | None) -> Guidelines:
    """Read the `labels` setting: a list; or a mapping from label to a description, or to a table with `description`,
    `positive` and `negative` (lists of examples), `prompts` (other words for it) and `threshold`.

    RAISES (ValueError): T105 bad entry, T010 threshold.
    """
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        if not is_list(labels) or not all(isinstance(label, str) for label in labels):
            raise ValueError(Errors.T105.format(entry=labels))
        labels = dict.fromkeys(labels)
    return {label: parse_guideline(label, entry) for label, entry in labels.items()}


def parse_guideline(label: Any, entry: Any) -> Guideline:
    table = {"description": entry} if isinstance(entry, str) else {} if entry is None else entry
    if not isinstance(label, str) or not label.strip() or not isinstance(table, Mapping) or not set(table) <= KEYS:
        raise ValueError(Errors.T105.format(entry={label: entry}))
    lists = {key: table.get(key) or () for key in ("prompts", "positive", "negative")}
    texts = [table.get("description") or "", *(text for texts in lists.values() for text in texts)]
    if not all(is_list(texts) for texts in lists.values()) or not all(isinstance(text, str) for text in texts):
        raise ValueError(Errors.T105.format(entry={label: entry}))
    threshold = table.get("threshold")
    if threshold is not None:
        threshold = check_share(f"labels.{label}.threshold", threshold)
    return Guideline(label, texts[0], **{key: tuple(texts) for key, texts in lists.items()}, threshold=threshold)
