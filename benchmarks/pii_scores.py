"""What a redaction misses and what it takes too much of."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

Span = tuple[int, int, str]


class PiiScore:
    """Counts over texts. types (Mapping): From a system's label to the annotated types that it may stand for, the usual
    one first. What is not in it is covered like everything else, but counts for no type.
    """

    def __init__(self, types: Mapping[str, Sequence[str]]):
        self.types = types
        self.gold: Counter[str] = Counter()
        self.predicted: Counter[str] = Counter()
        self.exact: Counter[str] = Counter()
        self.touched: Counter[str] = Counter()
        self.touching: Counter[str] = Counter()
        self.characters: Counter[str] = Counter()
        self.leaked: Counter[str] = Counter()
        self.outside = self.redacted_outside = 0

    def add(self, text: str, predicted: Iterable[Span], gold: Sequence[Span]) -> None:
        predicted = sorted(set(predicted))
        covered, marked = bytearray(len(text)), bytearray(len(text))
        for start, end, _ in predicted:
            covered[start:end] = b"\1" * (end - start)
        for start, end, label in gold:
            marked[start:end] = b"\1" * (end - start)
            self.gold[label] += 1
            self.characters[label] += end - start
            self.leaked[label] += covered[start:end].count(0)
        self.outside += marked.count(0)
        self.redacted_outside += sum(c and not m for c, m in zip(covered, marked, strict=True))
        self._match(predicted, gold)

    def _match(self, predicted: Sequence[Span], gold: Sequence[Span]) -> None:
        found: set[int] = set()
        for start, end, label in predicted:
            types = self.types.get(label, ())
            if not types:
                continue
            near = [i for i, (first, last, of) in enumerate(gold) if of in types and first < end and start < last]
            same = [i for i in near if gold[i][:2] == (start, end)]
            counted = gold[(same or near)[0]][2] if near else types[0]
            self.predicted[counted] += 1
            self.touching[counted] += bool(near)
            self.exact[counted] += bool(same)
            found.update(near)
        self.touched.update(gold[i][2] for i in found)

    def row(self, types: Sequence[str]) -> dict[str, float]:
        """RETURNS (dict): Percentages for some of the types together."""
        gold, predicted, exact, touched, touching, characters, leaked = (
            sum(counter[kind] for kind in types)
            for counter in (
                self.gold, self.predicted, self.exact, self.touched, self.touching, self.characters, self.leaked,
            )
        )  # fmt: skip
        return {
            "strict F1": f_score(exact / predicted if predicted else 0.0, exact / gold if gold else 0.0, 1),
            "partial F2": f_score(touching / predicted if predicted else 0.0, touched / gold if gold else 0.0, 2),
            "leaked": 100 * leaked / characters if characters else 0.0,
            "spans": gold,
        }

    @property
    def over_redacted(self) -> float:
        """The share of characters outside all annotations that was redacted, in percent."""
        return 100 * self.redacted_outside / self.outside if self.outside else 0.0


def f_score(precision: float, recall: float, beta: float) -> float:
    weight = beta * beta
    both = weight * precision + recall
    return 100 * (1 + weight) * precision * recall / both if both else 0.0
