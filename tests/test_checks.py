"""Data checks, on data with planted problems."""

import json
import random

import numpy as np
import pytest
import srsly
from spacy.cli._util import app
from typer.testing import CliRunner

import spacy_tiered_ner.cli  # noqa: F401
from spacy_tiered_ner.evaluation.bootstrap import f1
from spacy_tiered_ner.evaluation.gold import GoldText
from spacy_tiered_ner.evaluation.metrics import CharSpan
from spacy_tiered_ner.teacher.checks import check_data, expected_interval
from spacy_tiered_ner.teacher.consistency import NO_LABEL, uneven_forms
from spacy_tiered_ner.teacher.near import equal_texts, near_texts

SHIPS = ["Heron", "Kestrel", "Gannet", "Otter", "Petrel", "Curlew", "Dunlin", "Plover"]
PORTS = ["Cork", "Varna", "Izmir", "Bergen", "Gdynia", "Mombasa"]
VERBS = ["left", "reached", "passed", "avoided", "forgot"]


def marked(text, *phrases, labels=None):
    """phrases: (phrase, label), where it first stands."""
    found = [CharSpan(text.index(p), text.index(p) + len(p), label) for p, label in phrases]
    return GoldText(text, frozenset(found), labels)


def corpus(size, seed):
    """Texts without any problem but their number; a text says the seed, so that two corpora share none."""
    rng = random.Random(seed)
    texts = []
    for number in range(size):
        ship, port = rng.choice(SHIPS), rng.choice(PORTS)
        words = (
            f"In week {number} of year {seed} the {ship} {rng.choice(VERBS)} {port} with {rng.randint(1, 999)} crates."
        )
        texts.append(marked(words, (ship, "ship"), (port, "port")))
    return texts


@pytest.fixture
def splits():
    return {"train": corpus(300, 1), "test": corpus(400, 2)}


def codes(report):
    return [finding[1:5] for finding in report["findings"]]


def test_nothing_to_find(splits):
    report = check_data(splits, max_width=12)
    assert report["findings"] == []
    assert report["seen"]["seen"] == report["seen"]["total"] == 800


def test_texts_in_two_splits(splits):
    text = splits["train"][7].text
    words = "The harbour master of Cork wrote to the owners that the pilot had been late for the third time that week."
    splits["train"].append(marked(words, ("Cork", "port")))
    splits["test"] += [
        marked("  " + text.upper().replace(" ", "  "), (splits["train"][7].text.split()[7].upper(), "ship")),
        marked(words.replace("pilot", "tug").replace("that week", "that month"), ("Cork", "port")),
        marked(f"It was cold. {words} Nobody answered.", ("Cork", "port")),
        marked("The harbour master of Cork wrote a poem about the sea, and about his owners' gold.", ("Cork", "port")),
    ]
    splits["train"].append(splits["train"][0])
    report = check_data(splits, max_width=12)
    assert report["duplicates"]["equal"] == {"test in train": [(400, 7)]}
    assert [pair[:2] for pair in report["duplicates"]["near"]["test in train"]] == [(401, 300), (402, 300)]
    assert report["duplicates"]["within"] == {"train": [301], "test": []}
    assert codes(report) == ["W304", "W305", "W306"]
    assert "number 401 as number 8" in report["findings"][1]


def test_near_texts_of_other_words_are_none():
    """Short texts and a common beginning are no evidence."""
    assert near_texts(["Thank you very much"], ["Thank you very much indeed"]) == []
    assert equal_texts(["Thank you"], ["thank  YOU\n"])
    assert near_texts([text.text for text in corpus(50, 3)], [text.text for text in corpus(200, 4)]) == []


def test_development_data_is_compared_too(splits):
    splits["dev"] = splits["test"][:3]
    assert check_data(splits, max_width=12)["duplicates"]["equal"] == {
        "test in train": [],
        "dev in train": [],
        "dev in test": [(0, 0), (1, 1), (2, 2)],
    }


def test_labels_and_widths(splits):
    long = "the wreck that lies on its side in the shallow water off the northern tip of the island"
    splits["train"] += [marked(f"Mind {long}.", (long, "place")), marked("A gull.", ("gull", "bird"))] * 3
    splits["train"] = [GoldText(f"{n} {t.text}", moved(t, n), None) for n, t in enumerate(splits["train"])]
    splits["test"].append(marked("Sir Hugh fell ill.", ("Sir Hugh", "person")))
    report = check_data(splits, max_width=12)
    assert report["wide"] == {"train": {"place": 3}, "test": {}}
    assert report["labels"]["bird"] == {"train": 3, "test": 0}
    assert codes(report) == ["W307", "W308", "W309"]
    assert "person" in report["findings"][0]
    assert "place, bird" in report["findings"][1] or "bird, place" in report["findings"][1]


def moved(text, number):
    shift = len(f"{number} ")
    return frozenset(CharSpan(start + shift, end + shift, label) for start, end, label in text.spans)


def test_unseen_entities():
    train, test = [marked("The Heron in Cork", ("Heron", "ship"), ("Cork", "port"))], corpus(100, 5)
    report = check_data({"train": train, "test": test}, max_width=12)
    ships = sum("Heron" in text.text for text in test)
    assert report["seen"]["by_label"]["ship"] == {"seen": ships, "total": 100}


def test_uneven_labels(splits):
    train = splits["train"]
    train += [
        marked("Last year the Heron sank.", ("Heron", "bird")),
        marked("A Heron was seen. The Heron was grey."),
        marked("The Royal Heron Hotel closed.", ("Royal Heron Hotel", "hotel")),
        marked("A Heron flew by.", labels=frozenset({"hotel"})),
        marked("A heron flew by."),
    ]
    (form,) = uneven_forms(train)
    ships = sum("Heron" in text.text for text in corpus(300, 1))
    assert form.form == "Heron"
    assert form.counts == {"ship": ships, NO_LABEL: 2, "bird": 1}
    assert form.documents == [300, 301]
    report = check_data(splits, max_width=12)
    assert "W311" in codes(report)


@pytest.mark.parametrize(("entities", "documents"), [(1, 100), (3, 60), (2, 400)])
def test_expected_interval_is_what_happens(entities, documents):
    """The width is that of the F1 of many test sets on which a system finds 80 %."""
    texts = [GoldText("x" * 99, frozenset(CharSpan(i, i + 1, "A") for i in range(entities)), None)] * documents
    rng = np.random.default_rng(7)
    total = entities * documents
    found, spurious = rng.binomial(total, 0.8, 4000), rng.poisson(0.2 * total, 4000)
    low, high = np.percentile(f1(np.stack([found, found + spurious, np.full(4000, total)], axis=1)), (2.5, 97.5))
    expected = expected_interval(texts)
    assert expected["width"] == pytest.approx(high - low, rel=0.2)
    more = expected_interval(texts * round(expected["documents_needed"] / documents + 1))
    assert more["width"] < 0.1


def test_few_documents_are_told():
    report = check_data({"train": corpus(100, 1), "test": corpus(10, 2)}, max_width=12)
    assert codes(report) == ["W310"]
    assert report["interval"]["width"] > 0.2
    assert report["interval_per_label"]["ship"]["width"] > report["interval"]["width"]


def test_test_data_without_annotations():
    report = check_data({"train": corpus(100, 1), "test": [marked("Fog."), marked("Rain.")]}, max_width=12)
    assert report["interval"]["width"] == 1
    assert codes(report) == ["W310"]


def test_command(tmp_path):
    for name, texts in {"train": corpus(100, 1), "test": corpus(10, 2) + corpus(2, 1)}.items():
        rows = [{"text": t.text, "spans": [s._asdict() for s in t.spans]} for t in texts]
        srsly.write_jsonl(tmp_path / f"{name}.jsonl", rows)
    arguments = ["tiered", "check", str(tmp_path / "train.jsonl"), str(tmp_path / "test.jsonl")]
    result = CliRunner().invoke(app, [*arguments, "--json", str(tmp_path / "out" / "check.json"), "--max-width", "1"])
    assert result.exit_code == 0, result.stdout
    assert "W305" in result.stdout
    assert "W310" in result.stdout
    report = json.loads((tmp_path / "out" / "check.json").read_text(encoding="utf8"))
    assert report["documents"] == {"train": 100, "test": 12}
    missing = CliRunner().invoke(app, [*arguments[:3], str(tmp_path / "nothing.jsonl")])
    assert missing.exit_code == 1
    assert "T061" in missing.stdout
