"""Findings that give away what stands beside them."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from .finding import Finding

POSTAL_CODE = re.compile(
    r"(?<![\w.,-])(?:[A-Z]{1,2}-)?(?:\d{4,6}(?: ?[A-Z]{2})?|\d{2,3}[- ]\d{2,4}|\d{5}-\d{3,4})(?![\w-]|[.,]\d)"
)
BETWEEN = re.compile(r"[\s,]{1,3}")
PLACES = frozenset({"ADDRESS", "LOCATION"})
SCORE, SOURCE = 0.6, "beside_address"


def postal_codes(text: str, findings: Sequence[Finding]) -> list[Finding]:
    """findings (Sequence[Finding]): In reading order, none overlapping.

    RETURNS (List[Finding]): Numbers that look like postal codes right before or behind an address or a place.
    """
    places = [finding for finding in findings if finding.label in PLACES]
    if not places:
        return []
    starts, ends = [finding.start for finding in places], [finding.end for finding in places]
    found = []
    for match in POSTAL_CODE.finditer(text):
        start, end = match.span()
        before, after = bisect_right(ends, start) - 1, bisect_left(starts, end)
        if (before >= 0 and BETWEEN.fullmatch(text, ends[before], start)) or (
            after < len(starts) and BETWEEN.fullmatch(text, end, starts[after])
        ):
            found.append(Finding(start, end, "ZIP_CODE", SCORE, SOURCE))
    return found
