"""What `llm_escalate` does when the LLM is wrong, slow, dear or down."""

import json
import random
import socket
import threading
import time
import warnings
from typing import Any

import pytest
from chat_server import Answer, labelled, serve, spans_in
from conftest import entities
from llm import FOUND, TEXT, always, candidate_doc, escalating, in_turn, ledger, run, tiered

TIER_1 = [("Acme Corp", "person", 0.6, "gliner"), ("Paris Hilton", "person", 0.6, "gliner")]


@pytest.mark.parametrize(
    "content", ["", "Sorry, I cannot.", "{", '{"c1": ', "[]", '"c1"', '{"c1": 3, "c2": [], "c3": null}', "\x00", "{}"]
)
def test_malformed_answers_are_asked_again_and_then_left(content):
    with serve(always(content)) as server:
        doc, _, caught = run(server.url)
        assert len(server.requests) == 2
        assert server.prompts[1].startswith(server.prompts[0])
    assert tiered(doc) == TIER_1
    assert entities(doc) == [(text, label) for text, label, *_ in TIER_1]
    assert ledger(doc)["skipped"] == {"unusable": 3}
    assert [warning[:6] for warning in caught] == ["[W104]"]


@pytest.mark.parametrize("wrapped", ["```json\n{}\n```", "Here you are: {} Anything else?"])
def test_json_among_other_words_counts(wrapped):
    answer = json.dumps({f"c{n}": {"label": "city", "text": None} for n in (1, 2, 3)})
    with serve(always(wrapped.replace("{}", answer))) as server:
        doc, *_ = run(server.url)
        assert len(server.requests) == 1
    assert [label for _, label, *_ in tiered(doc)] == ["city"] * 3


def test_good_answers_count_beside_bad_ones():
    def answer(body: dict[str, Any]) -> Answer:
        verdicts = {"c1": {"label": "organization", "text": None}, "c2": {"label": "star", "text": None}}
        verdicts |= {"c3": {"label": "city", "text": "Rome in Italy"}, "c9": {"label": "city", "text": None}}
        return Answer(json.dumps(verdicts))

    with serve(answer) as server:
        doc, *_ = run(server.url)
        assert len(server.requests) == 1
    assert tiered(doc) == [("Acme Corp", "organization", 1.0, "llm"), TIER_1[1]]
    assert ledger(doc)["rejected"] == {"wrong_labels": 1, "hallucinated": 1, "unknown_ids": 1, "unanswered": 2}


@pytest.mark.parametrize(
    "text", ["Acme Corporation", "Paris Hilton in", "acme  corp\u200b x", "cme Corp", "Rome", TEXT + TEXT, "  "]
)
def test_borders_that_are_not_there_are_never_written(text):
    with serve(lambda body: Answer(json.dumps({"c1": {"label": "city", "text": text}}))) as server:
        doc, *_ = run(server.url, found=FOUND[:1])
    assert {span.text for span in doc.spans["tiered"]} == {"Acme Corp"}


@pytest.mark.parametrize(
    ("text", "borders"),
    [
        ("ACME CORP met", "Acme Corp met"),
        ("Acme\n Corp", "Acme Corp"),
        ("\u201cThe Acme Corp\u201d", '"The Acme Corp"'),
        (" Acme ", "Acme"),
    ],
)
def test_borders_are_grounded_with_care(text, borders):
    shown = 'It was "The Acme Corp" who paid.' if '"' in borders else TEXT
    with serve(lambda body: Answer(json.dumps({"c1": {"label": "city", "text": text}}))) as server:
        doc, *_ = run(server.url, shown, [("Acme Corp", "person", 0.6)])
    assert [(span, label) for span, label, *_ in tiered(doc)] == [(borders, "city")]


def test_fuzzy_grounding_only_where_it_is_unique():
    text = "ACME spent what acme earned."
    with serve(lambda body: Answer(json.dumps({"c1": {"label": "city", "text": "Acme"}}))) as server:
        doc, *_ = run(server.url, text, [("spent", "person", 0.6)])
    assert [span for span, *_ in tiered(doc)] == ["spent"]


def test_cut_off_answers_count_as_far_as_they_are_whole():
    content = '{"c1": {"label": "organization", "text": null}, "c2": {"label": "organization", "text": nu'
    with serve(always(content, cut=True)) as server:
        doc, *_ = run(server.url)
        assert len(server.requests) == 1
    assert tiered(doc)[0] == ("Acme Corp", "organization", 1.0, "llm")
    assert ledger(doc)["rejected"]["unanswered"] >= 1


def test_too_many_requests_are_repeated_when_the_server_says():
    busy = always("busy", status=429, headers={"Retry-After": "1.3"})
    with serve(in_turn(busy, labelled("city"))) as server:
        doc, pipe, caught = run(server.url, retries=2)
        first, second = (request["time"] for request in server.requests)
    assert second - first >= 1.3
    assert [label for _, label, *_ in tiered(doc)] == ["city"] * 3
    assert (pipe.usage["calls"], pipe.usage["failed_calls"]) == (2, 1)
    assert caught == []


@pytest.mark.parametrize("value", ["Wed, 21 Oct 2015 07:28:00 -0000", "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "nan"])
def test_other_forms_of_retry_after(value):
    busy = always("busy", status=429, headers={"Retry-After": value})
    with serve(in_turn(busy, labelled("city"))) as server:
        doc, *_ = run(server.url, retries=1)
        assert len(server.requests) == 2
    assert ledger(doc)["kept"] + ledger(doc)["relabelled"] == 3


def test_a_server_that_asks_for_too_long_a_wait_is_given_up_on():
    with serve(always("busy", status=429, headers={"Retry-After": "3600"})) as server:
        began = time.monotonic()
        doc, *_ = run(server.url, retries=5, max_wait=2.0)
        assert len(server.requests) == 1
    assert time.monotonic() - began < 10
    assert ledger(doc)["skipped"] == {"error": 3}
    assert ledger(doc)["details"] == ["HTTP 429"]


def test_server_errors_pass_after_a_while():
    with serve(in_turn(always("oh", status=500), always("no", status=503), labelled("city"))) as server:
        doc, *_ = run(server.url, retries=2)
        waits = [b["time"] - a["time"] for a, b in zip(server.requests, server.requests[1:], strict=False)]
    assert [label for _, label, *_ in tiered(doc)] == ["city"] * 3
    assert waits[0] >= 0.25
    assert waits[1] >= 0.5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_requests_that_cannot_succeed_are_not_repeated(status):
    with serve(always("no", status=status)) as server:
        doc, *_ = run(server.url, retries=3)
        assert len(server.requests) == 1
    assert ledger(doc)["details"][0].startswith(f"HTTP {status}")
    assert tiered(doc) == TIER_1


def test_a_hanging_server_costs_the_time_out():
    with serve(always(hang=True)) as server:
        began = time.monotonic()
        doc, pipe, caught = run(server.url, client={"timeout": 0.5}, retries=1)
        assert len(server.requests) == 2
    assert time.monotonic() - began < 8
    assert ledger(doc)["details"] == ["time-out"]
    assert pipe.usage["input_tokens"] > 0, "the provider may bill what it has read"
    assert [warning[:6] for warning in caught] == ["[W102]"]


@pytest.mark.parametrize("client", ["instructor", "outlines"])
def test_a_server_that_drips_costs_the_time_out(client):
    with serve(always(drip=True)) as server:
        if client == "instructor":
            nlp = escalating(server.url, client={"timeout": 0.5})
        else:
            asked = {"@misc": "spacy-tiered-ner.outlines_client.v1", "model": "test", "backend": "openai"}
            nlp = escalating(None, {**asked, "base_url": server.url, "timeout": 0.5})
        began = time.monotonic()
        doc = nlp(candidate_doc(nlp, TEXT, FOUND))
    assert time.monotonic() - began < 8
    assert ledger(doc)["details"] == ["time-out"]


def test_slow_answers_within_the_time_out_count():
    slow = lambda body: Answer(labelled("city")(body).content, delay=0.6)  # noqa: E731
    with serve(slow) as server:
        doc, *_ = run(server.url, client={"timeout": 5.0})
    assert [label for _, label, *_ in tiered(doc)] == ["city"] * 3


def test_nobody_listens():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        doc, *_ = run(f"http://127.0.0.1:{reserved.getsockname()[1]}/v1")
    assert ledger(doc)["details"] == ["no connection"]
    assert ledger(doc)["tokens"] == 0
    assert tiered(doc) == TIER_1


def test_on_error():
    with serve(always("no", status=500)) as server:
        dropped, _, _ = run(server.url, on_error="drop", found=[*FOUND[:2], ("Rome", "city", 1.0)])
        assert tiered(dropped) == [("Rome", "city", 1.0, "gliner")]
        assert entities(dropped) == [("Rome", "city")]
        with pytest.raises(ValueError, match=r"\[T120\].*HTTP 500"):
            run(server.url, on_error="raise")


def test_no_document_is_lost_when_the_llm_is_down():
    texts = [TEXT.replace("Rome", f"Rome{n}") for n in range(60)]
    with serve(always("no", status=500)) as server:
        nlp = escalating(server.url, breaker_failures=5, concurrency=2)
        with pytest.warns(UserWarning, match="W103"):
            docs = list(nlp.pipe([candidate_doc(nlp, text, FOUND[:2]) for text in texts], batch_size=7))
        assert 5 <= len(server.requests) <= 7, "the circuit opens"
    assert [doc.text for doc in docs] == texts
    assert all(tiered(doc) == TIER_1 for doc in docs)
    assert {reason for doc in docs for reason in ledger(doc)["skipped"]} == {"error", "circuit_open"}


def test_the_circuit_closes_when_the_server_is_back():
    with serve(in_turn(*[always("no", status=500)] * 2, labelled("city"))) as server:
        nlp = escalating(server.url, breaker_failures=2, breaker_seconds=0.3)
        seen = []
        for n in range(5):
            time.sleep(0.35 * (n == 3))
            doc = nlp(candidate_doc(nlp, f"{n} {TEXT}", FOUND))
            seen.append(next(iter(ledger(doc)["skipped"]), "answered"))
    assert seen == ["error", "error", "circuit_open", "answered", "answered"]


def test_the_numbers_add_up():
    """Whatever a server answers, each span that was chosen is counted once, and the run is the sum of its documents."""
    draw = random.Random(0)
    lock = threading.Lock()

    def answer(body: dict[str, Any]) -> Answer:
        with lock:
            kind = draw.choice(["good", "good", "bad", "none", "busy", "down", "part"])
            labels = [draw.choice(["city", "person", "not an entity", "star"]) for _ in range(16)]
        verdicts = {
            span["id"]: {"label": label, "text": None} for span, label in zip(spans_in(body), labels, strict=False)
        }
        if kind == "part":
            verdicts.popitem()
        status = {"busy": 429, "down": 500}.get(kind, 200)
        return Answer("nothing" if kind in ("bad", "none") else json.dumps(verdicts), status=status)

    budget = {"@misc": "spacy-tiered-ner.budget.v1", "max_calls": 30}
    settings = {"max_share": 0.8, "max_spans": 2, "retries": 1, "breaker_failures": 1000}
    with serve(answer) as server:
        nlp = escalating(server.url, budget=budget, max_words=7, **settings)
        docs = [candidate_doc(nlp, f"{n} {TEXT}", FOUND) for n in range(30)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ledgers = [ledger(doc) for doc in nlp.pipe(docs, batch_size=10)]
        usage = nlp.get_pipe("llm_escalate").usage
        assert usage["calls"] == len(server.requests) == 30
    for one in ledgers:
        decided = sum(one[name] for name in ("kept", "relabelled", "moved", "dropped"))
        unanswered = one["rejected"].get("unanswered", 0)
        assert decided + unanswered + sum(one["skipped"].values()) == 3
        assert len(one["left_out"]) == 3 - decided
        assert decided + unanswered <= one["asked"] <= 3 - one["skipped"].get("cap", 0)
    for name in ("calls", "tokens", "input_tokens", "output_tokens", "failed_calls", "cache_hits", "asked"):
        assert usage[name] == sum(one[name] for one in ledgers)
    assert {reason for one in ledgers for reason in one["skipped"]} >= {"cap", "budget"}


def test_requests_run_side_by_side_in_order_and_within_bounds():
    def answer(body: dict[str, Any]) -> Answer:
        slow = "slow" in body["messages"][1]["content"]
        return Answer(labelled("city")(body).content, delay=0.5 if slow else 0.1)

    texts = [f"Acme Corp {'is slow' if n % 4 == 0 else 'is quick'} {n}." for n in range(24)]
    with serve(answer) as server:
        nlp = escalating(server.url, concurrency=6)
        docs = list(nlp.pipe([candidate_doc(nlp, text, FOUND[:1]) for text in texts], batch_size=8))
        assert 4 <= server.most_at_once <= 6
    assert [doc.text for doc in docs] == texts
    assert all(entities(doc) == [("Acme Corp", "city")] for doc in docs)


def test_what_is_read_ahead_is_bounded_and_stops_with_the_reader():
    read = []
    with serve(labelled("city")) as server:
        nlp = escalating(server.url, concurrency=1)

        def stream() -> Any:
            for n in range(1000):
                read.append(n)
                yield candidate_doc(nlp, f"Acme Corp {n}.", FOUND[:1])

        docs = nlp.get_pipe("llm_escalate").pipe(stream(), batch_size=4)
        next(docs)
        assert len(read) <= 16
        docs.close()
        time.sleep(0.3)
        sent = len(server.requests)
        time.sleep(0.3)
        assert len(server.requests) == sent <= 16


def test_nothing_is_repeated_when_the_reader_has_gone():
    with serve(always("no", status=500)) as server:
        nlp = escalating(server.url, retries=9, breaker_failures=99)
        docs = nlp.get_pipe("llm_escalate").pipe(
            [candidate_doc(nlp, f"Acme Corp {n}.", [("Acme Corp", "person", 0.6 * (n > 0))]) for n in range(4)],
            batch_size=1,
        )
        next(docs)
        docs.close()
        time.sleep(1.2)
        assert len(server.requests) <= 3


def test_who_asked_the_same_gets_an_answer_when_the_first_has_gone():
    with serve(lambda body: Answer(labelled("city")(body).content, delay=0.2)) as server:
        nlp = escalating(server.url, concurrency=1)
        texts = [f"Acme Corp {n}." for n in range(4)]
        first, second = (
            nlp.pipe([candidate_doc(nlp, text, FOUND[:1]) for text in texts], batch_size=1) for _ in range(2)
        )
        assert next(first).text == next(second).text == texts[0]
        first.close()
        assert [entities(doc) for doc in second] == [[("Acme Corp", "city")]] * 3


def test_a_connection_that_breaks_off_may_have_been_billed():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(100_000)
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        doc, pipe, _ = run(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
    assert ledger(doc)["details"] == ["no connection"]
    assert pipe.usage["estimated_tokens"] > 100
