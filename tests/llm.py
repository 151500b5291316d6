"""What the tests of `llm_escalate` share: documents with candidates, and pipelines that ask a server on loopback."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import spacy
from chat_server import Answer
from spacy.language import Language
from spacy.tokens import Doc

from spacy_tiered_ner.spans import flat, write_ents, write_group

LABELS = ["person", "organization", "city"]
EVERYTHING = {"@misc": "spacy-tiered-ner.score_band_policy.v1", "low": 0.0, "high": 1.0}
Found = Sequence[tuple[str, str, float]]
TEXT = "Acme Corp met Paris Hilton in Rome."
FOUND = [("Acme Corp", "person", 0.6), ("Paris Hilton", "person", 0.6), ("Rome", "city", 0.4)]


def instructor_client(url: str, **more: Any) -> dict[str, Any]:
    return {"@misc": "spacy-tiered-ner.instructor_client.v1", "model": "openai/test", "base_url": url, **more}


def escalating(url: str | None, client: dict[str, Any] | None = None, **config: Any) -> Language:
    """A pipeline of `llm_escalate` alone, which asks about every candidate unless told otherwise.

    client: All of a client where there is no `url`, otherwise settings beside those of `instructor_client`.
    """
    nlp = spacy.blank("en")
    asked = {"labels": LABELS, "policy": EVERYTHING, "max_share": 1.0, "retries": 0, "context_sentences": 0}
    connection = client if url is None else instructor_client(url, **(client or {}))
    nlp.add_pipe("llm_escalate", config={**asked, "client": connection, **config})
    return nlp


def candidate_doc(nlp: Language, text: str, found: Found, group: str = "gliner") -> Doc:
    """A document as `gliner_ner` leaves it: (phrase, label, score), each where the phrase first stands."""
    doc = nlp.make_doc(text)
    spans = [doc.char_span(text.index(p), text.index(p) + len(p), label=label) for p, label, _ in found]
    scores = [score for _, _, score in found]
    write_group(doc, group, spans, scores, "gliner")
    high = [i for i, score in enumerate(scores) if score > 0.5]
    write_ents(doc, flat([spans[i] for i in high], [scores[i] for i in high]), overwrite=False)
    return doc


def tiered(doc: Doc) -> list[tuple[str, str, float, str]]:
    group = doc.spans["tiered"]
    scores = [round(score, 3) for score in group.attrs["scores"].tolist()]
    return [(s.text, s.label_, score, tier) for s, score, tier in zip(group, scores, group.attrs["tiers"], strict=True)]


def ledger(doc: Doc) -> dict[str, Any]:
    return doc._.tiered_ner["llm_escalate"]


def always(content: str = "", **more: Any) -> Callable[[dict[str, Any]], Answer]:
    return lambda body: Answer(content, **more)


def in_turn(*answers: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    """The last one stays."""
    left = list(answers)

    def answer(body: dict[str, Any]) -> Answer:
        return (left.pop(0) if len(left) > 1 else left[0])(body)

    return answer


def run(url: str, text: str = TEXT, found: Found = FOUND, **config: Any) -> Any:
    nlp = escalating(url, **config)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        doc = nlp(candidate_doc(nlp, text, found))
    return (
        doc,
        nlp.get_pipe("llm_escalate"),
        [str(warning.message) for warning in caught if "[W10" in str(warning.message)],
    )
