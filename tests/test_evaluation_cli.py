"""`python -m spacy tiered evaluate` with the starter model and with files of predictions."""

import json
import re
import warnings
from html import escape

import pytest
import spacy
import srsly
from annotated import GROUP, TEXTS, write_docbin
from spacy.cli._util import app
from spacy.tokens import DocBin
from typer.testing import CliRunner

import spacy_tiered_ner.cli  # noqa: F401
from spacy_tiered_ner.spans import write_group

LABELS = ["VESSEL", "PORT", "CITY", "CARGO"]


def evaluate(*arguments):
    return CliRunner().invoke(app, ["tiered", "evaluate", *map(str, arguments)])


def flat(output):
    return " ".join(output.split())


def line(text, phrases, **more):
    spans = [
        {"start": text.index(phrase), "end": text.index(phrase) + len(phrase), "label": label}
        for phrase, label in phrases
    ]
    return {"text": text, "spans": spans, **more}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Gold in JSONL and DocBin, predictions that miss every CITY and CARGO, and saved pipelines."""
    path = tmp_path_factory.mktemp("evaluate")
    srsly.write_jsonl(path / "gold.jsonl", [line(*text) for text in TEXTS])
    some = [line(text, [pair for pair in phrases if pair[1] in ("VESSEL", "PORT")]) for text, phrases in TEXTS]
    srsly.write_jsonl(path / "some.jsonl", some)
    write_docbin(path / "gold.spacy")
    labels = {"VESSEL": "ship", "PORT": "port", "CITY": "city", "CARGO": "goods"}
    for name, threshold in {"pipeline": 0.5, "careful": 0.9}.items():
        nlp = spacy.blank("en")
        nlp.add_pipe("gliner_ner", config={"labels": labels, "threshold": threshold})
        nlp.to_disk(path / name)
    return path


def test_everything(files, tmp_path):
    result = evaluate(
        files / "pipeline",
        files / "gold.jsonl",
        *("--compare", files / "careful"),
        *("--train", files / "gold.jsonl"),
        *("--validation", files / "gold.jsonl"),
        *("--spans-key", "gliner"),
        *("--output", tmp_path / "out" / "page.html"),
        *("--json", tmp_path / "metrics.json"),
    )
    assert result.exit_code == 0, result.stdout
    report = json.loads((tmp_path / "metrics.json").read_text(encoding="utf8"))
    assert report["measured"] == "doc.spans['gliner']"
    strict, nlp = report["strict"], spacy.load(files / "pipeline")
    pipe = nlp.get_pipe("gliner_ner")
    found = list(nlp.pipe(text for text, _ in TEXTS))
    above = sum((doc.spans["gliner"].attrs["scores"] > pipe.threshold).sum() for doc in found)
    assert strict["predicted"] == above
    assert strict["gold"] == sum(len(phrases) for _, phrases in TEXTS)
    assert strict["f1_interval"][0] <= strict["f1"] <= strict["f1_interval"][1]
    assert sum(row["gold"] for row in report["per_type"].values()) == strict["gold"]
    assert sum(row["correct"] for row in report["per_type"].values()) == strict["correct"]
    assert report["schemes"]["strict"]["correct"] == strict["correct"] <= report["schemes"]["exact"]["correct"]
    assert "flatters" in report["token"]["warning"]
    assert sum(map(sum, report["confusion"]["counts"])) >= strict["gold"]
    assert report["calibration"]["count"] == sum(len(doc.spans["gliner"]) for doc in found)
    assert set(report["thresholds"]["undecided"]) <= set(LABELS)
    assert report["cost_per_1000_documents"]["cpu_seconds"] > 0
    assert report["cost_per_1000_documents"]["component_seconds"]["gliner_ner"] > 0
    assert report["comparison"]["strict"]["predicted"] < strict["predicted"]
    assert 0 < report["comparison"]["difference"]["p_value"] <= 1
    assert report["strata"]["scores"]["in train"]["gold"] == strict["gold"]
    assert any("W303" in note for note in report["notes"])
    assert sum("W312" in note for note in report["notes"]) == 2
    page = (tmp_path / "out" / "page.html").read_text(encoding="utf8")
    assert page.count("<svg") == 4
    assert f"{100 * strict['f1']:.1f}" in page
    assert not re.search(r"<script|<link|src=|url\((?!#)|@import|https?://(?!www\.w3\.org)", page)


def test_file_of_predictions(files, tmp_path):
    """A teacher's labels are evaluated like a pipeline. What is missed by rule has its recall by hand."""
    result = evaluate(files / "some.jsonl", files / "gold.jsonl", "-k", "any", "-j", tmp_path / "m.json")
    assert result.exit_code == 0, result.stdout
    report = json.loads((tmp_path / "m.json").read_text(encoding="utf8"))
    recalls = {label: row["recall"] for label, row in report["per_type"].items()}
    assert recalls == {"VESSEL": 1, "PORT": 1, "CITY": 0, "CARGO": 0}
    assert report["strict"]["precision"] == 1
    assert report["calibration"] is None
    assert any("W301" in note and "CARGO, CITY" in note for note in report["notes"])
    perfect = evaluate(
        files / "gold.jsonl", files / "gold.jsonl", "-c", files / "some.jsonl", "-j", tmp_path / "m.json"
    )
    assert perfect.exit_code == 0
    report = json.loads((tmp_path / "m.json").read_text(encoding="utf8"))
    assert report["strict"]["f1"] == 1
    assert report["comparison"]["difference"]["f1"] > 0


def test_cost_and_confidence_of_a_teacher(tmp_path):
    """A teacher's file says what it cost and how sure it is; an unknown price stays unknown."""
    gold = [line(*text) for text in TEXTS]
    srsly.write_jsonl(tmp_path / "gold.jsonl", gold)
    for usage, money in (({"tokens": 500, "cost": 0.002}, 2), ({"tokens": 500, "cost": None}, None), (None, None)):
        rows = [{**row, "meta": {"usage": usage} if usage else {}} for row in gold]
        rows = [{**row, "spans": [{**span, "confidence": 0.75} for span in row["spans"]]} for row in rows]
        srsly.write_jsonl(tmp_path / "teacher.jsonl", rows)
        result = evaluate(tmp_path / "teacher.jsonl", tmp_path / "gold.jsonl", "-j", tmp_path / "m.json", "-k", "all")
        assert result.exit_code == 0, result.stdout
        report = json.loads((tmp_path / "m.json").read_text(encoding="utf8"))
        cost = report["cost_per_1000_documents"]
        assert cost["money"] == pytest.approx(money)
        assert cost["tokens"] == (pytest.approx(500_000) if usage else None)
        assert cost["cpu_seconds"] is None
        assert report["calibration"]["error"] == pytest.approx(0.25)


def test_odd_labels_on_the_page(tmp_path):
    """Labels and texts are shown as they are, whatever HTML or matplotlib would make of them."""
    labels = ["<b>bold</b>", "$x_$ & $y^$", "价格", "a\\b"]
    text = "<script>alert(1)</script> one two three four"
    rows = [line(text, list(zip(text.split()[1:], labels, strict=True)))]
    srsly.write_jsonl(tmp_path / "gold.jsonl", rows)
    srsly.write_jsonl(tmp_path / "found.jsonl", [{**rows[0], "spans": rows[0]["spans"][:3]}])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = evaluate(tmp_path / "found.jsonl", tmp_path / "gold.jsonl", "-o", tmp_path / "page.html")
    assert result.exit_code == 0, result.stdout
    page = (tmp_path / "page.html").read_text(encoding="utf8")
    for label in labels:
        assert page.count(escape(label, quote=False)) >= 3
    assert "<script" not in page
    assert "<b>bold" not in page


def test_flat_evaluation_says_what_it_leaves_out(files, tmp_path):
    """JSONL and DocBin count the same flat entities, and the nested ones are counted in a warning."""
    nested = sum(label == "CITY" for _, phrases in TEXTS for _, label in phrases)
    for gold in ("gold.jsonl", "gold.spacy"):
        result = evaluate(files / "gold.jsonl", files / gold, "-j", tmp_path / "m.json")
        report = json.loads((tmp_path / "m.json").read_text(encoding="utf8"))
        assert report["strict"]["f1"] == 1
        assert report["strict"]["gold"] == sum(len(phrases) for _, phrases in TEXTS) - nested
        if gold == "gold.jsonl":
            assert f"{nested} of" in flat(result.stdout)
            assert "W300" in result.stdout


def test_groups_of_docbins(files, tmp_path):
    """The only annotated group counts whatever its name; of several, --spans-key has to name one; predictions in the
    file do not count.
    """
    docs = list(DocBin().from_disk(files / "gold.spacy").get_docs(spacy.blank("en").vocab))
    total = sum(len(doc.spans[GROUP]) for doc in docs)
    for doc in docs:
        first = list(doc.spans[GROUP])[:1]
        write_group(doc, "sc", first, [0.5] * len(first), "x", [""] * len(first), [0.0] * len(first))
    DocBin(docs=docs).to_disk(tmp_path / "scored.spacy")
    for doc in docs:
        doc.spans["other"] = list(doc.spans[GROUP])[:1]
    DocBin(docs=docs).to_disk(tmp_path / "several.spacy")
    for gold, key, count in (("scored", "sc", total), ("several", GROUP, total), ("several", "sc", None)):
        result = evaluate(files / "gold.jsonl", tmp_path / f"{gold}.spacy", "-k", key, "-j", tmp_path / "m.json")
        if count is None:
            assert result.exit_code == 1
            assert "T303" in result.stdout
        else:
            assert result.exit_code == 0, result.stdout
            report = json.loads((tmp_path / "m.json").read_text(encoding="utf8"))
            assert (report["strict"]["gold"], report["strict"]["f1"]) == (count, 1)


def test_groups_of_two_pipelines(files, tmp_path):
    """Nested spans of pipelines with differently named groups are compared with --compare-spans-key."""
    nlp = spacy.blank("en")
    patterns = [{"label": label, "pattern": phrase} for _, phrases in TEXTS for phrase, label in phrases]
    nlp.add_pipe("span_ruler", config={"spans_key": "ruler"}).add_patterns(patterns)
    nlp.to_disk(tmp_path / "ruler")
    arguments = [tmp_path / "ruler", files / "gold.spacy", "-k", "ruler", "-c", files / "pipeline"]
    assert "T302" in evaluate(*arguments).stdout
    result = evaluate(*arguments, "--compare-spans-key", "gliner", "-j", tmp_path / "m.json")
    assert result.exit_code == 0, result.stdout
    report = json.loads((tmp_path / "m.json").read_text(encoding="utf8"))
    assert report["strict"]["recall"] == 1
    assert report["comparison"]["difference"]["f1"] > 0


def test_labels_nobody_looked_for(files, tmp_path):
    """Predictions with labels that the annotators did not look for are left out; --ask looks for theirs alone."""
    text = "The ferry Marta Lund left Bergen for Oslo on 3 May 2021."
    srsly.write_jsonl(tmp_path / "gold.jsonl", [line(text, [("Bergen", "city"), ("Oslo", "city")], labels=["city"])])
    nlp = spacy.blank("en")
    nlp.add_pipe("gliner_ner", config={"labels": ["city", "date"]})
    assert {ent.label_ for ent in nlp(text).ents} == {"city", "date"}
    nlp.to_disk(tmp_path / "pipeline")
    for options, note in (((), True), (("--ask",), False)):
        result = evaluate(tmp_path / "pipeline", tmp_path / "gold.jsonl", *options, "-j", tmp_path / "m.json")
        assert result.exit_code == 0
        report = json.loads((tmp_path / "m.json").read_text(encoding="utf8"))
        assert list(report["per_type"]) == ["city"]
        assert ("W302" in result.stdout) is note


def test_borders_are_the_annotators(tmp_path):
    """An annotation inside a token is not moved to the token's borders, so that it counts as missed."""
    srsly.write_jsonl(
        tmp_path / "gold.jsonl", [{"text": "In Oslo.", "spans": [{"start": 3, "end": 6, "label": "city"}]}]
    )
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "city", "pattern": "Oslo"}])
    nlp.to_disk(tmp_path / "pipeline")
    result = evaluate(tmp_path / "pipeline", tmp_path / "gold.jsonl", "-j", tmp_path / "m.json")
    report = json.loads((tmp_path / "m.json").read_text(encoding="utf8"))
    assert result.exit_code == 0
    assert (report["strict"]["correct"], report["schemes"]["type"]["correct"]) == (0, 1)


@pytest.mark.parametrize(
    ("pipeline", "gold", "message"),
    [
        ("nowhere", "gold.jsonl", "nowhere"),
        ("pipeline", "nowhere.jsonl", "T061"),
        ("pipeline", "empty.jsonl", "T064"),
        ("pipeline", "broken.jsonl", "line 2"),
        ("short.jsonl", "gold.jsonl", "T301"),
        ("pipeline", "gold.spacy", "T302"),
    ],
)
def test_bad_input(files, pipeline, gold, message):
    (files / "empty.jsonl").write_text("", encoding="utf8")
    (files / "broken.jsonl").write_text('{"text": "a", "spans": []}\n{"text": ', encoding="utf8")
    srsly.write_jsonl(files / "short.jsonl", [line(*TEXTS[0])])
    result = evaluate(files / pipeline, files / gold, "-k", GROUP)
    assert result.exit_code == 1
    assert message in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.parametrize(("package", "option"), [("nervaluate", "--json"), ("matplotlib", "--output")])
def test_missing_package(files, tmp_path, run_python, package, option):
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from spacy.cli._util import app\n"
        "import spacy_tiered_ner.cli\n"
        "from typer.testing import CliRunner\n"
        f"result = CliRunner().invoke(app, ['tiered', 'evaluate', {str(files / 'some.jsonl')!r},"
        f" {str(files / 'gold.jsonl')!r}, {option!r}, {str(tmp_path / 'out')!r}])\n"
        "print(result.exit_code, result.stdout)"
    )
    printed = run_python("-c", code)
    assert "spacy-tiered-ner[evaluate]" in flat(printed)
    assert printed.startswith("1 ")
    assert not (tmp_path / "out").exists()
