"""What to know about a data set before training on it and trusting its figures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np
import spacy

from ..errors import Warnings
from ..evaluation.bootstrap import f1, interval, resample
from ..evaluation.gold import GoldText
from ..evaluation.strata import labels_by_form, surface_form
from .consistency import uneven_forms
from .near import equal_texts, near_texts

FEW_SPANS = 10
IMBALANCE = 20
WIDEST_INTERVAL = 0.1  # from the lower to the upper end
ASSUMED_F1 = 0.8
SEED = 0

Splits = Mapping[str, Sequence[GoldText]]


def check_data(splits: Splits, *, max_width: int, lang: str = "xx") -> dict[str, Any]:
    """Check `train` and `test`, and `dev` where it is there.

    splits (Splits): Texts with all their spans, by name. max_width (int): Words of the widest span of the model.
    RETURNS (dict): Figures by check, and `findings`, a warning (W304 to W311) for each that needs attention.
    """
    counts = label_counts(splits)
    report: dict[str, Any] = {
        "documents": {name: len(texts) for name, texts in splits.items()},
        "labels": counts,
        "duplicates": duplicates(splits),
        "seen": seen_entities(splits["train"], splits["test"]),
        "wide": {name: wide_spans(texts, max_width, lang) for name, texts in splits.items()},
        "interval": expected_interval(splits["test"]),
        "interval_per_label": {
            label: expected_interval(splits["test"], label) for label, by_split in counts.items() if by_split["test"]
        },
        "uneven": [asdict(form) for form in uneven_forms(splits["train"], lang)],
    }
    return {**report, "findings": findings(report, max_width)}


def label_counts(splits: Splits) -> dict[str, dict[str, int]]:
    """RETURNS (dict): By label, the most frequent in training first, the number of spans in each split."""
    counts = {name: Counter(span.label for text in texts for span in text.spans) for name, texts in splits.items()}
    labels = sorted({label for found in counts.values() for label in found})
    labels.sort(key=lambda label: -counts["train"][label])
    return {label: {name: found[label] for name, found in counts.items()} for label in labels}


def duplicates(splits: Splits) -> dict[str, dict[str, list]]:
    """RETURNS (dict): `within` each split the numbers of texts that were there before; `equal` and `near` pairs of
    numbers in two splits, the later one's first.
    """
    texts = {name: [text.text for text in found] for name, found in splits.items()}
    repeated = {
        name: [pair.first for pair in equal_texts(of, of) if pair.second < pair.first] for name, of in texts.items()
    }
    pairs = list(combinations(texts, 2))
    equal = {f"{second} in {first}": equal_texts(texts[second], texts[first]) for first, second in pairs}
    near = {f"{second} in {first}": near_texts(texts[second], texts[first]) for first, second in pairs}
    return {
        "within": repeated,
        "equal": {name: [(pair.first, pair.second) for pair in found] for name, found in equal.items()},
        "near": {name: [(pair.first, pair.second, pair.share) for pair in found] for name, found in near.items()},
    }


def seen_entities(train: Sequence[GoldText], test: Sequence[GoldText]) -> dict[str, Any]:
    """RETURNS (dict): How many annotations of the test data have a surface form that is annotated in training, all
    together and by label.
    """
    forms = labels_by_form(train)
    seen: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for text in test:
        for span in text.spans:
            total[span.label] += 1
            seen[span.label] += surface_form(text.text[span.start : span.end]) in forms
    by_label = {label: {"seen": seen[label], "total": total[label]} for label in sorted(total)}
    return {"seen": seen.total(), "total": total.total(), "by_label": by_label}


def wide_spans(texts: Sequence[GoldText], max_width: int, lang: str) -> dict[str, int]:
    """RETURNS (Dict[str, int]): By label, the spans with more words than the model's widest."""
    nlp = spacy.blank(lang)
    wide: Counter[str] = Counter()
    for text in texts:
        doc = nlp.make_doc(text.text)
        for start, end, label in text.spans:
            span = doc.char_span(start, end, alignment_mode="expand")
            assert span is not None
            wide[label] += len(span) > max_width
    return {label: count for label, count in sorted(wide.items()) if count}


def expected_interval(texts: Sequence[GoldText], label: str | None = None) -> dict[str, float]:
    """Between which values the F1 of a system that is truly at 0.8 would fall on such texts, in 95 % of the cases. Its
    errors are drawn each for itself; real ones come together, so real intervals are rather wider.

    label (Optional[str]): Of this label alone. RETURNS (dict): `width`, `documents`, and `documents_needed` for a
        width of 0.1.
    """
    rng = np.random.default_rng(SEED)
    gold = resample(np.array([sum(label in (None, span.label) for span in text.spans) for text in texts]))
    found, spurious = rng.binomial(gold, ASSUMED_F1), rng.poisson(gold * (1 - ASSUMED_F1))
    low, high = interval(f1(np.stack([found, found + spurious, gold], axis=1))) if gold.any() else (0.0, 1.0)
    needed = len(texts) * ((high - low) / WIDEST_INTERVAL) ** 2
    return {"width": high - low, "documents": len(texts), "documents_needed": round(needed)}


def findings(report: Mapping[str, Any], max_width: int) -> list[str]:
    found = []
    for name, numbers in report["duplicates"]["within"].items():
        if numbers:
            found.append(Warnings.W304.format(count=len(numbers), split=name))
    for what in ("equal", "near"):
        for places, pairs in report["duplicates"][what].items():
            if pairs:
                code = Warnings.W305 if what == "equal" else Warnings.W306
                found.append(
                    code.format(count=len(pairs), places=places, first=pairs[0][0] + 1, second=pairs[0][1] + 1)
                )
    labels = report["labels"]
    absent = [label for label, counts in labels.items() if counts["test"] and not counts["train"]]
    if absent:
        found.append(Warnings.W307.format(labels=", ".join(absent)))
    few = [label for label, counts in labels.items() if 0 < counts["train"] < FEW_SPANS]
    most = max((counts["train"] for counts in labels.values()), default=0)
    rare = [label for label, counts in labels.items() if 0 < counts["train"] * IMBALANCE <= most and label not in few]
    if few or rare:
        found.append(Warnings.W308.format(few=", ".join(few) or "none", rare=", ".join(rare) or "none"))
    wide = Counter({name: sum(by_label.values()) for name, by_label in report["wide"].items()})
    if wide.total():
        found.append(Warnings.W309.format(count=wide.total(), width=max_width, splits=dict(wide)))
    expected = report["interval"]
    if expected["width"] > WIDEST_INTERVAL:
        found.append(Warnings.W310.format(points=50 * expected["width"], **expected))
    if report["uneven"]:
        places = {number for form in report["uneven"] for number in form["documents"]}
        form = report["uneven"][0]
        found.append(
            Warnings.W311.format(
                count=len(report["uneven"]), documents=len(places), form=form["form"], counts=form["counts"]
            )
        )
    return found
