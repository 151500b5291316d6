"""Parts of the teacher: agreement, simulated errors, and guidelines that the encoder reads too."""

from pathlib import Path

import pytest
import spacy
import srsly
from conftest import entities

from spacy_tiered_ner.evaluation.metrics import CharSpan, strict_score
from spacy_tiered_ner.gliner.labels import parse_labels
from spacy_tiered_ner.llm.answers import Decision
from spacy_tiered_ner.teacher.agreement import decide, unanimous
from spacy_tiered_ner.teacher.corruption import corrupt
from spacy_tiered_ner.teacher.files import build_guidelines_v1, read_guidelines
from spacy_tiered_ner.teacher.records import span_of

ASSETS = Path(__file__).parent.parent / "assets"
CORK, CORK_STAR, SHIP = Decision(0, 1, "port"), Decision(0, 2, "ship"), Decision(0, 1, "ship")
LATER = Decision(5, 6, "port")

VOTES = [
    ([{CORK, LATER}], None, {CORK: 1.0, LATER: 1.0}),
    ([{CORK}, {CORK, LATER}], None, {CORK: 1.0, LATER: 0.5}),
    ([{CORK}, set(), set()], None, {}),
    ([{CORK}, {CORK_STAR}], None, {CORK_STAR: 0.5}),
    ([{CORK}, {CORK_STAR}, {CORK}], None, {CORK: 2 / 3}),
    ([{CORK, CORK_STAR}, {CORK, CORK_STAR}], None, {CORK: 1.0, CORK_STAR: 1.0}),
    ([{CORK}, {SHIP}, {SHIP}], None, {SHIP: 2 / 3}),
    ([{CORK}, {SHIP}], {SHIP}, {SHIP: 2 / 3}),
    ([{CORK}, set()], set(), {}),
    ([{CORK}, {CORK, LATER}], {SHIP, LATER}, {SHIP: 1 / 3, LATER: 2 / 3}),
    ([], None, {}),
]


@pytest.mark.parametrize(("votes", "arbiter", "expected"), VOTES)
def test_votes(votes, arbiter, expected):
    ballots = [frozenset(vote) for vote in votes]
    assert decide(ballots, None if arbiter is None else frozenset(arbiter)) == pytest.approx(expected)
    assert unanimous(ballots) == (len({*ballots}) <= 1)


def gold() -> list[tuple[str, list[CharSpan]]]:
    rows = [*srsly.read_jsonl(ASSETS / "dev.jsonl"), *srsly.read_jsonl(ASSETS / "test.jsonl")]
    return [(row["text"], [span_of(span) for span in row["spans"]]) for row in rows]


def with_errors(share: float, seed: int, systematic: bool = False) -> list[list[CharSpan]]:
    labels = list(read_guidelines(ASSETS / "guidelines.yaml"))
    settings = {"share": share, "seed": seed, "systematic": systematic}
    return [corrupt(text, spans, labels, **settings) for text, spans in gold()]


@pytest.mark.parametrize("systematic", [False, True])
@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 1.0, 1.0), (0.11, 0.87, 0.93), (0.3, 0.65, 0.77)])
def test_errors_are_as_many_as_documented(share, low, high, systematic):
    scores = [
        strict_score(map(set, with_errors(share, seed, systematic)), [set(spans) for _, spans in gold()]).f1
        for seed in range(5)
    ]
    assert low <= sum(scores) / len(scores) <= high


def test_errors_are_of_every_kind_and_come_from_the_seed_alone():
    first = with_errors(0.2, 3)
    assert first == with_errors(0.2, 3) != with_errors(0.2, 4)
    missed = moved = relabelled = spurious = 0
    for found, (text, spans) in zip(first, gold(), strict=True):
        assert all(0 <= start < end <= len(text) for start, end, _ in found)
        borders = {span[:2]: span.label for span in found}
        for span in spans:
            touching = [other for other in found if other.start < span.end and span.start < other.end]
            missed += not touching
            relabelled += borders.get(span[:2], span.label) != span.label
            moved += any(other[:2] != span[:2] and other.label == span.label for other in touching)
        spurious += sum(all(f.end <= s.start or s.end <= f.start for s in spans) for f in found)
    assert missed > moved > relabelled > 10
    assert spurious > 10


def test_systematic_errors_repeat_wherever_a_phrase_occurs():
    labels = list(read_guidelines(ASSETS / "guidelines.yaml"))
    outcomes: dict[str, set[str]] = {}
    for text, spans in gold():
        found = {span[:2]: span.label for span in corrupt(text, spans, labels, share=0.3, seed=1, systematic=True)}
        for span in spans:
            if span.label == "fault":
                phrase = text[span.start : span.end].casefold()
                outcomes.setdefault(phrase, set()).add(found.get(span[:2], "missing"))
    assert {len(labels) for labels in outcomes.values()} == {1}
    assert {"fault", "missing"} <= {label for (label,) in outcomes.values()}


def test_one_file_of_guidelines_for_people_models_and_encoder(tmp_path):
    path = tmp_path / "guidelines.yaml"
    table = {
        "VESSEL": {
            "prompts": ["ship", "boat"],
            "description": "a named vessel",
            "positive": ["Heron"],
            "threshold": 0.4,
        },
        "PORT": "a named harbour",
        "city": None,
    }
    srsly.write_yaml(path, table)
    assert [guideline.description for guideline in read_guidelines(path).values()] == [
        "a named vessel",
        "a named harbour",
        "",
    ]
    given = build_guidelines_v1(path)
    labels = parse_labels(given)
    assert labels.names == ("VESSEL", "PORT", "city")
    assert labels.prompts == (("ship", "boat"), ("PORT",), ("city",))
    assert labels.thresholds == (0.4, None, None)
    assert build_guidelines_v1(None) is None
    assert parse_labels({"VESSEL": table["VESSEL"]}).prompts == (("ship: a named vessel", "boat: a named vessel"),)
    config = {
        "nlp": {"lang": "en", "pipeline": ["gliner_ner"]},
        "components": {"gliner_ner": {"factory": "gliner_ner"}},
        "initialize": {
            "components": {"gliner_ner": {"labels": {"@readers": "spacy-tiered-ner.guidelines.v1", "path": str(path)}}}
        },
    }
    nlp = spacy.blank("en").from_config(config)
    nlp.initialize()
    nlp.to_disk(tmp_path / "pipeline")
    path.unlink()
    again = spacy.load(tmp_path / "pipeline")
    assert again.get_pipe("gliner_ner").labels == ("VESSEL", "PORT", "city")
    assert ("Paris", "city") in entities(again("The boat left Paris."))
