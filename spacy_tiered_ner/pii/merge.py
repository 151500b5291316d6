"""From what every detector marked to what is redacted: everything that anyone marked, each character once."""

from collections.abc import Iterable
from dataclasses import replace

from .finding import Finding


def rank(finding: Finding) -> tuple[float, int, str]:
    """Which of two overlapping findings names the stretch: the surer one (a checksum that holds gives 1, a model
    always less), then the longer one.
    """
    return finding.score, finding.end - finding.start, finding.label


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """Join findings that overlap, so that nothing of any of them remains.

    RETURNS (List[Finding]): In reading order, none overlapping; each has label, score and source of the one that ranks
        highest.
    """
    merged: list[Finding] = []
    for finding in sorted(findings, key=lambda f: (f.start, -f.end)):
        if finding.end <= finding.start:
            continue
        if merged and finding.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = replace(max(last, finding, key=rank), start=last.start, end=max(last.end, finding.end))
        else:
            merged.append(finding)
    return merged
