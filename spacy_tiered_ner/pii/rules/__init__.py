"""The rules: what a pattern, a checksum or the words beside it give away, without a model.

A rule is a callable from a Doc to its findings, built by a registered function (`spacy-tiered-ner.pii_*.v1`).
"""

from collections.abc import Callable, Iterable, Mapping

from spacy.tokens import Doc
from spacy.util import registry

from ...factories import PII_RULES
from ..finding import Finding
from ..merge import merge
from ..normalise import Reading
from .pattern import marks_of

Rule = Callable[[Doc], Iterable[Finding]]
THRESHOLD = 0.4


def default_rules() -> dict[str, Rule]:
    """RETURNS (Dict[str, Rule]): Every rule with its default settings, by name. RAISES (ImportError): T029."""
    return registry.resolve({"rules": PII_RULES}, validate=False)["rules"]


def find(doc: Doc, rules: Mapping[str, Rule | None], threshold: float = THRESHOLD) -> list[Finding]:
    """What the rules find in a document, in characters of its text.

    rules (Mapping[str, Optional[Rule]]): Such as `default_rules()`.
    threshold (float): Least score.
    RETURNS (List[Finding]): In reading order, none overlapping.
    """
    reading = Reading(doc)
    text = reading.doc.text
    found = [mark for rule in rules.values() if rule is not None for mark in marks_of(rule, reading.doc, text)]
    return reading.restore(merge(mark for mark in found if mark.score >= threshold))
