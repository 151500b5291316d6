"""From a prediction to the document: the span group, and the entities."""

import numpy as np
from spacy.tokens import Doc

from ..spans import flat, note_earlier_ents, write_ents, write_group
from .predictor import Prediction
from .words import span_of

TIER = "gliner"


def annotate(
    doc: Doc, prediction: Prediction, spans_key: str, threshold: float, alignment_mode: str, overwrite_ents: bool
) -> dict[str, int]:
    """Write `doc.spans[spans_key]` and `doc.ents`, and `doc.spans["ner"]` where there were entities before.

    RETURNS (Dict[str, int]): How many `candidates` and `entities` were written, and how many are `misaligned`.
    """
    found, names = prediction.candidates, prediction.labels.names
    thresholds = prediction.labels.cutoffs(threshold)
    spans, scores, above, others, other_scores = [], [], [], [], []
    misaligned = 0
    written_as: set[tuple[int, int, int]] = set()
    columns = (found.first, found.last, found.label, found.score, found.runner_up, found.runner_up_score)
    order = np.argsort(-found.score, kind="stable")
    for first, last, label, score, other, other_score in zip(*(c[order].tolist() for c in columns), strict=True):
        span = span_of(doc, prediction.words, first, last, names[label], alignment_mode)
        if span is None:
            misaligned += 1
            continue
        # Pieces of one token may align to the same span: the best score counts.
        if (span.start, span.end, label) in written_as:
            continue
        written_as.add((span.start, span.end, label))
        spans.append(span)
        scores.append(score)
        above.append(score > thresholds[label])
        others.append(names[other] if other >= 0 else "")
        other_scores.append(other_score)
    note_earlier_ents(doc)
    write_group(doc, spans_key, spans, scores, TIER, others, other_scores)
    chosen = [i for i, high in enumerate(above) if high]
    entities = flat([spans[i] for i in chosen], [scores[i] for i in chosen])
    written = write_ents(doc, entities, overwrite_ents)
    return {"candidates": len(spans), "entities": written, "misaligned": misaligned}
