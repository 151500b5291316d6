"""Labels that are given unevenly: a surface form that has one label here, and another or none there. A student learns
such errors from its teacher.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import spacy
from spacy.matcher import PhraseMatcher

from ..evaluation.gold import GoldText
from ..evaluation.metrics import CharSpan

NO_LABEL = "(no label)"


@dataclass(frozen=True)
class UnevenForm:
    """counts: How often the form has each label or none. documents: Numbers of those that are not with the majority."""

    form: str
    counts: dict[str, int]
    documents: list[int]


def uneven_forms(texts: Sequence[GoldText], lang: str = "xx") -> list[UnevenForm]:
    """Look for every annotated surface form, as it is spelt, in all texts. Occurrences inside a longer annotation do
    not count, nor those where nobody looked for any of its labels.

    texts (Sequence[GoldText]): With all their spans, nested ones included.
    RETURNS (List[UnevenForm]): Those with more than one outcome, the most deviations first.
    """
    nlp, labels = spacy.blank(lang), labels_by_spelling(texts)
    matcher = PhraseMatcher(nlp.vocab)
    for form in labels:
        matcher.add(form, [nlp.make_doc(form)])
    outcomes: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for number, text in enumerate(texts):
        for match in matcher(nlp.make_doc(text.text), as_spans=True):
            form = match.label_
            outcome = outcome_of(match.start_char, match.end_char, text.spans)
            if outcome == NO_LABEL and text.asked is not None and text.asked.isdisjoint(labels[form]):
                continue
            if outcome:
                outcomes[form].append((outcome, number))
    found = []
    for form, given in outcomes.items():
        counts = Counter(outcome for outcome, _ in given)
        if len(counts) > 1:
            usual = counts.most_common(1)[0][0]
            deviating = sorted({number for outcome, number in given if outcome != usual})
            found.append(UnevenForm(form, dict(counts.most_common()), deviating))
    return sorted(found, key=lambda uneven: (-len(uneven.documents), uneven.form))


def labels_by_spelling(texts: Sequence[GoldText]) -> dict[str, set[str]]:
    labels: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        for span in text.spans:
            labels[text.text[span.start : span.end]].add(span.label)
    return labels


def outcome_of(start: int, end: int, spans: frozenset[CharSpan]) -> str | None:
    """RETURNS (Optional[str]): The labels of these borders, NO_LABEL, or None inside or across other annotations."""
    labels = sorted(span.label for span in spans if (span.start, span.end) == (start, end))
    if labels:
        return " + ".join(labels)
    return None if any(span.start < end and start < span.end for span in spans) else NO_LABEL
