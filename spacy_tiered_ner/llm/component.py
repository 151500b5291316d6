"""Tier 3: the `llm_escalate` pipe."""

import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import srsly
from spacy.pipeline import Pipe
from spacy.tokens import Doc
from spacy.util import minibatch
from spacy.vocab import Vocab

from .. import extensions
from ..errors import Warnings
from ..gliner.checks import check_least, check_not_negative, check_option, check_share
from .breaker import Breaker
from .budget import Budget
from .cache import AnswerCache
from .candidates import Candidates, read_candidates
from .clients.base import Client
from .guidelines import parse_guidelines
from .ledger import usage
from .masking import Masker
from .ontology import TableOntology, load_ontology
from .policy import Doubt, Policy, choose
from .sender import Patience, Sender
from .strategy import Strategy
from .task import Task
from .windows import Window

BATCHES_AHEAD = 2
ONTOLOGY_FILE = "ontology.json"


class LLMEscalate(Pipe):
    """Escalates the doubtful spans of earlier components, and only those, to a large language model.

    Reads `doc.spans[spans_key]` and `doc.ents`; writes `doc.spans["tiered"]`, `doc.spans["llm"]`, `doc.ents`,
    `doc._.canonical` and `doc._.implicit_entities`. The settings are described in README.md.
    """

    def __init__(
        self,
        vocab: Vocab,
        name: str = "llm_escalate",
        *,
        spans_key: str | Sequence[str],
        labels: Any,
        threshold: float | None,
        policy: Policy,
        max_share: float,
        strategy: Strategy,
        context_sentences: int,
        max_words: int,
        max_spans: int,
        client: Client | None,
        concurrency: int,
        retries: int,
        reasks: int,
        max_wait: float,
        breaker_failures: int,
        breaker_seconds: float,
        budget: Budget,
        cache: AnswerCache | None,
        ontology: Any,
        mask_pii: bool,
        pii_labels: Sequence[str],
        on_error: str,
        run_in_training: bool,
        scorer: Callable | None,
    ):
        """RAISES (ValueError): T010 to T014, T050 and T103 to T119, for settings that cannot work."""
        check_option("on_error", on_error, ("keep", "drop", "raise"))
        check_share("max_share", max_share)
        if threshold is not None:
            check_share("threshold", threshold)
        wholes = {"context_sentences": (context_sentences, 0), "max_words": (max_words, 1), "max_spans": (max_spans, 1)}
        wholes |= {"concurrency": (concurrency, 1), "retries": (retries, 0), "reasks": (reasks, 0)}
        wholes |= {"breaker_failures": (breaker_failures, 1)}
        for setting, (value, least) in wholes.items():
            check_least(setting, value, least)
        check_not_negative("max_wait", max_wait)
        check_not_negative("breaker_seconds", breaker_seconds)
        extensions.register()
        self.vocab, self.name, self.scorer = vocab, name, scorer
        self.spans_keys = (spans_key,) if isinstance(spans_key, str) else tuple(spans_key)
        self.guidelines, self.threshold = parse_guidelines(labels), threshold
        self.policy, self.max_share, self.strategy = policy, max_share, strategy
        self.limits = {"context_sentences": context_sentences, "max_words": max_words, "max_spans": max_spans}
        self.client, self.budget, self.on_error = client, budget, on_error
        self.masker = Masker(pii_labels) if mask_pii else None
        self.run_in_training = run_in_training
        self.cfg = {"spans_key": "tiered"}
        self._ontology_source = ontology
        late = isinstance(ontology, str | Path) and not Path(ontology).exists()
        self.ontology = None if late else load_ontology(ontology)
        self.sender = None
        if client is not None:
            budget.attach(client)
            patience = Patience(retries, reasks, max_wait)
            breaker = Breaker(breaker_failures, breaker_seconds)
            self.sender = Sender(client, strategy, budget, cache, patience, breaker, concurrency)
        self._warned: set[str] = set()

    @property
    def usage(self) -> dict[str, Any]:
        """What the run has cost so far, in all its processes: calls, tokens, cache hits, spans, and the cost in US
        dollars, None where the price is not known.
        """
        return usage(self.budget, self.client)

    def reset_usage(self) -> None:
        """Begin a new run: its limits are full again."""
        self.budget.tally.clear()

    def __call__(self, doc: Doc) -> Doc:
        for _ in self.pipe([doc]):
            pass
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Escalate a stream of documents, in order. The share of spans is taken batch by batch, and while a batch waits
        for its answers, earlier components work on the next ones.
        """
        waiting: deque[list[Task]] = deque()
        try:
            for batch in minibatch(stream, size=batch_size):
                docs = list(batch)
                with self._handling(*docs):
                    waiting.append(self._start(docs))
                if len(waiting) > BATCHES_AHEAD:
                    yield from self._finish(waiting[0])
                    waiting.popleft()
            while waiting:
                yield from self._finish(waiting[0])
                waiting.popleft()
        finally:
            for tasks in waiting:
                cancel(tasks)

    @contextmanager
    def _handling(self, *docs: Doc) -> Iterator[None]:
        """Leave errors to the error handler of the pipeline, which raises them unless it is told otherwise."""
        try:
            yield
        except Exception as error:
            self.get_error_handler()(self.name, self, list(docs), error)

    def _finish(self, tasks: list[Task]) -> Iterator[Doc]:
        for task in tasks:
            done = False
            with self._handling(task.doc):
                task.finish()
                done = True
            if done:
                yield task.doc

    def _start(self, docs: Sequence[Doc]) -> list[Task]:
        """Choose the doubtful spans of a batch and send what is to be asked."""
        if self.ontology is None and self._ontology_source is not None:
            self.ontology = load_ontology(self._ontology_source)
        idle = not self.run_in_training and in_training()
        read: list[tuple[Doc, Candidates]] = []
        doubts: list[Doubt] = []
        for doc in docs:
            with self._handling(doc):
                candidates = read_candidates(doc, self.spans_keys)
                if not idle:
                    doubts.append(self.policy(doc, candidates))
                read.append((doc, candidates))
        self._look_for_groups([doc for doc, _ in read])
        choices = choose([candidates for _, candidates in read], doubts, self.max_share)
        tasks: list[Task] = []
        windows: list[tuple[Window, Task]] = []
        for (doc, candidates), choice in zip(read, choices, strict=True):
            task = Task(self, doc, candidates, choice)
            with self._handling(doc):
                windows += [(window, task) for window in task.windows()]
                tasks.append(task)
        self.budget.tally.add({"documents": len(tasks), "spans": sum(len(task.candidates) for task in tasks)})
        # The most doubtful first, for the case that the budget does not reach for all.
        try:
            for window, task in sorted(windows, key=lambda pair: -pair[0].doubt):
                task.ask(window)
        except BaseException:
            cancel(tasks)
            raise
        return tasks

    def _look_for_groups(self, docs: Sequence[Doc]) -> None:
        """Warn where no document has a group to read, but has others with scores: `spans_key` is probably misspelt."""
        if docs and not any(key in doc.spans for doc in docs for key in self.spans_keys):
            others = {key for doc in docs for key, group in doc.spans.items() if "scores" in group.attrs}
            if others:
                self.warn_once("W107", keys=", ".join(self.spans_keys), others=", ".join(sorted(others)))

    def warn_once(self, code: str, **values: Any) -> None:
        if code not in self._warned:
            self._warned.add(code)
            warnings.warn(getattr(Warnings, code).format(name=self.name, **values), stacklevel=2)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the ontology table, if there is one. Nothing else is kept here: settings are in the config, answers in
        the cache, keys in the environment.
        """
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        if isinstance(self.ontology, TableOntology):
            srsly.write_json(path / ONTOLOGY_FILE, self.ontology.table)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "LLMEscalate":
        """Take the saved ontology where the file that the config names is not there."""
        file = Path(path) / ONTOLOGY_FILE
        if self.ontology is None and self._ontology_source is not None and file.is_file():
            self.ontology = load_ontology(file)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        table = self.ontology.table if isinstance(self.ontology, TableOntology) else None
        return srsly.msgpack_dumps({"ontology": table})

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "LLMEscalate":
        table = srsly.msgpack_loads(data)["ontology"]
        if self.ontology is None and self._ontology_source is not None and table is not None:
            self.ontology = load_ontology(table)
        return self


def cancel(tasks: Iterable[Task]) -> None:
    for task in tasks:
        task.cancel()


def in_training() -> bool:
    """RETURNS (bool): Whether `spacy train` is running this, which evaluates the whole pipeline again and again."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == "spacy.training.loop":
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False
