"""The cache, the budget and the ledger of `llm_escalate`."""

import json
import multiprocessing
import pickle
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, labelled, serve
from conftest import entities
from llm import candidate_doc, escalating, ledger, tiered

from spacy_tiered_ner.llm.cache import AnswerCache
from spacy_tiered_ner.llm.clients.base import Reply
from spacy_tiered_ner.llm.tally import Tally

FOUND = [("Acme Corp", "person", 0.6)]
CHEAP = {"input": 1.0, "output": 2.0}


def disk(path: Path, **more: Any) -> dict[str, Any]:
    return {"@misc": "spacy-tiered-ner.disk_cache.v1", "path": str(path), **more}


def budget(**limits: Any) -> dict[str, Any]:
    return {"@misc": "spacy-tiered-ner.budget.v1", **limits}


def texts(count: int) -> list[str]:
    return [f"Acme Corp paid {n}." for n in range(count)]


# Cache


def test_a_hit_costs_nothing_and_outlives_the_pipe(tmp_path):
    with serve(labelled("organization")) as server:
        for hits in (0, 1):
            nlp = escalating(server.url, cache=disk(tmp_path))
            doc = nlp(candidate_doc(nlp, "Acme Corp paid.", FOUND))
            assert entities(doc) == [("Acme Corp", "organization")]
            assert (ledger(doc)["calls"], ledger(doc)["cache_hits"], ledger(doc)["tokens"]) == (
                1 - hits,
                hits,
                110 - 110 * hits,
            )
        blocked = escalating(server.url, cache=disk(tmp_path), budget=budget(max_calls=0))
        assert entities(blocked(candidate_doc(blocked, "Acme Corp paid.", FOUND))) == [("Acme Corp", "organization")]
        assert len(server.requests) == 1


def test_the_same_words_in_another_order_are_another_question(tmp_path):
    def answer(body: dict[str, Any]) -> Answer:
        bob_first = '"Bob sued Alice."' in body["messages"][1]["content"]
        return Answer(json.dumps({"c1": {"label": "person" if bob_first else "city", "text": None}}))

    with serve(answer) as server:
        nlp = escalating(server.url, cache=disk(tmp_path))
        for _ in range(2):
            one = nlp(candidate_doc(nlp, "Bob sued Alice.", [("sued", "organization", 0.6)]))
            other = nlp(candidate_doc(nlp, "Alice sued Bob.", [("sued", "organization", 0.6)]))
            assert [entities(doc) for doc in (one, other)] == [[("sued", "person")], [("sued", "city")]]
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ["person", "city"]},
        {"labels": {"person": "somebody", "organization": None, "city": None}},
        {"strategy": {"@misc": "spacy-tiered-ner.candidate_questions.v1", "borders": False}},
        {"client": {"model": "openai/other"}},
        {"client": {"generation": {"temperature": 1.0}}},
    ],
)
def test_whatever_an_answer_depends_on_is_part_of_the_key(tmp_path, change):
    with serve(labelled("person")) as server:
        for config in ({}, change, {}, change):
            nlp = escalating(server.url, cache=disk(tmp_path), **config)
            nlp(candidate_doc(nlp, "Acme Corp paid.", FOUND))
        assert len(server.requests) == 2


def test_answers_age(tmp_path):
    with serve(labelled("person")) as server:
        nlp = escalating(server.url, cache=disk(tmp_path, max_age=0.5))
        for pause in (0.0, 0.6):
            time.sleep(pause)
            nlp(candidate_doc(nlp, "Acme Corp paid.", FOUND))
        assert len(server.requests) == 2


def test_the_size_is_limited(tmp_path):
    cache = AnswerCache(str(tmp_path), max_age=None, max_size=300_000)
    for n in range(300):
        cache.set(str(n), Reply("x" * 5000, 1, 1))
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if not file.name.endswith("-wal")) < 600_000
    assert cache.get("299") is not None
    assert cache.get("0") is None


def test_unusable_answers_are_not_kept(tmp_path):
    with serve(lambda body: Answer("nothing")) as server:
        nlp = escalating(server.url, cache=disk(tmp_path), reasks=0)
        for _ in range(2):
            nlp(candidate_doc(nlp, "Acme Corp paid.", FOUND))
        assert len(server.requests) == 2


def test_the_same_question_at_the_same_time_is_asked_once():
    def answer(body: dict[str, Any]) -> Answer:
        return Answer(labelled("city")(body).content, delay=0.3)

    with serve(answer) as server:
        nlp = escalating(server.url)
        docs = list(nlp.pipe([candidate_doc(nlp, "Acme Corp paid.", FOUND) for _ in range(5)]))
        assert len(server.requests) == 1
    assert [entities(doc) for doc in docs] == [[("Acme Corp", "city")]] * 5
    assert nlp.get_pipe("llm_escalate").usage["cache_hits"] == 4


def test_pickles_in_the_cache_are_refused(tmp_path):
    import diskcache

    with serve(labelled("person")) as server:
        nlp = escalating(server.url, cache=disk(tmp_path))
        nlp(candidate_doc(nlp, "Acme Corp paid.", FOUND))
        with diskcache.Cache(str(tmp_path)) as cache:
            (key,) = cache
            cache[key] = {"a": "pickle"}
        with pytest.raises(ValueError, match=r"\[T117\].*pickle"):
            nlp(candidate_doc(nlp, "Acme Corp paid.", FOUND))


@pytest.mark.parametrize("limits", [{"max_age": -1.0}, {"max_age": 0.0}, {"max_size": 0}])
def test_bad_limits_of_a_cache(limits, tmp_path):
    with pytest.raises(ValueError, match=next(iter(limits))):
        escalating(None, cache=disk(tmp_path, **limits))


def test_a_foreign_entry_in_the_cache(tmp_path):
    import diskcache

    with diskcache.Cache(str(tmp_path)) as cache:
        cache["key"] = '{"other": 1}'
    with pytest.raises(ValueError, match=r"\[T117\].*no answer"):
        AnswerCache(str(tmp_path), max_age=None, max_size=10**9).get("key")


def test_a_cache_that_is_no_cache(tmp_path):
    (tmp_path / "cache.db").write_bytes(b"not a database" * 100)
    with serve(labelled("person")) as server:
        nlp = escalating(server.url, cache=disk(tmp_path))
        with pytest.raises(ValueError, match="T117"):
            nlp(candidate_doc(nlp, "Acme Corp paid.", FOUND))


def write_answers(path: str, first: int) -> None:
    cache = AnswerCache(path, max_age=None, max_size=10**9)
    for n in range(first, first + 200):
        cache.set(f"key {n % 250}", Reply(f"answer {n % 250}", n % 250, 0))


def test_several_processes_share_a_cache(tmp_path):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=write_answers, args=(str(tmp_path), start)) for start in (0, 50, 100)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    cache = AnswerCache(str(tmp_path), max_age=None, max_size=10**9)
    assert [cache.get(f"key {n}") for n in range(250)] == [Reply(f"answer {n}", n, 0) for n in range(250)]


# Budget


@pytest.mark.parametrize(
    ("limits", "answered"),
    [
        ({"max_calls": 3}, 3),
        ({"max_calls": 0}, 0),
        ({"max_tokens": 2500}, None),
        ({"max_cost": 0.003, "price": CHEAP}, None),
    ],
)
def test_the_budget_is_kept_whatever_is_in_flight(limits, answered):
    with serve(labelled("organization")) as server:
        nlp = escalating(server.url, budget=budget(**limits), concurrency=8, client={"max_output_tokens": 200})
        with pytest.warns(UserWarning, match=r"\[W101\].*max_"):
            docs = list(nlp.pipe([candidate_doc(nlp, text, FOUND) for text in texts(40)], batch_size=10))
        usage = nlp.get_pipe("llm_escalate").usage
        assert usage["calls"] == len(server.requests)
    done = sum(entities(doc) == [("Acme Corp", "organization")] for doc in docs)
    assert done == len(server.requests)
    assert 0 < done < 40 if answered is None else done == answered
    assert usage["calls"] <= limits.get("max_calls", 40)
    assert usage["tokens"] <= limits.get("max_tokens", 10**6)
    assert (usage["cost"] or 0) <= limits.get("max_cost", 1)
    left = [doc for doc in docs if ledger(doc)["skipped"]]
    assert len(left) == 40 - done
    assert all(ledger(doc)["skipped"] == {"budget": 1} for doc in left)
    assert all(tiered(doc) == [("Acme Corp", "person", 0.6, "gliner")] for doc in left), "Tier 1 stands"


def test_the_most_doubtful_are_asked_first_when_the_budget_is_short():
    scores = [0.9, 0.52, 0.7, 0.48, 0.95, 0.6]
    with serve(labelled("organization")) as server:
        nlp = escalating(server.url, budget=budget(max_calls=3), concurrency=1)
        docs = [
            candidate_doc(nlp, text, [("Acme Corp", "person", s)]) for text, s in zip(texts(6), scores, strict=True)
        ]
        docs = list(nlp.pipe(docs))
    assert [bool(ledger(doc)["calls"]) for doc in docs] == [False, True, False, True, False, True]


def test_the_estimate_holds_what_the_schema_takes():
    with serve(labelled("organization")) as server:
        labels = [f"label number {n} of a long list" for n in range(400)]
        nlp = escalating(server.url, labels=labels, budget=budget(max_tokens=9000), client={"max_output_tokens": 10})
        doc = nlp(candidate_doc(nlp, "Acme Corp paid.", FOUND))
        assert server.requests == []
    assert ledger(doc)["skipped"] == {"budget": 1}


def test_a_budget_for_each_document():
    text = " ".join(f"Mister{n} spoke." for n in range(9))
    found = [(f"Mister{n}", "person", 0.6) for n in range(9)]
    with serve(labelled("city")) as server:
        nlp = escalating(server.url, budget=budget(max_calls_per_doc=2), max_spans=3)
        docs = [nlp(candidate_doc(nlp, text + "!" * n, found)) for n in range(2)]
        assert len(server.requests) == 4
    for doc in docs:
        assert ledger(doc)["calls"] == 2
        assert ledger(doc)["skipped"] == {"budget": 3}
        assert [label for _, label, *_ in tiered(doc)] == ["city"] * 6 + ["person"] * 3


def test_failed_requests_and_second_questions_count_too():
    with serve(lambda body: Answer("nothing")) as server:
        nlp = escalating(server.url, budget=budget(max_calls=3), reasks=9)
        nlp(candidate_doc(nlp, "Acme Corp paid.", FOUND))
        assert len(server.requests) == 3


def test_money_is_counted_with_real_usage():
    with serve(lambda body: Answer(labelled("city")(body).content, tokens=(2000, 500))) as server:
        nlp = escalating(server.url, budget=budget(price=CHEAP))
        doc = nlp(candidate_doc(nlp, "Acme Corp paid.", FOUND))
        free = escalating(server.url)
        assert ledger(free(candidate_doc(free, "Acme Corp paid.", FOUND)))["cost"] is None
    assert ledger(doc)["cost"] == pytest.approx(0.003)
    pipe = nlp.get_pipe("llm_escalate")
    assert pipe.usage["cost"] == pytest.approx(0.003)
    assert pipe.usage["price"] == "config"
    pipe.reset_usage()
    assert (pipe.usage["calls"], pipe.usage["cost"]) == (0, 0.0)


def test_list_prices_of_hosted_models():
    client = {"model": "openai/gpt-5-mini"}
    pipe = escalating("http://127.0.0.1:1/v1", client=client, budget=budget(max_cost=1.0)).get_pipe("llm_escalate")
    assert pipe.usage["price"].startswith("genai-prices")
    assert 0.1 < pipe.budget.price(1_000_000, 0) < 2


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_cost": 1.0}, "T119"),
        ({"max_cost_per_doc": 1.0}, "T119"),
        ({"price": {"input": 1.0}}, "T118"),
        ({"price": {"input": 1.0, "output": -2.0}}, "T118"),
        ({"max_calls": -1}, "T050"),
        ({"max_cost": -0.5, "price": CHEAP}, "T050"),
    ],
)
def test_bad_budgets(limits, code):
    with pytest.raises(ValueError, match=code):
        escalating("http://127.0.0.1:1/v1", budget=budget(**limits))


# Processes


def test_processes_share_the_budget_and_the_ledger():
    with serve(labelled("organization")) as server:
        nlp = escalating(server.url, budget=budget(max_calls=6))
        docs = [candidate_doc(nlp, text, FOUND) for text in texts(20)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            done = list(nlp.pipe(docs, n_process=2, batch_size=5))
        assert len(server.requests) == 6
    assert [doc.text for doc in done] == texts(20)
    assert sum(ledger(doc)["calls"] for doc in done) == 6
    usage = nlp.get_pipe("llm_escalate").usage
    assert (usage["calls"], usage["documents"], usage["asked"]) == (6, 20, 6)


def test_spawned_processes_count_into_the_same_tally():
    tally = Tally(("a", "b"))
    worker = multiprocessing.get_context("spawn").Process(target=tally.add, args=({"b": 3},))
    worker.start()
    worker.join()
    assert tally.as_dict() == {"a": 0, "b": 3}


def test_a_copy_of_a_tally_goes_its_own_way():
    tally = Tally(("a", "b"))
    tally.add({"a": 2})
    copy = pickle.loads(pickle.dumps(tally))
    copy.add({"a": 1, "b": 5})
    assert tally.as_dict() == {"a": 2, "b": 0}
    assert copy.as_dict() == {"a": 3, "b": 5}
