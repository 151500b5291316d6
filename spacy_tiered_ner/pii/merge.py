"""From what every detector marked to what is redacted: everything that anyone marked, each character once."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from .finding import CERTAIN, MODEL, Finding


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """Make findings disjoint without losing a character of any.

    What is certain (a checksum holds, a format that nothing else has) keeps its borders, and others keep what stands
    out beside it. Those that overlap otherwise become one, with label, score and source of the one that ranks highest.

    RETURNS (List[Finding]): In reading order.
    """
    findings = [finding for finding in findings if finding.start < finding.end]
    certain = joined(finding for finding in findings if finding.score >= CERTAIN)
    others = [finding for finding in findings if finding.score < CERTAIN]
    if not certain:
        return joined(others)
    return sorted(certain + beside(others, certain), key=lambda finding: finding.start)


def beside(findings: Iterable[Finding], others: Sequence[Finding]) -> list[Finding]:
    """others (Sequence[Finding]): In reading order, none overlapping.

    RETURNS (List[Finding]): What stands out of the findings beside the others, in reading order, none overlapping.
    """
    ends = [other.end for other in others]
    return joined(part for finding in findings for part in outside(finding, others, ends))


def rank(finding: Finding) -> tuple[int, bool, float, str]:
    """The longest says what it is; of equally long ones a rule, which knows more exactly than the model; then the
    surest.
    """
    return finding.end - finding.start, finding.source != MODEL, finding.score, finding.label


def joined(findings: Iterable[Finding]) -> list[Finding]:
    """RETURNS (List[Finding]): In reading order, those that overlap as one."""
    result: list[Finding] = []
    best: list[Finding] = []
    for finding in sorted(findings, key=lambda f: (f.start, -f.end)):
        if result and finding.start < result[-1].end:
            best[-1] = max(best[-1], finding, key=rank)
            start, end = result[-1].start, max(result[-1].end, finding.end)
            result[-1] = replace(best[-1], start=start, end=end)
        else:
            result.append(finding)
            best.append(finding)
    return result


def outside(finding: Finding, certain: Sequence[Finding], ends: Sequence[int]) -> Iterator[Finding]:
    """YIELDS (Finding): The parts of a finding that no certain one covers. ends: Where the certain ones end."""
    position = finding.start
    for one in certain[bisect_right(ends, finding.start) :]:
        if one.start >= finding.end:
            break
        if position < one.start:
            yield replace(finding, start=position, end=one.start)
        position = one.end
    if position < finding.end:
        yield replace(finding, start=position, end=finding.end)
