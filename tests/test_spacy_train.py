"""`spacy train` with `gliner_ner`, as on the command line: checkpoints, interruption, broken runs, bad corpora."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import spacy
from annotated import TEXTS, write_docbin
from spacy.cli.train import train
from spacy.tokens import DocBin

pytest.importorskip("gliner")

from miniatures import build_miniature

# A shell lets its background jobs ignore SIGINT, and their children inherit that.
INTERRUPTIBLE_SPACY = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import spacy.cli; spacy.cli.setup_cli()"
)
CONFIG = Path(__file__).parent.parent / "configs" / "gliner_finetune.cfg"
TEXT = TEXTS[0][0]


@pytest.fixture(scope="module")
def overrides(tmp_path_factory) -> dict:
    root = tmp_path_factory.mktemp("train")
    write_docbin(root / "all.spacy")
    weights = build_miniature("bert", root / "weights")
    paths = dict.fromkeys(("paths.train", "paths.dev"), str(root / "all.spacy"))
    return {**paths, "vars.model": str(weights), "training.eval_frequency": 2, "vars.max_steps": 4}


def predict(path: Path) -> list[tuple]:
    doc = spacy.load(path, config={"components": {"gliner_ner": {"candidate_threshold": 0.01}}})(TEXT)
    group = doc.spans["gliner"]
    return list(zip([str(span) for span in group], group.attrs["scores"].tolist(), strict=True))


def test_training_goes_on_from_a_checkpoint(overrides, tmp_path):
    train(CONFIG, tmp_path / "first", overrides=overrides)
    best = tmp_path / "first" / "model-best"
    labels = spacy.load(best).get_pipe("gliner_ner").labels
    assert labels == ("CARGO", "PORT", "VESSEL")
    config = spacy.util.load_config(CONFIG)
    config["components"]["gliner_ner"] = {"source": str(best)}
    config.to_disk(tmp_path / "resume.cfg")
    train(tmp_path / "resume.cfg", tmp_path / "second", overrides={**overrides, "vars.max_steps": 2})
    resumed = spacy.load(tmp_path / "second" / "model-last").get_pipe("gliner_ner")
    assert resumed.labels == labels
    assert predict(tmp_path / "second" / "model-last") != predict(best)


def test_interrupted_run_leaves_a_pipeline_that_loads(overrides, tmp_path):
    """Ctrl-C in the middle of training."""
    options = {**overrides, "vars.max_steps": 100000, "training.patience": 0}
    command = [sys.executable, "-c", INTERRUPTIBLE_SPACY, "train", str(CONFIG), "--output", str(tmp_path)]
    command += [part for key, value in options.items() for part in (f"--{key}", str(value))]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        for _ in range(3000):
            if (tmp_path / "model-best" / "meta.json").is_file() or process.poll() is not None:
                break
            time.sleep(0.1)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=300)[0].decode()
    assert process.returncode != 0, output
    assert predict(tmp_path / "model-last"), output


def test_run_that_breaks_keeps_the_last_good_checkpoint(overrides, tmp_path):
    """A rate that grows without bound: at some batch the loss or a gradient is no longer finite."""
    explode = {"@schedules": "compounding.v1", "start": 1e-5, "stop": 1e38, "compound": 1e6}
    config = spacy.util.load_config(CONFIG)
    config["training"]["optimizer"]["learn_rate"] = explode
    config.to_disk(tmp_path / "explode.cfg")
    with pytest.raises(ValueError, match=r"T053.*batch \d"):
        train(tmp_path / "explode.cfg", tmp_path / "out", overrides={**overrides, "vars.max_steps": 50})
    for name in ("model-best", "model-last"):
        assert all(0 <= score <= 1 for _, score in predict(tmp_path / "out" / name)), name


def test_corpus_without_documents_or_without_spans(overrides, tmp_path):
    DocBin().to_disk(tmp_path / "empty.spacy")
    with pytest.raises((ValueError, TypeError), match=r"E930|E986"):
        train(CONFIG, None, overrides={**overrides, "paths.train": str(tmp_path / "empty.spacy")})
    write_docbin(tmp_path / "none.spacy", set())
    with pytest.raises(ValueError, match=r"T052.*spans_key"):
        train(CONFIG, None, overrides={**overrides, "paths.train": str(tmp_path / "none.spacy")})


def test_labels_that_only_the_dev_corpus_has(overrides, tmp_path):
    write_docbin(tmp_path / "fewer.spacy", {"VESSEL"})
    with pytest.warns(UserWarning, match=r"W007.*CARGO, PORT"):
        train(CONFIG, None, overrides={**overrides, "paths.train": str(tmp_path / "fewer.spacy")})


def test_extra_that_is_missing_is_named(overrides, run_python):
    code = (
        "import sys; sys.modules['gliner'] = None\n"
        "import spacy\nfrom spacy.training import Example\nnlp = spacy.blank('en')\n"
        "nlp.add_pipe('gliner_ner', config={'runtime': 'torch'})\n"
        "try:\n    nlp.initialize()\nexcept ImportError as error:\n    print(error)"
    )
    assert 'pip install "spacy-tiered-ner[train]"' in run_python("-c", code)
