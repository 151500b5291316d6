"""The model as a detector: a `gliner_ner` is asked for the redactor's own labels."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from ..errors import Errors
from ..gliner.labels import Labels, LabelSet, parse_labels
from ..gliner.predictor import Prediction
from ..gliner.words import Words
from ..spans import flat
from .finding import MODEL, Finding

FACTORY, AUTO = "gliner_ner", "auto"
UNCERTAIN = 0.99
WIDE = frozenset({"PERSON", "ADDRESS"})


class Detector:
    """gliner (str): Name of a `gliner_ner` in the pipeline whose weights are used; "auto" for the first there is, and
    where there is none, for one of its own.
    labels (Labels): In the form of `gliner_ner`'s, in place of its labels. threshold (float): Of labels without one.
    settings (dict): Of its own `gliner_ner`.
    """

    def __init__(
        self, nlp: Language, name: str, gliner: str, labels: Labels, threshold: float, settings: dict[str, Any]
    ):
        """RAISES (ValueError): T001 to T014, for labels and settings that cannot work."""
        self.nlp, self.name, self.gliner = nlp, name, gliner
        given = parse_labels(labels, name)
        self.cutoffs = given.cutoffs(threshold)
        self.labels = LabelSet(given.names, given.prompts, tuple(self.cutoffs.tolist()))
        self.own: Any = nlp.create_pipe(FACTORY, config=settings) if gliner == AUTO else None

    @property
    def is_own(self) -> bool:
        """Whether the pipeline has no `gliner_ner` to share."""
        return self.own is not None and self.pipe is self.own

    @property
    def pipe(self) -> Any:
        """The `gliner_ner` that does the work. RAISES (ValueError): T201 where the pipeline has none of this name."""
        names = [name for name, _ in self.nlp.components if self.nlp.get_pipe_meta(name).factory == FACTORY]
        if self.gliner == AUTO:
            return self.nlp.get_pipe(names[0]) if names else self.own
        if self.gliner not in names:
            raise ValueError(Errors.T201.format(name=self.name, gliner=self.gliner, names=names))
        return self.nlp.get_pipe(self.gliner)

    def submit(self, docs: Sequence[Doc]) -> Any:
        """RETURNS (Pending): The model at work on these documents; `result()` gives a Prediction for each."""
        return self.pipe.predictor.submit(docs, [self.labels] * len(docs))

    def findings(self, doc: Doc, prediction: Prediction) -> list[Finding]:
        """RETURNS (List[Finding]): The best candidates that do not overlap; a name or an address is as wide as the
        widest candidate of its label, so that nothing of it remains.
        """
        found = prediction.candidates
        kept = found.score > self.cutoffs[found.label.astype(np.int64)]
        columns = (found.first[kept], found.last[kept], found.label[kept], found.score[kept])
        text = doc.text
        candidates = []
        for first, last, label, score in zip(*(column.tolist() for column in columns), strict=True):
            start, end = without_field_name(text, *borders(doc, prediction.words, first, last))
            candidates.append(Finding(start, end, self.labels.names[label], min(score, UNCERTAIN), MODEL))
        best = flat(candidates, [candidate.score for candidate in candidates])
        starts = [finding.start for finding in best]
        return best + [
            candidate for candidate in candidates if candidate.label in WIDE and meets(candidate, best, starts)
        ]


def meets(candidate: Finding, findings: Sequence[Finding], starts: Sequence[int]) -> bool:
    """findings (Sequence[Finding]): In reading order, none overlapping. starts (Sequence[int]): Where they begin.

    RETURNS (bool): Whether the candidate overlaps one of its own label.
    """
    first = max(0, bisect_right(starts, candidate.start) - 1)
    near = findings[first : bisect_left(starts, candidate.end)]
    return any(finding.label == candidate.label and finding.end > candidate.start for finding in near)


def without_field_name(text: str, start: int, end: int) -> tuple[int, int]:
    """RETURNS (Tuple[int, int]): Without a last line that begins the next field, as "City: ..." after a name."""
    last_line = text.rfind("\n", start, end)
    return (start, last_line) if last_line > start and text[end : end + 1] == ":" else (start, end)


def borders(doc: Doc, words: Words, first: int, last: int) -> tuple[int, int]:
    """RETURNS (Tuple[int, int]): The characters of the words first..last (inclusive)."""
    end = doc[int(words.tokens[last])]
    return (
        words.pieces[first][0] if first in words.pieces else doc[int(words.tokens[first])].idx,
        words.pieces[last][1] if last in words.pieces else end.idx + len(end),
    )
