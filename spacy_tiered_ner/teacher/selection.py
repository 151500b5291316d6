"""Which of the teacher's labels people should look at first."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from ..evaluation.gold import GoldText
from .consistency import uneven_forms
from .records import TeacherRecord

RANDOM, DOUBT, RARE, UNEVEN = "random", "doubt", "rare", "uneven"


def select(
    records: Sequence[TeacherRecord], count: int, random_share: float, seed: int = 0, lang: str = "xx"
) -> dict[str, str]:
    """Choose among the records that nobody has reviewed: first at random, for an unbiased estimate of the teacher's
    quality, then in turn those whose labels are least certain, uneven in comparison with other texts, and rarest.

    RETURNS (Dict[str, str]): By id the reason, in the order of choice.
    """
    waiting = [record for record in records if not record.reviews]
    count = min(count, len(waiting))
    drawn = random.Random(seed).sample(waiting, round(random_share * count))
    chosen = {record.id: RANDOM for record in drawn}
    queues = {DOUBT: doubtful(waiting), UNEVEN: uneven(waiting, lang), RARE: rare(waiting)}
    for turn in zip_longest(*queues.values()):
        for reason, record in zip(queues, turn, strict=True):
            if record is not None and len(chosen) < count:
                chosen.setdefault(record.id, reason)
    return chosen


def doubtful(records: Sequence[TeacherRecord]) -> list[TeacherRecord]:
    """RETURNS (List[TeacherRecord]): Those with ambiguous places, spans without full confidence, or answers that
    disagreed, in this order; the lowest confidence first.
    """

    def certainty(record: TeacherRecord) -> tuple[bool, float, bool]:
        lowest = min(record.confidence.values(), default=1.0)
        return not record.meta.get("ambiguous"), lowest, not record.meta.get("disagreed")

    return sorted((record for record in records if certainty(record) < (True, 1.0, True)), key=certainty)


def uneven(records: Sequence[TeacherRecord], lang: str) -> list[TeacherRecord]:
    """RETURNS (List[TeacherRecord]): Those that deviate from how a surface form is mostly labelled, the clearest
    majorities first.
    """
    texts = [GoldText(r.text, r.taught, frozenset(r.labels) if r.labels else None) for r in records]
    forms = uneven_forms(texts, lang)
    forms.sort(key=lambda form: -max(form.counts.values()) / sum(form.counts.values()))
    return [records[number] for number in dict.fromkeys(n for form in forms for n in form.documents)]


def rare(records: Sequence[TeacherRecord]) -> Iterator[TeacherRecord]:
    """YIELDS (TeacherRecord): One with each label in turn, beginning with the rarest."""
    counts: Counter[str] = Counter()
    holders: dict[str, list[TeacherRecord]] = defaultdict(list)
    for record in records:
        labels = {span.label for span in record.taught}
        counts.update(span.label for span in record.taught)
        for label in labels:
            holders[label].append(record)
    by_label = [holders[label] for label in sorted(holders, key=lambda label: (counts[label], label))]
    for turn in zip_longest(*by_label):
        yield from filter(None, turn)
