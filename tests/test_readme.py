"""What README.md shows runs as it stands there."""

import re
from pathlib import Path

from spacy.util import load_config_from_str, load_model_from_config

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf8")


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
