"""What was found once is found everywhere else in the document."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from .finding import Finding
from .occurrences import lowered, occurrences
from .people import PART, TITLES
from .pieces import PERSONS, POSSESSIVE

SURE = 0.6
SHORTEST_VALUE, SHORTEST_PART = 4, 3
COMMON = frozenset({"AGE", "DATE", "TIME", "TITLE", "NATIONALITY", "JOB_TITLE", "CVV"})
PARTICLES = frozenset(
    (
        "van",
        "von",
        "der",
        "den",
        "del",
        "della",
        "dos",
        "das",
        "bin",
        "ibn",
        "the",
        "and",
        "los",
        "las",
        "les",
        "ter",
        "ten",
    )
)
SOURCE = "repeated"


def propagate(text: str, findings: Sequence[Finding]) -> list[Finding]:
    """findings (Sequence[Finding]): In reading order, none overlapping.

    RETURNS (List[Finding]): Other places of what was found: a value whatever its case, and each part of a person's
        name, unless the text also has it without a capital, as a word of the language.
    """
    lower = lowered(text)
    values: dict[str, Finding] = {}
    parts: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda finding: finding.score):
        if finding.score < SURE or finding.label in COMMON:
            continue
        value = lower[finding.start : finding.end].strip()
        if finding.label in PERSONS:
            value = POSSESSIVE.sub("", value)
            parts.update((part, finding) for part in name_parts(value))
            if " " not in value:
                continue
        if len(value) >= SHORTEST_VALUE:
            values[value] = finding
    if not values and not parts:
        return []
    starts = [finding.start for finding in findings]

    def known(start: int, end: int) -> bool:
        index = bisect_right(starts, start) - 1
        return index >= 0 and end <= findings[index].end

    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for start, end, value in occurrences(lower, {**values, **parts}):
        if not known(start, end):
            places[value].append((start, end))
    found = [
        replace(finding, start=start, end=end, source=SOURCE)
        for value, finding in values.items()
        for start, end in places[value]
    ]
    whole = {start for finding in found for start in range(finding.start, finding.end)}
    for part, finding in parts.items():
        others = [place for place in places[part] if place[0] not in whole]
        if all(text[start].isupper() for start, _ in others):
            found += [replace(finding, start=start, end=end, source=SOURCE) for start, end in others]
    return found


def name_parts(name: str) -> Iterator[str]:
    for part in PART.findall(name):
        if len(part) >= SHORTEST_PART and part not in TITLES and part not in PARTICLES:
            yield part


def listed(text: str, values: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Find what the user lists.

    values (Mapping): Label -> values, found whatever their case.
    """
    labels = {lowered(value): label for label, some in values.items() for value in some}
    found = occurrences(lowered(text), labels) if labels else ()
    return [Finding(start, end, labels[value], 1.0, "deny_list") for start, end, value in found]
