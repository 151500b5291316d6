"""How far two reviewers of the same text agree."""

from collections import Counter
from collections.abc import Iterable, Sequence

from ..evaluation.metrics import Span
from ..evaluation.schemes import WORD, labelled_words

NOTHING = ""


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Agreement beyond what two raters with these habits reach by chance: 1 is full agreement, 0 is chance.

    first, second (Sequence[str]): What each says about the same units. RETURNS (float): 1 where both always say one
        and the same thing.
    """
    total = len(first)
    observed = sum(one == other for one, other in zip(first, second, strict=True)) / total
    counts, others = Counter(first), Counter(second)
    expected = sum(counts[value] * others[value] for value in counts) / total**2
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)


def word_labels(text: str, spans: Iterable[Span]) -> list[str]:
    """RETURNS (List[str]): For each word the labels of the spans that it is in, NOTHING outside."""
    words = [match.span() for match in WORD.finditer(text)]
    labels: list[set[str]] = [set() for _ in words]
    for number, label in labelled_words(words, frozenset(spans)):
        labels[number].add(label)
    return [" + ".join(sorted(found)) if found else NOTHING for found in labels]
