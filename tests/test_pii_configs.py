"""The configs for personal data assemble and do what their first lines say."""

import re
from pathlib import Path

import pytest
import spacy
from spacy.cli import app
from spacy.util import load_config, load_model_from_config
from typer.testing import CliRunner

CONFIGS = Path(__file__).parent.parent / "configs"
NOTE = (
    "Mr. John Carter, 93 years old, of 12 Baker Street, Springfield, ZIP 03601-1234, was admitted on March 3, 2019. "
    "Carter's MRN: 12345678, SSN 536-90-4399, phone +1 212 555 0187, e-mail john.carter@clinic.org. "
    "His sister, aged 47, lives in ZIP 90210."
)


def load(name, **overrides):
    return load_model_from_config(load_config(CONFIGS / f"{name}.cfg", overrides), auto_fill=True)


@pytest.mark.parametrize("name", ["pii_redact", "pii_guardrail", "pii_hipaa_safe_harbor"])
def test_assembled_pipeline_redacts(name, tmp_path):
    done = CliRunner().invoke(app, ["assemble", str(CONFIGS / f"{name}.cfg"), str(tmp_path / "pipeline")])
    assert done.exit_code == 0, done.output
    redacted = spacy.load(tmp_path / "pipeline")(NOTE)._.redacted_text
    for value in ("Carter", "Baker", "12345678", "536-90-4399", "555", "clinic", "March 3"):
        assert value not in redacted
    assert "was admitted on" in redacted


def test_safe_harbor_keeps_what_the_rule_allows():
    redacted = load("pii_hipaa_safe_harbor")(NOTE)._.redacted_text
    assert "90+" in redacted
    assert "40-49" in redacted
    assert "ZIP 000**-****" in redacted
    assert "ZIP 902**" in redacted
    assert "admitted on 2019" in redacted
    assert "<PERSON>'s" in redacted


def test_safe_harbor_names_all_18_identifiers():
    header = (CONFIGS / "pii_hipaa_safe_harbor.cfg").read_text().partition("\n\n")[0]
    assert re.findall(r"\(([A-R])\) ", header) == list("ABCDEFGHIJKLMNOPQR")
    assert header.count("out of reach") >= 3


def test_redact_gives_one_person_one_name_in_the_locale():
    pipe = load("pii_redact", **{"vars.locale": "de_DE"}).get_pipe("pii_redactor")
    redacted = pipe.redact("John Carter came. Carter's card is 4111 1111 1111 1111.").text
    first, second = re.fullmatch(r"(.+) came\. (.+)'s card is \*{15}1111\.", redacted).groups()
    assert first.endswith(second)


def test_guardrail_gives_values_back_but_no_secrets():
    pipe = load("pii_guardrail").get_pipe("pii_redactor")
    seen = []

    def model(text):
        seen.append(text)
        return text.replace("Say hello to", "Hello")

    answer = pipe.guard(model, "Say hello to John Carter. password: hunter2!x, he wrote.")
    assert answer == "Hello John Carter. password: <PASSWORD>, he wrote."
    assert seen == ["Say hello to <PERSON_1>. password: <PASSWORD>, he wrote."]
