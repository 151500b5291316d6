"""Annotated texts in (JSONL, passages, DocBin) and out (`python -m spacy tiered convert`)."""

import gzip
import json
import re

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_tiered_ner.cli import tiered
from spacy_tiered_ner.corpus import Record, make_doc, parse_passage, read_corpus, read_records, split_docs
from spacy_tiered_ner.spans import write_gold, write_group

NESTED = "The University of Leeds opened."
ROWS = [
    {
        "text": NESTED,
        "spans": [
            {"start": 18, "end": 23, "label": "city"},
            {"start": 4, "end": 23, "label": "university"},
            {"start": 4, "end": 23, "label": "organization"},
        ],
        "labels": ["city", "university", "organization", "river"],
    },
    {"text": "👩‍🚀🚀 Ada flew to 東京 on Monday.", "spans": [{"start": 5, "end": 8, "label": "person"}]},
    {"text": "Nothing to see here.", "spans": []},
]
PASSAGE = "The [University of [Leeds|city]|university;organization] [opened|event]. ## river; city ; opera"


@pytest.fixture
def nlp():
    return spacy.blank("en")


def write_jsonl(path, rows):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf8") as file:
        file.write(text)
    return path


def read(path, nlp, **settings):
    return list(read_corpus(path, nlp, **settings))


def gold(doc, key="gliner"):
    return [(span.text, span.label_) for span in doc.spans[key]]


def ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def convert(*args):
    return CliRunner().invoke(tiered, ["convert", *map(str, args)])


def flat(text):
    return " ".join(text.split())


@pytest.mark.parametrize("name", ["texts.jsonl", "texts.jsonl.gz", "TEXTS.JSONL"])
def test_jsonl(nlp, tmp_path, name):
    nested, emoji, empty = read(write_jsonl(tmp_path / name, ROWS), nlp)
    assert gold(nested) == [
        ("University of Leeds", "university"),
        ("University of Leeds", "organization"),
        ("Leeds", "city"),
    ]
    assert nested.spans["gliner"].attrs == {}
    assert ents(nested) == [("University of Leeds", "university")]
    assert nested._.gliner_labels == ["city", "university", "organization", "river"]
    assert gold(emoji) == ents(emoji) == [("Ada", "person")]
    assert emoji._.gliner_labels is None
    assert gold(empty) == ents(empty) == []
    assert empty.has_annotation("ENT_IOB")


def test_records_are_as_annotated(tmp_path):
    first, _, last = read_records(write_jsonl(tmp_path / "texts.jsonl", ROWS))
    spans = [(18, 23, "city"), (4, 23, "university"), (4, 23, "organization")]
    assert first == Record(NESTED, spans, ["city", "university", "organization", "river"])
    assert last == Record("Nothing to see here.", [], None)


def test_line_separators_in_a_text_byte_order_mark_and_empty_lines(nlp, tmp_path):
    path = tmp_path / "texts.jsonl"
    row = json.dumps({"text": "Rain\u2028in\x85Oslo", "spans": [{"start": 8, "end": 12, "label": "city"}]})
    path.write_text(f"{row}\n\n{row}\n\n".encode().decode("unicode_escape"), encoding="utf-8-sig", newline="\r\n")
    assert [gold(doc) for doc in read(path, nlp)] == [[("Oslo", "city")]] * 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "JSONDecodeError"),
        ("[" * 100_000, "RecursionError"),
        ("[]", "TypeError"),
        ('{"spans": []}', "KeyError: 'text'"),
        ('{"text": "a"}', "KeyError: 'spans'"),
        ('{"text": 3, "spans": []}', "`text` is 3"),
        (r'{"text": "\ud800", "spans": []}', "surrogates"),
        ('{"text": "a", "spans": ""}', "`spans` is ''"),
        ('{"text": "a", "spans": [{"start": 0, "end": 1}]}', "KeyError: 'label'"),
        ('{"text": "ab", "spans": [{"start": 0, "end": 3, "label": "x"}]}', "0:3 is empty or outside .* 2 characters"),
        ('{"text": "ab", "spans": [{"start": -1, "end": 1, "label": "x"}]}', "-1:1 is empty or outside"),
        ('{"text": "ab", "spans": [{"start": 1, "end": 1, "label": "x"}]}', "1:1 is empty"),
        ('{"text": "ab", "spans": [{"start": 2, "end": 0, "label": "x"}]}', "2:0 is empty"),
        ('{"text": "a b", "spans": [{"start": 1, "end": 2, "label": "x"}]}', "1:2 holds only white space"),
        ('{"text": "ab", "spans": [{"start": 0, "end": 1.0, "label": "x"}]}', "0 and 1.0 are not whole"),
        ('{"text": "ab", "spans": [{"start": "0", "end": 1, "label": "x"}]}', "'0' and 1 are not whole"),
        ('{"text": "ab", "spans": [{"start": false, "end": true, "label": "x"}]}', "not whole"),
        ('{"text": "ab", "spans": [{"start": 0, "end": 1, "label": " "}]}', "label ' '"),
        ('{"text": "ab", "spans": [{"start": 0, "end": 1, "label": 7}]}', "label 7"),
        ('{"text": "ab", "spans": [], "labels": "city"}', "`labels` is 'city'"),
        ('{"text": "ab", "spans": [], "labels": ["city", null]}', "label None"),
    ],
)
def test_bad_lines_are_named(nlp, tmp_path, line, reason):
    path = write_jsonl(tmp_path / "bad.jsonl", ROWS)
    with path.open("a", encoding="utf8") as file:
        file.write(line)
    with pytest.raises(ValueError, match=rf"(?s)T043.*bad\.jsonl, line 4: .*{reason}"):
        read(path, nlp)


def test_line_that_is_not_utf8_is_named(nlp, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b'{"text": "a", "spans": []}\n{"text": "\xff", "spans": []}\n')
    with pytest.raises(ValueError, match=r"T043.*line 2: UnicodeDecodeError"):
        read(path, nlp)


@pytest.mark.parametrize(
    ("text", "border", "expected", "moved"),
    [
        ("from Oslo to Bergen", (5, 9), "Oslo", 0),
        ("from Oslo to Bergen", (6, 8), "Oslo", 1),
        ("from Oslo to Bergen", (4, 10), "Oslo", 1),
        ("from Oslo\n\nto Bergen", (5, 11), "Oslo", 1),
        ("from Oslo to Bergen", (6, 15), "Oslo to Bergen", 1),
        ("飛んで東京へ", (3, 5), "飛んで東京へ", 1),
        ("👩‍🚀 in Oslo 🚀", (7, 11), "Oslo", 0),
    ],
)
def test_spans_move_to_token_borders_and_are_counted(nlp, text, border, expected, moved):
    doc = make_doc(Record(text, [(*border, "place")], None), nlp)
    assert gold(doc) == ents(doc) == [(expected, "place")]
    assert (doc._.tiered_ner or {}).get("corpus", {}).get("misaligned", 0) == moved


def test_tokenizer_is_the_pipelines():
    doc = make_doc(Record("飛んで東京へ", [(3, 5, "city")], None), spacy.blank("zh"))
    assert gold(doc) == [("東京", "city")]


def test_passages(nlp, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text(f"\n{PASSAGE}\n  \nNo markup: 3 | 4.\n", encoding="utf8")
    nested, plain = read(path, nlp)
    assert nested.text == NESTED
    assert gold(nested) == [
        ("University of Leeds", "university"),
        ("University of Leeds", "organization"),
        ("Leeds", "city"),
        ("opened", "event"),
    ]
    assert ents(nested) == [("University of Leeds", "university"), ("opened", "event")]
    assert sorted(nested._.gliner_labels) == ["city", "event", "opera", "organization", "river", "university"]
    assert plain.text == "No markup: 3 | 4."
    assert gold(plain) == []
    assert plain._.gliner_labels is None


def test_parse_passage():
    text, spans, absent = parse_passage(PASSAGE)
    assert [(text[start:end], labels) for start, end, labels in spans] == [
        ("Leeds", ("city",)),
        ("University of Leeds", ("university", "organization")),
        ("opened", ("event",)),
    ]
    assert absent == ("river", "city", "opera")


@pytest.mark.parametrize("line", ["[Leeds|city", "[Leeds]", "[Leeds|]", "[Leeds|;]", "[|city]", "[[Leeds|city]"])
def test_bad_passages_are_named(nlp, tmp_path, line):
    path = tmp_path / "bad.txt"
    path.write_text(f"{PASSAGE}\nIn {line}", encoding="utf8")
    with pytest.raises(ValueError, match=r"T060.*bad\.txt, line 2"):
        read(path, nlp)


def test_directory_is_read_in_order_with_every_kind_of_file(nlp, tmp_path):
    (tmp_path / "inner").mkdir()
    write_jsonl(tmp_path / "inner" / "c.jsonl", ROWS[:1])
    write_jsonl(tmp_path / "a.jsonl.gz", ROWS[2:])
    (tmp_path / "b.txt").write_text(PASSAGE, encoding="utf8")
    (tmp_path / "README.md").write_text("[", encoding="utf8")
    (tmp_path / ".hidden.txt").write_text("[", encoding="utf8")
    DocBin(docs=[make_doc(Record("Oslo", [(0, 4, "city")], None), nlp)]).to_disk(tmp_path / "d.spacy")
    texts = [doc.text for doc in read(tmp_path, nlp)]
    assert texts == ["Nothing to see here.", NESTED, "Oslo", NESTED]


def test_docbin_keeps_everything(tmp_path, nlp):
    docs = read(write_jsonl(tmp_path / "texts.jsonl", ROWS), nlp)
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "texts.spacy")
    again = read(tmp_path / "texts.spacy", spacy.blank("en"))
    assert [doc.text for doc in again] == [row["text"] for row in ROWS]
    assert [gold(doc) for doc in again] == [gold(doc) for doc in docs]
    assert [ents(doc) for doc in again] == [ents(doc) for doc in docs]
    assert list(again[0]._.gliner_labels) == ROWS[0]["labels"]
    assert again[1]._.gliner_labels is None


def test_empty_text(nlp, tmp_path):
    docs = read(write_jsonl(tmp_path / "texts.jsonl", [{"text": "", "spans": []}, ROWS[0]]), nlp)
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "texts.spacy")
    assert [len(gold(doc)) for doc in read(tmp_path / "texts.spacy", nlp)] == [0, 3]


def test_docbin_with_entities_only_with_group_only_and_with_both(nlp, tmp_path):
    docs = [nlp("Ada Lovelace wrote") for _ in range(4)]
    docs[0].set_ents([Span(docs[0], 0, 2, "person")])
    docs[1].spans["gliner"] = [Span(docs[1], 0, 1, "name"), Span(docs[1], 0, 2, "person")]
    docs[2].spans["gliner"] = [Span(docs[2], 0, 1, "name")]
    docs[2].set_ents([Span(docs[2], 0, 2, "PERSON")])
    write_group(docs[3], "gliner", [Span(docs[3], 0, 1, "name")], [0.4], "gliner", [""], [0.0])
    docs[3].set_ents([])
    DocBin(docs=docs).to_disk(tmp_path / "texts.spacy")
    found = read(tmp_path / "texts.spacy", nlp)
    person, name = ("Ada Lovelace", "person"), ("Ada", "name")
    assert [gold(doc) for doc in found] == [[person], [person, name], [name], []]
    assert [ents(doc) for doc in found] == [[person], [person], [("Ada Lovelace", "PERSON")], []]
    assert found[3].spans["gliner"].attrs == {}


def test_docbin_without_annotation_names_its_groups(nlp, tmp_path):
    doc = nlp("Ada Lovelace wrote")
    doc.spans["sc"] = [doc[:2]]
    DocBin(docs=[doc]).to_disk(tmp_path / "texts.spacy")
    with pytest.raises(ValueError, match=r"T063.*texts\.spacy, document 1.*'gliner'.*\['sc'\]"):
        read(tmp_path / "texts.spacy", nlp)
    assert len(read(tmp_path / "texts.spacy", nlp, spans_key="sc")) == 1


@pytest.mark.parametrize("name", ["texts.spacy", "texts.jsonl.gz", "short.jsonl.gz"])
def test_damaged_files(nlp, tmp_path, name):
    whole = write_jsonl(tmp_path / "whole.jsonl.gz", ROWS).read_bytes()
    (tmp_path / name).write_bytes(whole[:40] if name.startswith("short") else b"no such format")
    with pytest.raises(ValueError, match=rf"T062.*{re.escape(name)}"):
        read(tmp_path / name, nlp)


@pytest.mark.parametrize("name", ["missing.jsonl", "notes.md", "empty"])
def test_no_corpus(nlp, tmp_path, name):
    (tmp_path / "notes.md").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="T061"):
        read(tmp_path / name, nlp)


def test_write_gold(nlp):
    doc = Doc(nlp.vocab, words=list("abcdef"))
    places = [(2, 3, "L"), (0, 2, "B"), (0, 2, "A"), (1, 4, "L"), (0, 2, "B"), (0, 1, "L"), (5, 6, "L")]
    write_gold(doc, "key", [Span(doc, *place) for place in places])
    found = [(span.start, span.end, span.label_) for span in doc.spans["key"]]
    assert found == [(0, 2, "B"), (0, 2, "A"), (0, 1, "L"), (1, 4, "L"), (2, 3, "L"), (5, 6, "L")]
    assert doc.spans["key"].attrs == {}
    assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == [(0, 1, "L"), (1, 4, "L"), (5, 6, "L")]
    write_gold(doc, "key", [Span(doc, 0, 6, "L")], ents=False)
    assert len(doc.spans["key"]) == 1
    assert len(doc.ents) == 3
    write_gold(doc, "key", [])
    assert len(doc.spans["key"]) == len(doc.ents) == 0


def test_split_is_deterministic_and_keeps_a_text_on_one_side(nlp):
    docs = [nlp.make_doc(f"Text {number % 40} ends{' ' * (1 + number % 3)}here.") for number in range(100)]
    train, dev = split_docs(docs, 0.25, seed=0)
    assert sorted([*train, *dev], key=docs.index) == docs
    assert [docs.index(doc) for doc in dev] == sorted(docs.index(doc) for doc in dev)
    words = [{doc[1].text for doc in side} for side in (train, dev)]
    assert words[0].isdisjoint(words[1])
    assert len(words[1]) == 10
    assert split_docs(docs, 0.25, seed=0) == (train, dev)
    assert split_docs(docs, 0.25, seed=1) != (train, dev)


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_both_sides_of_a_split_get_a_text(nlp, share):
    docs = [nlp.make_doc("a"), nlp.make_doc("b")]
    assert [len(side) for side in split_docs(docs, share, seed=0)] == [1, 1]


def test_convert(run_python, nlp, tmp_path):
    write_jsonl(
        tmp_path / "texts.jsonl", [*ROWS, {"text": "Oslo.", "spans": [{"start": 1, "end": 3, "label": "city"}]}]
    )
    printed = run_python("-m", "spacy", "tiered", "convert", "texts.jsonl", "out/texts.spacy", "--spans-key", "mine")
    assert [gold(doc, "mine") for doc in read(tmp_path / "out" / "texts.spacy", nlp, spans_key="mine")] == [
        [("University of Leeds", "university"), ("University of Leeds", "organization"), ("Leeds", "city")],
        [("Ada", "person")],
        [],
        [("Oslo", "city")],
    ]
    for row in (
        "Wrote 4 documents",
        "documents 4",
        "documents without spans 1",
        "spans 5",
        "spans not in doc.ents (nested, overlapping) 2",
        "spans moved to token borders 1",
        "labels 4",
        "city 2",
        "person 1",
    ):
        assert f" {row} " in f" {flat(printed)} "


def test_convert_and_split(nlp, tmp_path):
    rows = [{"text": f"Ship {number} left.", "spans": [], "labels": [f"label {number}"]} for number in range(10)]
    for number, row in enumerate(rows):
        row["spans"] = [{"start": 0, "end": 4, "label": f"label {kind}"} for kind in range(21 + number)]
    source = write_jsonl(tmp_path / "texts.jsonl", [*rows, *rows[:3]])
    results = [convert(source, tmp_path / name, "--split", 0.3, "--seed", 7) for name in ("a", "b")]
    assert "and 10 more labels" in flat(results[0].stdout)
    sides = [read(tmp_path / "a" / f"{side}.spacy", nlp) for side in ("train", "dev")]
    train, dev = ({doc.text for doc in side} for side in sides)
    assert train.isdisjoint(dev)
    assert (len(train), len(dev)) == (7, 3)
    assert sum(map(len, sides)) == 13
    assert {tuple(doc._.gliner_labels) for doc in sides[1]} <= {(f"label {number}",) for number in range(10)}
    again = [read(tmp_path / "b" / f"{side}.spacy", nlp) for side in ("train", "dev")]
    assert [[doc.text for doc in side] for side in again] == [[doc.text for doc in side] for side in sides]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["empty.jsonl", "out.spacy"], "T064"),
        (["texts.spacy", "texts.spacy"], "T065"),
        ([".", "out.spacy"], "T065"),
        ([".", "out", "--split", "0.5"], "T065"),
        (["texts.spacy", "out.jsonl"], "T066"),
        (["texts.spacy", "out.spacy", "--split", "0.5"], "T066"),
        (["texts.spacy", "empty.jsonl", "--split", "0.5"], "T066"),
        (["texts.spacy", "out", "--split", "1"], "T067"),
        (["texts.spacy", "out", "--split", "0.5"], "T068"),
        (["missing.jsonl", "out.spacy"], "T061"),
        (["texts.spacy", "out.spacy", "--lang", "klingon"], "E048"),
    ],
)
def test_convert_refuses(nlp, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.jsonl").write_text("\n", encoding="utf8")
    DocBin(docs=[make_doc(Record("Oslo", [(0, 4, "city")], None), nlp)]).to_disk("texts.spacy")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = convert(*args)
    assert result.exit_code == 1
    assert message in flat(result.stdout)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
