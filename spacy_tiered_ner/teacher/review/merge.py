"""Take over what reviewers answered, and say how good the teacher was and how far reviewers agree."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ...evaluation.bootstrap import figures
from ...evaluation.metrics import CharSpan, strict_score
from ...evaluation.schemes import label_counts
from ..kappa import cohen_kappa, word_labels
from ..records import TeacherRecord, plain_spans, span_of, text_id
from ..selection import RANDOM
from .answers import Answer, Answers
from .offsets import place


@dataclass(frozen=True)
class Merged:
    """rows: The lines of the teacher's file, with reviews. report: Counts; `teacher`, its scores on the random share;
    `agreement` of pairs of reviewers.
    """

    rows: list[dict[str, Any]]
    report: dict[str, Any]


def merge(records: Sequence[TeacherRecord], selection: Mapping[str, str], answers: Answers) -> Merged:
    """Add the answers to the records' reviews.

    selection (Mapping): By id of those that were given out, why. An answer whose text is not the record's, or with a
        span that fits nowhere in it, is left out and counted; so are texts without an answer.
    """
    by_id = {record.id: record for record in records}
    by_text = {text_id(record.text): record for record in records}
    counts = Counter({reason: count for reason, count in answers.skipped.items() if count})
    added: dict[str, list[dict[str, Any]]] = defaultdict(list)
    lost = []
    for answer in answers.answers:
        record = by_id.get(answer.id) or by_text.get(text_id(answer.text))
        if record is None:
            counts["of unknown texts"] += 1
        elif record.text != answer.text:
            counts["with a changed text"] += 1
        else:
            placed = place(record.text, answer.spans)
            counts["spans with shifted offsets, mended"] += placed.mended
            counts["spans that could be elsewhere"] += placed.unsure
            if placed.lost:
                counts["with spans that fit nowhere"] += 1
                lost.append(record.id)
            else:
                added[record.id].append(as_review(answer, placed.spans))
    reviews = {record.id: combined(record.reviews, added.get(record.id, [])) for record in records}
    rows = [reviewed_row(record, reviews[record.id]) for record in records]
    given_out = [by_id[id] for id in selection if id in by_id]
    answered = [record for record in given_out if reviews[record.id]]
    report = {
        "given_out": len(selection),
        "answered": len(answered),
        "missing": len(selection) - len(answered),
        "reviewed_share": sum(map(bool, reviews.values())) / len(records),
        "changed": sum(decided(reviews[record.id]) != record.taught for record in answered),
        "reviewers": dict(Counter(review["reviewer"] for found in reviews.values() for review in found)),
        "not_taken": {reason: count for reason, count in counts.items() if count},
        "lost": lost,
        "teacher": teacher_quality([r for r in answered if selection[r.id] == RANDOM], reviews),
        "agreement": agreement(records, reviews),
    }
    return Merged(rows, report)


def as_review(answer: Answer, spans: frozenset[CharSpan]) -> dict[str, Any]:
    return {"reviewer": answer.reviewer, "time": answer.time, "spans": plain_spans(spans)}


def combined(before: Sequence[dict[str, Any]], added: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """RETURNS (List[dict]): The reviews in the order of their times, each once, however often it is imported."""
    distinct = [*before, *(review for review in added if review not in before)]
    return sorted(distinct, key=lambda review: review["time"] or "")


def latest(reviews: Sequence[dict[str, Any]]) -> dict[str, frozenset[CharSpan]]:
    """RETURNS (dict): What each reviewer said last, who answered last coming last."""
    found: dict[str, frozenset[CharSpan]] = {}
    for review in reviews:
        found.pop(review["reviewer"], None)
        found[review["reviewer"]] = frozenset(span_of(span) for span in review["spans"])
    return found


def decided(reviews: Sequence[dict[str, Any]]) -> frozenset[CharSpan]:
    """RETURNS (FrozenSet[CharSpan]): Spans that more than half of the reviewers marked; half of them are enough where
    the one who answered last is among them.
    """
    votes = list(latest(reviews).values())
    counts = Counter(span for spans in votes for span in spans)
    return frozenset(
        span
        for span, count in counts.items()
        if 2 * count > len(votes) or (2 * count == len(votes) and span in votes[-1])
    )


def reviewed_row(record: TeacherRecord, reviews: list[dict[str, Any]]) -> dict[str, Any]:
    if not reviews:
        return record.row
    teacher = record.row.get("teacher", record.row["spans"])
    return {**record.row, "spans": plain_spans(decided(reviews)), "teacher": teacher, "review": reviews}


def teacher_quality(
    records: Sequence[TeacherRecord], reviews: Mapping[str, Sequence[dict[str, Any]]]
) -> dict[str, Any] | None:
    """RETURNS (Optional[dict]): Strict precision, recall and F1 of the teacher with their intervals, all together and
    `per_type`; None without any record.
    """
    if not records:
        return None
    gold, taught = [decided(reviews[record.id]) for record in records], [record.taught for record in records]
    labels = sorted({span.label for spans in (*gold, *taught) for span in spans})
    counts = label_counts(taught, gold, labels)
    per_type = {label: figures(counts[:, number]) for number, label in enumerate(labels)}
    return {"documents": len(records), **figures(counts.sum(axis=1)), "per_type": per_type}


def agreement(
    records: Sequence[TeacherRecord], reviews: Mapping[str, Sequence[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """RETURNS (List[dict]): For each two reviewers of the same texts `kappa` (Cohen's, over words) and `f1`, the strict
    F1 of one against the other.
    """
    both: dict[tuple[str, str], list[tuple[str, frozenset, frozenset]]] = defaultdict(list)
    for record in records:
        said = latest(reviews[record.id])
        for first, second in combinations(sorted(said), 2):
            both[first, second].append((record.text, said[first], said[second]))
    found = []
    for (first, second), texts in sorted(both.items()):
        ours = [label for text, spans, _ in texts for label in word_labels(text, spans)]
        theirs = [label for text, _, spans in texts for label in word_labels(text, spans)]
        score = strict_score([spans for _, spans, _ in texts], [spans for _, _, spans in texts])
        kappa = cohen_kappa(ours, theirs) if ours else None
        found.append({"reviewers": [first, second], "documents": len(texts), "kappa": kappa, "f1": score.f1})
    return found
