"""The parts of review: offsets of tools, the choice of texts, and agreement."""

import pytest
import srsly
from test_review import line

from spacy_tiered_ner.teacher.kappa import cohen_kappa, word_labels
from spacy_tiered_ner.teacher.records import read_teacher
from spacy_tiered_ner.teacher.review.answers import GivenSpan
from spacy_tiered_ner.teacher.review.offsets import place
from spacy_tiered_ner.teacher.selection import DOUBT, RANDOM, RARE, UNEVEN, select

TEXT = "The 🚢 Heron\r\nleft 👨‍👩‍👧 Cork"


@pytest.mark.parametrize(
    ("given", "quoted", "expected", "mended", "unsure"),
    [
        ((6, 11), "Heron", "Heron", 0, 0),
        ((7, 12), "Heron", "Heron", 1, 0),
        ((6, 11), None, "Heron", 0, 0),
        ((7, 12), None, "Heron", 1, 0),
        ((12, 16), "left", "left", 1, 0),  # without the carriage return
        ((12, 16), None, "left", 1, 0),
        ((6, 17), "Heron\\nleft", "Heron\r\nleft", 0, 0),
        ((6, 12), "Heron ", "Heron", 0, 0),
        ((24, 28), "Cork", "Cork", 0, 0),
        ((28, 32), "Cork", "Cork", 1, 0),
        ((0, 4), "Cork", "Cork", 1, 0),  # it stands there once
        ((0, 4), "Rome", None, 0, 0),
        ((99, 104), None, None, 0, 0),
        ((4, 5), None, "🚢", 0, 0),
        ((4, 6), "🚢", "🚢", 0, 0),
    ],
)
def test_offsets(given, quoted, expected, mended, unsure):
    placed = place(TEXT, [GivenSpan(*given, "x", quoted)])
    assert [TEXT[span.start : span.end] for span in placed.spans] == [expected][: expected is not None]
    assert (placed.mended, len(placed.lost)) == (mended, expected is None)
    assert placed.unsure == unsure


def test_offsets_are_read_alike_in_an_answer():
    """One span alone could be read in two ways; the others of the answer tell which, or it is counted as unsure."""
    text = "😀 a b c d"
    placed = place(text, [GivenSpan(5, 6, "x"), GivenSpan(7, 8, "x"), GivenSpan(9, 10, "x")])
    assert {text[span.start] for span in placed.spans} == {"b", "c", "d"}
    assert placed.mended == 3
    unsure = place("😀😀 a b", [GivenSpan(5, 6, "x")])
    assert (len(unsure.spans), unsure.unsure) == (1, 1)


def test_annotations_inside_words_stay():
    """Without word borders, as in Chinese, or with parts of words, plain offsets are what they are."""
    for text, given in (("北京是中国的首都", (0, 2)), ("Nonstop", (3, 7))):
        placed = place(text, [GivenSpan(*given, "x")])
        assert (*next(iter(placed.spans))[:2], placed.mended, placed.unsure) == (*given, 0, 0)


def test_selection(tmp_path):
    """A part at random, the rest in turn from doubtful, uneven and rare texts; reviewed texts are left out."""
    rows = []
    for number in range(200):
        text = f"Text {number}: the Heron left Cork."
        rows.append(line(number, [("Heron", "ship"), ("Cork", "port")], text))
        for span in rows[-1]["spans"]:
            span["confidence"] = 1.0
    rows[50]["spans"][0]["confidence"] = 0.4
    rows[51]["spans"][0]["confidence"] = 0.3
    rows[52]["meta"]["ambiguous"] = [{"start": 0, "end": 4, "label": "ship"}]
    rows[60]["spans"][1]["label"] = "cargo"
    rows[61]["spans"] = rows[61]["spans"][:1]
    rows[70]["review"] = [{"reviewer": "ada", "time": None, "spans": []}]
    srsly.write_jsonl(tmp_path / "t.jsonl", rows)
    records = read_teacher(tmp_path / "t.jsonl")
    chosen = select(records, 9, 0.0)
    by_reason = {reason: {id for id in chosen if chosen[id] == reason} for reason in (DOUBT, UNEVEN, RARE)}
    assert next(iter(chosen)) == "doc52"
    assert by_reason[DOUBT] == {"doc52", "doc51", "doc50"}
    assert by_reason[UNEVEN] == {"doc60", "doc61"}
    assert len(by_reason[RARE]) == 4
    assert len(chosen) == 9
    drawn = select(records, 60, 0.5)
    assert list(drawn.values()).count(RANDOM) == 30
    assert select(records, 60, 0.5) == drawn != select(records, 60, 0.5, seed=1)
    assert "doc70" not in select(records, 200, 1.0)
    assert len(select(records, 1000, 1.0)) == 199


def test_random_share_is_unbiased(tmp_path):
    """Over many seeds every text is drawn equally often, doubtful or not."""
    rows = [line(number, [("ship", "ship")], f"ship {number}") for number in range(20)]
    for row in rows[:10]:
        row["spans"][0]["confidence"] = 0.1
    srsly.write_jsonl(tmp_path / "t.jsonl", rows)
    records = read_teacher(tmp_path / "t.jsonl")
    drawn = [id for seed in range(100) for id, why in select(records, 10, 0.5, seed).items() if why == RANDOM]
    doubtful = sum(int(id.removeprefix("doc")) < 10 for id in drawn)
    assert doubtful / len(drawn) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(
    ("first", "second", "kappa"),
    [
        ("yyyyyyyyyyyyyyyyyyyyyyyyynnnnnnnnnnnnnnnnnnnnnnnnn", None, 0.4),
        ("ynyn", "ynyn", 1),
        ("ynyn", "nyny", -1),
        ("yyyy", "yyyy", 1),
        ("yynn", "ynyn", 0),
    ],
)
def test_kappa(first, second, kappa):
    """The first case is 20 times both yes, 5 and 10 times one of them, 15 times both no."""
    if second is None:
        first, second = "y" * 20 + "y" * 5 + "n" * 10 + "n" * 15, "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15
    assert cohen_kappa(first, second) == pytest.approx(kappa)


def test_word_labels():
    assert word_labels("Port of Cork!", [(0, 12, "port"), (8, 12, "city")]) == ["port", "port", "city + port", ""]
