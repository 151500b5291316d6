"""What README.md shows runs as it stands there."""

import re
import warnings
from pathlib import Path

from spacy.util import load_config_from_str, load_model_from_config

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf8")
PERSONAL_DATA = (ROOT / "docs" / "personal-data.md").read_text(encoding="utf8")


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_python_blocks_run_in_order(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PII_KEY", "")
    names: dict = {}
    printed = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for block in [*blocks("python"), *blocks("python", PERSONAL_DATA)]:
            exec(compile(block, "README.md", "exec"), names)
            printed.append(capsys.readouterr().out)
    text = "\n".join(printed)
    assert "or else" in text
    for promised in re.findall(r"^# (<.*>.*)$", README, re.MULTILINE):
        assert promised in text
    assert "it sees: Answer <PERSON_1>, <EMAIL_1>." in text
    assert "Dear Grace Hopper, we wrote to grace@navy.example." in text
    assert "<PERSON_1> called <PERSON_2>. | Summary: Grace Hopper called Alan Kay." in text


def test_config_quickstart():
    config = blocks("ini")[0]
    nlp = load_model_from_config(load_config_from_str(config), auto_fill=True)
    assert set(nlp.get_pipe("gliner_ner").labels) == {"ORG", "YEAR"}
    doc = nlp("Siemens was founded in Berlin in 1847.")
    assert {(ent.text, ent.label_) for ent in doc.ents} >= {("1847", "YEAR")}
