"""Personal data behind placeholders, before anything leaves the process."""

from collections.abc import Collection, Mapping
from typing import Any

from spacy.tokens import Doc

from ..pii.finding import Finding
from ..pii.merge import merge
from ..pii.placeholders import Placeholders
from ..pii.propagate import propagate
from ..pii.rules import default_rules, find
from .candidates import Candidates
from .passage import Replaced

PERSON_LABELS = {"person", "per", "name"}
PII_GROUP = "pii"


class Masker:
    """Finds personal data with the rules of `pii_redactor`, in its span group where that pipe ran before, and among the
    candidates of the labels that stand for personal data, whatever their score; and all their other occurrences.
    """

    def __init__(self, labels: Collection[str]):
        self.labels = {label.casefold() for label in labels}
        self._rules: Mapping[str, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"labels": self.labels, "_rules": None}

    def __call__(self, doc: Doc, candidates: Candidates) -> tuple[list[Replaced], Placeholders]:
        """RETURNS (tuple): What to replace in the document, and the way back. RAISES (ImportError): T029."""
        if self._rules is None:
            self._rules = default_rules()
        findings = find(doc, self._rules)
        for span in doc.spans.get(PII_GROUP, ()):
            findings.append(Finding(span.start_char, span.end_char, span.label_, 1.0, PII_GROUP))
        for span, label, tiers in zip(candidates.spans, candidates.labels, candidates.tiers, strict=True):
            if label.casefold() in self.labels:
                tag = "PERSON" if label.casefold() in PERSON_LABELS else label.upper()
                findings.append(Finding(span.start_char, span.end_char, tag, 1.0, tiers[0]))
        findings = merge(findings)
        placeholders = Placeholders()
        return placeholders.tags(doc.text, [*findings, *propagate(doc.text, findings)]), placeholders
