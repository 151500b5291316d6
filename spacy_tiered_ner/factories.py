"""Every component factory with its default config.

spaCy imports this module in every `spacy.blank`, so it imports nothing heavy: the classes come in inside.
"""

from collections.abc import Callable
from typing import Any

from spacy.language import Language

DEFAULT_LABELS = ["person", "organization", "location", "date", "product", "event"]
PII_FAMILIES = (
    "email", "phone", "payment", "national_ids", "us", "documents", "network", "secrets", "credentials", "dates", "places",
    "people",
)  # fmt: skip
PII_RULES = {name: {"@misc": f"spacy-tiered-ner.pii_{name}.v1"} for name in PII_FAMILIES}


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
    assigns=["doc.spans"],
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
