"""Registered scorers."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.scorer import Scorer, get_ner_prf
from spacy.training import Example


def gliner_ner_score(examples: Iterable[Example], *, spans_key: str, **kwargs: Any) -> dict[str, Any]:
    """Entity scores from `doc.ents`, and span scores (`spans_<key>_f`, nested counted) from `doc.spans[spans_key]`."""
    examples = list(examples)
    attr = f"spans_{spans_key}"
    spans = Scorer.score_spans(
        examples,
        attr=attr,
        getter=lambda doc, _: doc.spans.get(spans_key, []),
        has_annotation=lambda doc: spans_key in doc.spans,
        allow_overlap=True,
        labeled=True,
    )
    return {**get_ner_prf(examples), **spans}


def make_gliner_ner_scorer() -> Callable[..., dict[str, Any]]:
    return gliner_ner_score
