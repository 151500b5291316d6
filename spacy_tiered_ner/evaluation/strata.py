"""Scores apart for entities that were in the training data and for others, and for easy and hard ones.

An entity's stratum follows from its surface form, so that precision has one as well as recall.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set

from .gold import GoldText
from .metrics import CharSpan, StrictScore
from .schemes import WORD

MANY_WORDS = 4

Forms = Mapping[str, Set[str]]


def surface_form(text: str) -> str:
    return " ".join(text.split()).casefold()


def labels_by_form(texts: Iterable[GoldText]) -> dict[str, set[str]]:
    """RETURNS (dict): The labels that each annotated surface form has."""
    forms: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        for span in text.spans:
            forms[surface_form(text.text[span.start : span.end])].add(span.label)
    return dict(forms)


def strata_of(text: str, forms: Forms | None) -> list[str]:
    """RETURNS (List[str]): The strata that a mention belongs to; those about the training data only with `forms`."""
    words = len(WORD.findall(text))
    names = ["one word" if words == 1 else "two or three words" if words < MANY_WORDS else "four words or more"]
    if forms is not None:
        labels = forms.get(surface_form(text), set())
        names.append("not in train" if not labels else "in train" if len(labels) == 1 else "ambiguous in train")
        names.append("easy" if len(labels) == 1 and words < MANY_WORDS else "hard")
    return names


def score_strata(
    texts: Sequence[GoldText], predicted: Sequence[Set[CharSpan]], forms: Forms | None
) -> dict[str, StrictScore]:
    """Strict scores by stratum. `easy` mentions have fewer than four words and one label in the training data.

    forms (Optional[Forms]): From the training data; None where it is not known.
    """
    scores: dict[str, StrictScore] = {}
    for text, found in zip(texts, predicted, strict=True):
        by_stratum: dict[str, tuple[set[CharSpan], set[CharSpan]]] = defaultdict(lambda: (set(), set()))
        for side, spans in enumerate((found, text.spans)):
            for span in spans:
                for name in strata_of(text.text[span.start : span.end], forms):
                    by_stratum[name][side].add(span)
        for name, (ours, theirs) in by_stratum.items():
            scores.setdefault(name, StrictScore()).add(ours, theirs)
    order = ["in train", "ambiguous in train", "not in train", "easy", "hard"]
    order += ["one word", "two or three words", "four words or more"]
    return {name: scores[name] for name in order if name in scores}
