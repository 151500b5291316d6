"""Every component factory with its default config.

spaCy imports this module in every `spacy.blank`, so it imports nothing heavy: the classes come in inside.
"""

from collections.abc import Callable
from typing import Any

from spacy.language import Language

DEFAULT_LABELS = ["person", "organization", "location", "date", "product", "event"]
PII_FAMILIES = (
    "email", "phone", "payment", "national_ids", "us", "documents", "network", "secrets", "credentials", "dates",
    "places", "people",
)  # fmt: skip
PII_RULES = {name: {"@misc": f"spacy-tiered-ner.pii_{name}.v1"} for name in PII_FAMILIES}

PII_LABELS = ["person", "per", "name", "email", "phone", "address"]


@Language.factory(
    "gliner_ner",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type"],
    default_config={
        "model": "starter",
        "labels": None,
        "threshold": 0.5,
        "candidate_threshold": 0.3,
        "spans_key": "gliner",
        "overwrite_ents": False,
        "runtime": "onnx",
        "precision": "auto",
        "window": 128,
        "stride": 96,
        "batch_size": 8,
        "threads": 0,
        "alignment_mode": "expand",
        "allow_pickle": False,
        "training": {"@misc": "spacy-tiered-ner.gliner_training.v1"},
        "scorer": {"@scorers": "spacy-tiered-ner.gliner_ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_gliner_ner(
    nlp: Language,
    name: str,
    model: str,
    labels: list[Any] | dict[str, Any] | None,
    threshold: float,
    candidate_threshold: float,
    spans_key: str,
    overwrite_ents: bool,
    runtime: str,
    precision: str,
    window: int,
    stride: int,
    batch_size: int,
    threads: int,
    alignment_mode: str,
    allow_pickle: bool,
    training: Any,
    scorer: Callable | None,
):
    """Tier 1, open-vocabulary NER. The settings are described in README.md."""
    from .gliner.component import GlinerNER

    return GlinerNER(
        nlp.vocab,
        name,
        model=model,
        labels=labels,
        threshold=threshold,
        candidate_threshold=candidate_threshold,
        spans_key=spans_key,
        overwrite_ents=overwrite_ents,
        runtime=runtime,
        precision=precision,
        window=window,
        stride=stride,
        batch_size=batch_size,
        threads=threads,
        alignment_mode=alignment_mode,
        allow_pickle=allow_pickle,
        training=training,
        scorer=scorer,
    )


@Language.factory(
    "pii_redactor",
    assigns=["doc.spans", "doc._.redacted_text"],
    default_config={
        "rules": PII_RULES,
        "gliner": "auto",
        "model": "starter",
        "labels": None,
        "threshold": 0.4,
        "thresholds": {},
        "allow_list": [],
        "deny_list": {},
        "repeats": True,
        "mode": "fail_closed",
        "operators": {},
        "default_operator": "tag",
        "scope": "doc",
        "vault": None,
        "key_variable": "PII_KEY",
        "spans_key": "pii",
        "batch_size": 8,
        "threads": 0,
    },
)
def make_pii_redactor(
    nlp: Language,
    name: str,
    rules: dict[str, Any],
    gliner: str | None,
    model: str,
    labels: list[Any] | dict[str, Any] | None,
    threshold: float,
    thresholds: dict[str, float],
    allow_list: list[str],
    deny_list: dict[str, list[str]],
    repeats: bool,
    mode: str,
    operators: dict[str, Any],
    default_operator: Any,
    scope: str,
    vault: str | None,
    key_variable: str,
    spans_key: str,
    batch_size: int,
    threads: int,
):
    """Finds personal data and replaces it. The settings are described in README.md."""
    from .pii.component import PiiRedactor
    from .pii.redaction import Redactor

    return PiiRedactor(
        nlp,
        name,
        rules=rules,
        gliner=gliner,
        model=model,
        labels=labels,
        threshold=threshold,
        thresholds=thresholds,
        allow_list=allow_list,
        deny_list=deny_list,
        repeats=repeats,
        mode=mode,
        redactor=Redactor(operators, default=default_operator, scope=scope, vault=vault, key_variable=key_variable),
        spans_key=spans_key,
        batch_size=batch_size,
        threads=threads,
    )


@Language.factory(
    "llm_escalate",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "token.ent_kb_id"],
    default_config={
        "spans_key": "gliner",
        "labels": None,
        "threshold": None,
        "policy": {"@misc": "spacy-tiered-ner.any_policy.v1", "*": {}},
        "max_share": 0.1,
        "strategy": {"@misc": "spacy-tiered-ner.candidate_questions.v1"},
        "context_sentences": 1,
        "max_words": 400,
        "max_spans": 16,
        "client": None,
        "concurrency": 8,
        "retries": 3,
        "reasks": 1,
        "max_wait": 60.0,
        "breaker_failures": 5,
        "breaker_seconds": 60.0,
        "budget": {"@misc": "spacy-tiered-ner.budget.v1"},
        "cache": {"@misc": "spacy-tiered-ner.disk_cache.v1"},
        "ontology": None,
        "mask_pii": False,
        "pii_labels": PII_LABELS,
        "on_error": "keep",
        "run_in_training": False,
        "scorer": {"@scorers": "spacy-tiered-ner.gliner_ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_llm_escalate(
    nlp: Language,
    name: str,
    spans_key: str | list[str],
    labels: list[Any] | dict[str, Any] | None,
    threshold: float | None,
    policy: Callable,
    max_share: float,
    strategy: Any,
    context_sentences: int,
    max_words: int,
    max_spans: int,
    client: Any,
    concurrency: int,
    retries: int,
    reasks: int,
    max_wait: float,
    breaker_failures: int,
    breaker_seconds: float,
    budget: Any,
    cache: Any,
    ontology: Any,
    mask_pii: bool,
    pii_labels: list[str],
    on_error: str,
    run_in_training: bool,
    scorer: Callable | None,
):
    """Tier 3, escalation of doubtful spans to a large language model. The settings are described in README.md."""
    from .llm.component import LLMEscalate

    return LLMEscalate(
        nlp.vocab,
        name,
        spans_key=spans_key,
        labels=labels,
        threshold=threshold,
        policy=policy,
        max_share=max_share,
        strategy=strategy,
        context_sentences=context_sentences,
        max_words=max_words,
        max_spans=max_spans,
        client=client,
        concurrency=concurrency,
        retries=retries,
        reasks=reasks,
        max_wait=max_wait,
        breaker_failures=breaker_failures,
        breaker_seconds=breaker_seconds,
        budget=budget,
        cache=cache,
        ontology=ontology,
        mask_pii=mask_pii,
        pii_labels=pii_labels,
        on_error=on_error,
        run_in_training=run_in_training,
        scorer=scorer,
    )
