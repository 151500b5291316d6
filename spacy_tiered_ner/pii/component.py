"""The `pii_redactor` pipe."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from spacy.attrs import IDX, LENGTH
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span

from .. import extensions
from ..gliner.checks import check_option, check_share
from ..spans import write_group
from .detection import WHOLE, Detection, Detectors
from .finding import Finding
from .guard import guard
from .labels import PII_LABELS
from .model import Detector
from .operators.keep import Keep
from .redacted_doc import redacted_doc
from .redaction import Redaction, Redactor, Replacement
from .rules import Rule
from .session import Session
from .stream import LIMIT, LOOKAHEAD, WITHHELD, StreamRedactor

TIER = "pii"
MODES = ("fail_closed", "fail_open")
CHUNK = 128


class PiiRedactor(Pipe):
    """Finds personal data with rules and a GLiNER model, and replaces it.

    Writes `doc.spans[spans_key]` and `doc._.redacted_text`; the text of the document stays as it is. The settings are
    described in README.md.
    """

    def __init__(
        self,
        nlp: Language,
        name: str = "pii_redactor",
        *,
        rules: Mapping[str, Rule | None],
        gliner: str | None,
        model: str,
        labels: Any,
        threshold: float,
        thresholds: Mapping[str, float],
        allow_list: Sequence[str],
        deny_list: Mapping[str, Sequence[str]],
        repeats: bool,
        mode: str,
        redactor: Redactor,
        spans_key: str,
        batch_size: int,
        threads: int,
    ):
        """RAISES (ValueError): T001 to T014 and T200 to T249, for settings that cannot work."""
        check_option("mode", mode, MODES)
        check_share("threshold", threshold)
        for label, least in thresholds.items():
            check_share(f"thresholds.{label}", least)
        extensions.register()
        self.nlp, self.vocab, self.name = nlp, nlp.vocab, name
        self.spans_key, self.redactor = spans_key, redactor
        settings = {"model": model, "batch_size": batch_size, "threads": threads}
        labels = PII_LABELS if labels is None else labels
        self.model = None if gliner is None else Detector(nlp, name, gliner, labels, threshold, settings)
        self.detectors = Detectors(
            name,
            rules={source: rule for source, rule in rules.items() if rule is not None},
            model=self.model,
            threshold=threshold,
            thresholds=thresholds,
            allowed=allow_list,
            denied=deny_list,
            repeats=repeats,
            kept=self.keeps,
            closed=mode == MODES[0],
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the model is asked for."""
        return self.model.labels.names if self.model else ()

    def keeps(self, label: str) -> bool:
        """RETURNS (bool): Whether findings of a label stay in the text as they are."""
        return isinstance(self.redactor.operator(label), Keep)

    def __call__(self, doc: Doc) -> Doc:
        return next(self.pipe([doc]), doc)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = CHUNK) -> Iterator[Doc]:
        """Process documents in order.

        batch_size (int): Most documents that are prepared at a time.
        """
        error_handler = self.get_error_handler()
        for doc, detection in self.detectors.stream(stream, min(batch_size, CHUNK)):
            try:
                self.set_annotations(doc, detection)
            except Exception as error:
                error_handler(self.name, self, [doc], error)
            else:
                yield doc

    def find(self, text: str | Doc) -> list[Finding]:
        """RETURNS (List[Finding]): What is found, in reading order, none overlapping; the whole text as one finding
        where it is withheld.
        """
        return self.detectors([self._read(text)])[0].findings

    def redact(self, text: str | Doc, *, subject: str | None = None, session: Session | None = None) -> Redaction:
        """subject (Optional[str]), session (Optional[Session]): As in `Redactor.redact`.

        RETURNS (Redaction): The redacted text, with offsets both ways.
        """
        doc = self._read(text)
        return self.redacted(doc, self.detectors([doc])[0], subject, session)

    def restore(self, text: str, *, session: Session | None = None) -> str:
        """RETURNS (str): A text with values back in place of their replacements. See `Redactor.restore`."""
        return self.redactor.restore(text, session=session)

    def redact_doc(self, doc: Doc, *, subject: str | None = None, session: Session | None = None) -> Doc:
        """RETURNS (Doc): A document with the redacted text, to which the other annotations are carried over. It has a
        vocabulary of its own, so that it can be saved and pickled.
        """
        return redacted_doc(doc, self.redact(doc, subject=subject, session=session))

    def guard(self, call: Callable[[str], Any], text: str, *, subject: str | None = None) -> Any:
        """Call with the redacted text, and put the values back into the answer.

        call (Callable): Takes a text and returns one, or an iterable of chunks; async functions and iterators too.
        RETURNS (Any): The same as `call`: a text, a generator of chunks, an awaitable or an asynchronous generator.
        RAISES (ValueError): T232 for an answer that is something else.
        """
        return guard(call, text, self, subject)

    def redact_stream(
        self, chunks: Iterable[str], *, limit: int = LIMIT, lookahead: int = LOOKAHEAD, subject: str | None = None
    ) -> Iterator[str]:
        """Redact one text that comes in chunks. See `StreamRedactor` for the settings.

        YIELDS (str): Redacted text, in pieces that need not agree with the chunks.
        """
        session = self.redactor.session() if self.redactor.scope == "doc" else None

        def redact(text: str, findings: list[Finding]) -> str:
            return self.redactor.redact(text, findings, subject=subject, session=session).text

        yield from StreamRedactor(self.find, redact, limit=limit, lookahead=lookahead)(chunks)

    def set_annotations(self, doc: Doc, detection: Detection) -> None:
        """Write `doc.spans[spans_key]`, `doc._.redacted_text` and `doc._.tiered_ner`."""
        doc._.redacted_text = self.redacted(doc, detection, doc._.pii_subject).text
        found = [(span, finding.score) for finding, span in expanded(doc, detection.findings)]
        spans, scores = [span for span, _ in found], [score for _, score in found]
        write_group(doc, self.spans_key, spans, scores, TIER, [""] * len(spans), [0.0] * len(spans))
        stats = {"time": detection.seconds, "findings": len(spans), "withheld": detection.withheld}
        doc._.tiered_ner = {**(doc._.tiered_ner or {}), self.name: {**stats, "failed": detection.failed}}

    def _read(self, text: str | Doc) -> Doc:
        return self.nlp.make_doc(text) if isinstance(text, str) else text

    def redacted(
        self, doc: Doc, detection: Detection, subject: str | None, session: Session | None = None
    ) -> Redaction:
        """Redact a document whose detection is done, as `redact`."""
        text = doc.text
        if detection.withheld:
            return Redaction(WITHHELD, [Replacement(0, len(text), 0, len(WITHHELD), WHOLE)])
        return self.redactor.redact(text, detection.findings, subject=subject, session=session)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the model, where it is the redactor's own. Settings come from the config."""
        if self.model and self.model.is_own:
            Path(path).mkdir(parents=True, exist_ok=True)
            self.model.own.to_disk(Path(path) / "model")

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "PiiRedactor":
        if self.model and self.model.own and (Path(path) / "model").is_dir():
            self.model.own.from_disk(Path(path) / "model")
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        return self.model.own.to_bytes() if self.model and self.model.is_own else b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "PiiRedactor":
        if data and self.model and self.model.own:
            self.model.own.from_bytes(data)
        return self


def expanded(doc: Doc, findings: Sequence[Finding]) -> Iterator[tuple[Finding, Span]]:
    """YIELDS (Tuple[Finding, Span]): Each finding with the tokens that it touches; the span's id is its source."""
    starts = doc.to_array(IDX).astype(np.int64)
    ends = starts + doc.to_array(LENGTH).astype(np.int64)
    for finding in findings:
        first = int(np.searchsorted(ends, finding.start, side="right"))
        last = int(np.searchsorted(starts, finding.end, side="left"))
        if first < last:
            yield finding, Span(doc, first, last, label=finding.label, span_id=finding.source)
