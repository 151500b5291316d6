"""`tiered teach`: what is written, from whom, what is asked, and how a run goes on after it was stopped."""

import json
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import srsly
from chat_server import Answer, serve
from spacy.cli._util import app
from typer.testing import CliRunner

import spacy_tiered_ner.cli  # noqa: F401
from spacy_tiered_ner.corpus import read_records

# A shell lets its background jobs ignore SIGINT, and their children inherit that.
INTERRUPTIBLE_SPACY = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import spacy.cli; spacy.cli.setup_cli()"
)
CONFIGS = Path(__file__).parent.parent / "configs" / "teacher"
PORTS = {"Gdynia": "port", "Cork": "port", "Varna": "port", "Bergen": "port"}
SHIPS = {"Heron": "ship", "Otter": "ship", "Gannet": "ship"}
KNOWN = {**PORTS, **SHIPS}
TEXTS = [
    "The Heron left Gdynia 🚢🚢 for Cork.",
    "Fog kept the Otter in Varna.",
    "Nobody came.",
    "The Gannet sails from Bergen to Bergen.",
    "The Otter 🌞 waits off Cork, and the Heron too.",
]
GUIDELINES = {
    "port": {"description": "a named harbour", "positive": ["Izmir"], "negative": ["the harbour"]},
    "ship": "a named vessel",
}


def shown(body: dict[str, Any]) -> str:
    """The passage that a prompt shows."""
    return json.loads(body["messages"][-1]["content"].splitlines()[1])


def mentions(text: str, known: dict[str, str]) -> list[dict[str, str]]:
    found = sorted((match.start(), word) for word in known for match in re.finditer(word, text))
    return [{"text": word, "label": known[word]} for _, word in found]


def knowing(known: dict[str, str], **more: Any):
    return lambda body: Answer(json.dumps({"mentions": mentions(shown(body), known)}), **more)


def spans(text: str, known: dict[str, str] = KNOWN) -> list[tuple[str, int, str]]:
    found = ((match.start(), word) for word in known for match in re.finditer(word, text))
    return [(word, start, known[word]) for start, word in sorted(found)]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    srsly.write_yaml(tmp_path / "guidelines.yaml", GUIDELINES)
    srsly.write_jsonl(tmp_path / "texts.jsonl", [{"text": text, "id": f"t{n}"} for n, text in enumerate(TEXTS)])
    return tmp_path


def arguments(files: Path, url: str, config: str = "openai", **overrides: Any) -> list[str]:
    names = ["first"] if config == "openai" else ["small"]
    settings = {f"teacher.clients.{name}.base_url": url for name in names}
    settings |= {f"teacher.clients.{names[0]}.model": "openai/small", "teacher.budget.max_cost": "null"}
    if config == "panel":
        settings |= {"teacher.strong.base_url": url, "teacher.strong.model": "openai/large"}
    settings |= {"teacher.cache.path": files / "answers", "teacher.retries": 0, "teacher.breaker_failures": 2}
    paths = [CONFIGS / f"{config}.cfg", files / "texts.jsonl", files / "out.jsonl", "-g", files / "guidelines.yaml"]
    given = {**settings, **{key.replace("__", "."): value for key, value in overrides.items()}}
    options = [part for key, value in given.items() for part in (f"--{key}", value)]
    return [str(part) for part in ("tiered", "teach", *paths, *options)]


def teach(files: Path, url: str, code: int = 0, config: str = "openai", more: Any = (), **overrides: Any) -> str:
    done = CliRunner().invoke(app, [*arguments(files, url, config, **overrides), *more])
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


def rows(files: Path) -> list[dict[str, Any]]:
    return list(srsly.read_jsonl(files / "out.jsonl"))


def found(row: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(row["text"][s["start"] : s["end"]], s["start"], s["label"]) for s in row["spans"]]


def table(output: str, name: str) -> int:
    return int(re.search(rf"{name} +(\d+)", output)[1])


def test_labels_and_where_they_come_from(files):
    with serve(knowing(KNOWN)) as server:
        output = teach(files, server.url, teacher__budget__price='{"input": 1.0, "output": 2.0}')
    written = rows(files)
    assert [row["text"] for row in written] == TEXTS
    assert [found(row) for row in written] == [spans(text) for text in TEXTS]
    meta = written[0]["meta"]
    assert meta["id"] == "t0"
    assert meta["model"] == "openai/small"
    assert re.fullmatch(r"[0-9a-f]{64}", meta["prompt_hash"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT.*\+00:00", meta["time"])
    counts = {"calls": 1, "failed_calls": 0, "cache_hits": 0, "input_tokens": 100, "output_tokens": 10}
    assert meta["usage"] == pytest.approx({**counts, "cost": 0.00012})
    assert len({row["meta"]["prompt_hash"] for row in written}) == len(TEXTS)
    assert all(row["labels"] == ["port", "ship"] and "confidence" not in str(row["spans"]) for row in written)
    assert [len(record.spans) for record in read_records(files / "out.jsonl")] == [3, 2, 0, 3, 3]
    assert "$0.0006" in output
    prompt = server.requests[0]["messages"][0]["content"]
    assert all(part in prompt for part in ("a named harbour", "Izmir", "Not: the harbour", "a named vessel"))


def test_strong_model_decides_where_the_samples_of_the_cheap_one_disagree(files):
    """The cheap one's second sample forgets the Otter; the strong one knows better than both about Cork."""
    asked: dict[str, int] = {}

    def answer(body: dict[str, Any]) -> Answer:
        text = shown(body)
        if body["model"] == "large":
            return knowing({**KNOWN, "Cork": "ship"})(body)
        asked[text] = asked.get(text, 0) + 1
        return knowing(KNOWN if asked[text] == 1 else {**PORTS, "Heron": "ship", "Gannet": "ship"})(body)

    with serve(answer) as server:
        output = teach(files, server.url, config="panel", teacher__concurrency=1)
    disputed = [text for text in TEXTS if "Otter" in text]
    large = [shown(body) for body in server.requests if body["model"] == "large"]
    assert sorted(large) == sorted(disputed)
    assert len(server.requests) == 2 * len(TEXTS) + len(disputed)
    written = {row["text"]: row for row in rows(files)}
    assert {row["meta"]["model"] for row in written.values()} == {"openai/small x2, then openai/large"}
    last = written[TEXTS[4]]
    assert last["meta"]["disagreed"]
    assert last["meta"]["arbitrated"]
    assert last["meta"]["usage"]["calls"] == 3
    certain = {found(row)[i][0]: s["confidence"] for row in [last] for i, s in enumerate(row["spans"])}
    assert certain == pytest.approx({"Otter": 0.6667, "Cork": 0.3333, "Heron": 1.0})
    agreed = written[TEXTS[0]]
    assert not agreed["meta"]["disagreed"]
    assert {span["confidence"] for span in agreed["spans"]} == {1.0}
    assert table(output, "texts with disagreement") == 2


def test_a_second_run_asks_nothing_and_edited_guidelines_ask_again(files):
    with serve(knowing(KNOWN)) as server:
        teach(files, server.url)
        before = (files / "out.jsonl").read_bytes()
        output = teach(files, server.url)
        assert len(server.requests) == len(TEXTS)
        assert (files / "out.jsonl").read_bytes() == before
        assert table(output, "labelled before") == len(TEXTS)
        srsly.write_yaml(files / "guidelines.yaml", {**GUIDELINES, "ship": "a vessel, with its name"})
        output = teach(files, server.url)
        assert len(server.requests) == 2 * len(TEXTS)
        assert "5 lines of" in output
        assert (files / "out.jsonl.replaced").read_bytes() == before
        srsly.write_jsonl(files / "texts.jsonl", [{"text": "The Gannet sank.", "id": "new"}, {"text": TEXTS[1]}])
        teach(files, server.url)
        assert len(server.requests) == 2 * len(TEXTS) + 1
    assert [row["text"] for row in rows(files)] == ["The Gannet sank.", TEXTS[1]]


def running(command: list[str], ready: Any) -> subprocess.Popen:
    """A run in a process of its own, returned when `ready()` is true or it has ended."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    run = subprocess.Popen([sys.executable, "-c", INTERRUPTIBLE_SPACY, *command], **pipes)
    for _ in range(1200):
        if ready() or run.poll() is not None:
            break
        time.sleep(0.05)
    return run


def test_killed_run_goes_on_and_asks_nothing_twice(files):
    texts = [f"{text} It was day {day}." for day in range(8) for text in TEXTS]
    srsly.write_jsonl(files / "texts.jsonl", [{"text": text} for text in texts])
    with serve(knowing(KNOWN, delay=0.05)) as server:
        command = arguments(files, server.url, teacher__concurrency=2)
        with running(command, lambda: len(server.requests) >= 12) as run:
            run.send_signal(signal.SIGKILL)
        assert run.returncode == -signal.SIGKILL
        written = (files / "out.jsonl").read_text(encoding="utf8").splitlines()
        assert 0 < len(written) < len(texts)
        (files / "out.jsonl").write_text("\n".join(written)[:-30], encoding="utf8")
        output = teach(files, server.url, teacher__concurrency=2)
        assert "had been cut off" in output
        assert table(output, "labelled before") == len(written) - 1
        assert len(server.requests) <= len(texts) + 2, "only what was under way may be asked again"
    assert [row["text"] for row in rows(files)] == texts
    assert all(found(row) == spans(row["text"]) for row in rows(files))


def test_interrupted_run_ends_at_once_and_says_how_to_go_on(files):
    """Ctrl-C while the server is too busy to answer, and asked again and again."""
    with serve(lambda body: Answer("", status=429, headers={"Retry-After": "20"})) as server:
        command = arguments(files, server.url, teacher__retries=9, teacher__breaker_failures=99)
        with running(command, lambda: len(server.requests) >= 5) as run:
            began = time.monotonic()
            run.send_signal(signal.SIGINT)
            output = run.communicate()[0]
        assert time.monotonic() - began < 15
    assert run.returncode == 1
    assert "Interrupted" in output


def test_full_disk_leaves_whole_lines_and_the_run_goes_on(files):
    """A limit on the size of files stands for the disk."""
    texts = [f"{text} It was day {day}." for day in range(8) for text in TEXTS]
    srsly.write_jsonl(files / "texts.jsonl", [{"text": text} for text in texts])
    out = files / "out.jsonl"
    with serve(knowing(KNOWN, delay=0.05)) as server:
        command = arguments(files, server.url, teacher__cache__path="null", teacher__concurrency=2)
        with running(command, lambda: out.is_file() and out.stat().st_size > 0) as run:
            limit = out.stat().st_size + 2000
            resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (limit, limit))
            output = run.communicate()[0]
        assert run.returncode == 1
        assert "T343" in output
        few = rows(files)
        assert 0 < len(few) < len(texts)
        assert out.stat().st_size <= limit
        teach(files, server.url, teacher__cache__path="null")
    assert rows(files)[: len(few)] == few
    assert [row["text"] for row in rows(files)] == texts


def test_used_up_budget_stops_and_a_larger_one_goes_on(files):
    with serve(knowing(KNOWN)) as server:
        output = teach(files, server.url, code=1, teacher__budget__max_calls=2, teacher__concurrency=1)
        assert "3 of 5 texts have no labels (budget: max_calls)" in output
        assert [row["text"] for row in rows(files)] == TEXTS[:2]
        teach(files, server.url)
        assert len(server.requests) == len(TEXTS)
    assert [row["text"] for row in rows(files)] == TEXTS


OTHER_LANGUAGE = [{"text": "Danzig", "label": "port"}, {"text": "der Reiher", "label": "ship"}]
OTHER_LABELS = [{"text": "Heron", "label": "bird"}, {"text": "Cork", "label": "city"}]


@pytest.mark.parametrize("content", ["", "Sorry!", json.dumps({"mentions": OTHER_LANGUAGE}), "[1]"])
def test_answer_of_no_use_is_asked_again_and_then_left_out(content, files):
    def answer(body: dict[str, Any]) -> Answer:
        return Answer(content) if "Nobody" not in shown(body) and "Fog" in shown(body) else knowing(KNOWN)(body)

    with serve(answer) as server:
        output = teach(files, server.url, code=1)
        assert "1 texts have no labels (unusable), such as t1" in output
        assert len(server.requests) == len(TEXTS) + 1
        teach(files, server.url, more=["--max-missing", "0.2"])
    assert [row["meta"]["id"] for row in rows(files)] == ["t0", "t2", "t3", "t4"]


def test_parts_of_answers_that_fit_neither_text_nor_labels_are_counted(files):
    def answer(body: dict[str, Any]) -> Answer:
        right = mentions(shown(body), KNOWN)
        return Answer(json.dumps({"mentions": [*right, *OTHER_LABELS, *OTHER_LANGUAGE] if right else []}))

    with serve(answer) as server:
        output = teach(files, server.url)
    assert table(output, "parts of answers: wrong labels") == table(output, "parts of answers: hallucinated") == 8
    assert [found(row) for row in rows(files)] == [spans(text) for text in TEXTS]
    assert rows(files)[0]["meta"]["rejected"] == {"wrong_labels": 2, "hallucinated": 2}


def test_dead_server_stops_the_run_early(files):
    with serve(lambda body: Answer("", status=500)) as server:
        texts = [{"text": f"Day {day} in Cork."} for day in range(100)]
        srsly.write_jsonl(files / "texts.jsonl", texts)
        output = teach(files, server.url, code=1, teacher__concurrency=2)
        assert len(server.requests) < 10
    assert "HTTP 500" in output
    assert "100 of 100 texts have no labels (circuit_open)" in output
    assert rows(files) == []


LISTED = [
    ("one for each place", ["port", "port"], [("Bergen", "port"), ("Bergen", "port")], 0),
    ("once for both", ["port"], [("Bergen", "port"), ("Bergen", "port")], 2),
    ("once too often", ["port"] * 3, [("Bergen", "port"), ("Bergen", "port")], 0),
    ("in order", ["ship", "port"], [("Bergen", "ship"), ("Bergen", "port")], 0),
    ("contradicting", ["ship", "port", "port"], [("Bergen", x) for x in ("port", "ship", "port", "ship")], 4),
]


@pytest.mark.parametrize(("labels", "expected", "ambiguous"), [row[1:] for row in LISTED], ids=[r[0] for r in LISTED])
def test_text_that_stands_there_twice(labels, expected, ambiguous, files):
    srsly.write_jsonl(files / "texts.jsonl", [{"text": "From 🚢 Bergen to Bergen."}])
    content = json.dumps({"mentions": [{"text": "Bergen", "label": label} for label in labels]})
    with serve(lambda body: Answer(content)) as server:
        teach(files, server.url)
    (row,) = rows(files)
    assert [(text, label) for text, _, label in found(row)] == expected
    assert [start for _, start, _ in found(row)] == sorted([7, 17] * (len(expected) // 2))
    assert len(row["meta"]["ambiguous"]) == ambiguous


def test_mention_inside_a_longer_one_is_not_taken_for_it(files):
    srsly.write_jsonl(files / "texts.jsonl", [{"text": "Cork Star left Cork."}, {"text": "The Bergen Bank burns."}])
    known = {"Cork Star": "ship", "Cork": "port", "Bergen Bank": "ship", "Bergen": "port"}

    def answer(body: dict[str, Any]) -> Answer:
        listed = [{"text": phrase, "label": label} for phrase, label in known.items() if phrase in shown(body)]
        return Answer(json.dumps({"mentions": listed}))

    with serve(answer) as server:
        teach(files, server.url)
    assert found(rows(files)[0]) == [("Cork Star", 0, "ship"), ("Cork", 15, "port")]
    assert found(rows(files)[1]) == [("Bergen", 4, "port"), ("Bergen Bank", 4, "ship")]
    assert all(row["meta"]["ambiguous"] == [] for row in rows(files))


def test_long_text_is_asked_about_in_parts(files):
    text = " ".join(f"Day {day}: the Heron left Cork." for day in range(60))
    srsly.write_jsonl(files / "texts.jsonl", [{"text": text}])
    with serve(knowing(KNOWN)) as server:
        teach(files, server.url, teacher__max_words=100)
        assert len(server.requests) > 3
    (row,) = rows(files)
    assert found(row) == spans(text)
    assert row["meta"]["usage"]["calls"] == len(server.requests)


BAD_LINES = [
    ('{"text": "a"}\n{"txt": "b"}\n', r"T344.*line 2.*KeyError"),
    ('{"text": "a"}\n\n{"text": 3}\n', r"T344.*line 3.*not a string"),
    ('{"text": "a"}\n{"text": "b"', r"T344.*line 2.*JSONDecodeError"),
    ('{"text": "a", "meta": 1}\n', r"T344.*line 1.*not an object"),
    ('{"text": "a", "id": 7}\n{"text": "b", "id": "7"}\n', r"T310.*'7'.*\[1, 2\]"),
    ("\n\n", r"T064"),
]


@pytest.mark.parametrize(("content", "message"), BAD_LINES)
def test_bad_texts(content, message, files):
    (files / "texts.jsonl").write_text(content, encoding="utf8")
    assert re.search(message, teach(files, "http://127.0.0.1:9/v1", code=1))


def test_last_line_without_its_newline_is_kept(files):
    with serve(knowing(KNOWN)) as server:
        teach(files, server.url)
        before = (files / "out.jsonl").read_bytes()
        (files / "out.jsonl").write_bytes(before[:-1])
        teach(files, server.url)
        assert len(server.requests) == len(TEXTS)
    assert (files / "out.jsonl").read_bytes() == before


def test_text_that_is_there_twice_is_labelled_once(files):
    srsly.write_jsonl(files / "texts.jsonl", [{"text": TEXTS[1]}, {"text": TEXTS[1], "id": "again"}])
    with serve(knowing(KNOWN)) as server:
        assert "1 texts are in" in teach(files, server.url)
        assert len(server.requests) == 1
    assert len(rows(files)) == 1


BAD_GUIDELINES = [
    "",
    "- port\n- ship\n",
    "port: [a, b]\n",
    "port: {descripton: a harbour}\n",
    "port: {positive: Cork}\n",
]


@pytest.mark.parametrize("content", [*BAD_GUIDELINES, "port: {threshold: 2}\n", "port: 'a\n"])
def test_bad_guidelines(content, files):
    (files / "guidelines.yaml").write_text(content, encoding="utf8")
    assert "T346" in teach(files, "http://127.0.0.1:9/v1", code=1)


BAD_SETTINGS = [
    ({"teacher.samples": 0}, "T014"),
    ({"teacher.samples": 2}, "T341"),
    ({"teacher.sample": 2}, "T347"),
    ({"teacher.clients": "{}"}, "T340"),
    ({"teacher.clients.first.model": "small"}, "T113"),
    ({"teacher.budget.max_cost": 5}, "T119"),
]


@pytest.mark.parametrize(("overrides", "code"), BAD_SETTINGS)
def test_bad_settings(overrides, code, files):
    changed = {key.replace(".", "__"): value for key, value in overrides.items()}
    assert code in teach(files, "http://127.0.0.1:9/v1", code=1, **changed)


BAD_CONFIGS = [
    ("[paths]\ntrain = null\n", "T347.*its sections are paths"),
    ("[teacher]\nsamples = 1\n", "T347.*@misc"),
    ('[teacher]\n@misc = "spacy-tiered-ner.budget.v1"\n', "T347.*@misc"),
    ("samples = 1\n", "(?i)config"),
]


@pytest.mark.parametrize(("content", "message"), BAD_CONFIGS)
def test_bad_configs(content, message, files):
    (files / "bad.cfg").write_text(content, encoding="utf8")
    paths = [files / "bad.cfg", files / "texts.jsonl", files / "out.jsonl", "-g", files / "guidelines.yaml"]
    done = CliRunner().invoke(app, ["tiered", "teach", *map(str, paths)])
    assert done.exit_code == 1
    assert re.search(message, " ".join(done.output.split())), done.output


def test_strong_model_that_cannot_be_needed(files):
    assert "T342" in teach(files, "http://127.0.0.1:9/v1", code=1, config="panel", teacher__samples=1)


def test_reviewed_texts_are_not_overwritten(files):
    with serve(knowing(KNOWN)) as server:
        teach(files, server.url)
        reviewed = [{**row, "review": [{"reviewer": "ann", "time": None, "spans": []}]} for row in rows(files)]
        srsly.write_jsonl(files / "out.jsonl", reviewed)
        teach(files, server.url)
        srsly.write_yaml(files / "guidelines.yaml", {"ship": "a vessel"})
        assert "T345" in teach(files, server.url, code=1)
    assert rows(files) == reviewed


def test_replay_names_itself_and_knows_only_its_recording(files):
    paths = [CONFIGS / "replay.cfg", files / "texts.jsonl", files / "out.jsonl", "-g", files / "guidelines.yaml"]
    recording = CONFIGS.parent.parent / "assets" / "recorded_answers.jsonl"
    settings = {f"teacher.{part}.path": recording for part in ("clients.first", "clients.second", "strong")}
    options = [part for key, value in settings.items() for part in (f"--{key}", value)]
    done = CliRunner().invoke(app, [str(part) for part in ("tiered", "teach", *paths, *options)])
    output = " ".join(done.output.split())
    assert done.exit_code == 1
    assert "replay/simulated-small-a + replay/simulated-small-b, then replay/simulated-strong" in output
    assert "has no answer to this prompt" in output
