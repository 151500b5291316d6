"""Annotated texts from files: `.spacy`, annotated JSONL and passages with inline markup.

JSONL has one object a line: `text`, `spans` ({`start`, `end` (exclusive), `label`} in characters) and, optionally,
`labels`, what the annotators looked for. A passage is a line such as
`[Marie Curie|physicist;person] taught in [Paris|city;location]. ## album; university`.
"""

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from spacy.language import Language
from spacy.tokens import Doc, DocBin

from .errors import Errors
from .extensions import register
from .spans import write_gold

JSONL = (".jsonl", ".jsonl.gz")
PASSAGES = ".txt"
DOCBIN = ".spacy"
FILE_TYPES = (DOCBIN, PASSAGES, *JSONL)
SPANS_KEY = "gliner"


@dataclass(frozen=True)
class Record:
    """An annotated text. spans: (start, end exclusive, label) in characters, nested and overlapping ones included.
    labels: What the annotators looked for, None where it is not known.
    """

    text: str
    spans: list[tuple[int, int, str]]
    labels: list[str] | None


RecordT = TypeVar("RecordT", bound=Record)


def read_corpus(path: Path, nlp: Language, spans_key: str = SPANS_KEY) -> Iterator[Doc]:
    """Read a file, or every file of a directory in the order of their names.

    nlp: Its tokenizer makes the words; `.spacy` files bring their own. Their gold is the span group, or `doc.ents`
        where it is missing or has scores, which makes it a prediction.
    YIELDS (Doc): `doc.spans[spans_key]` with every span, `doc.ents` their flat projection (kept where a `.spacy` file
        has entities of its own), `doc._.gliner_labels` the labels that were looked for, where they are known, and
        `doc._.tiered_ner["corpus"]["misaligned"]` the number of spans that were moved to token borders, if any.
    RAISES (ValueError): T043, T060 bad line, T061 no corpus, T062 damaged file, T063 no annotations.
    """
    for file in corpus_files(path):
        if file_type(file) == DOCBIN:
            yield from read_docbin(file, nlp, spans_key)
        else:
            for record in read_records(file):
                yield make_doc(record, nlp, spans_key)


def read_records(path: Path) -> Iterator[Record]:
    """Read one JSONL or passage file. RAISES (ValueError): T043, T060 bad line, T061 other file, T062 damaged file."""
    if path.is_file() and file_type(path) in JSONL:
        return read_lines(path, parse_json, Errors.T043)
    if path.is_file() and file_type(path) == PASSAGES:
        return read_lines(path, parse_line, Errors.T060)
    raise ValueError(Errors.T061.format(path=path))


def corpus_files(path: Path) -> list[Path]:
    """RETURNS (List[Path]): The file itself, or those below the directory. RAISES (ValueError): T061."""
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if not file.name.startswith("."))
    files = [file for file in files if file.is_file() and file_type(file)]
    if not files:
        raise ValueError(Errors.T061.format(path=path))
    return files


def file_type(path: Path) -> str | None:
    return next((ending for ending in FILE_TYPES if path.name.lower().endswith(ending)), None)


def read_docbin(path: Path, nlp: Language, spans_key: str) -> Iterator[Doc]:
    for number, doc in enumerate(open_docbin(path, nlp), 1):
        has_ents = doc.has_annotation("ENT_IOB")
        has_group = spans_key in annotated_groups(doc)
        if not has_group and not has_ents:
            raise ValueError(Errors.T063.format(path=path, number=number, key=spans_key, groups=sorted(doc.spans)))
        write_gold(doc, spans_key, doc.spans[spans_key] if has_group else doc.ents, ents=not has_ents)
        yield doc


def open_docbin(path: Path, nlp: Language) -> Iterator[Doc]:
    """YIELDS (Doc): As they are in the file. RAISES (ValueError): T062 damaged file."""
    register()
    try:
        docbin = DocBin().from_disk(path)
    except Exception as error:
        raise ValueError(Errors.T062.format(path=path, reason=error)) from error
    yield from docbin.get_docs(nlp.vocab)


def annotated_groups(doc: Doc) -> list[str]:
    """RETURNS (List[str]): The span groups without scores; those with scores are predictions."""
    return sorted(key for key, group in doc.spans.items() if "scores" not in group.attrs)


def read_lines(path: Path, parse: Callable[[str], RecordT], problem: str) -> Iterator[RecordT]:
    """problem: The error for a bad line, with the places `path`, `line`, `reason`. Empty lines are skipped."""
    opener: Callable[..., Any] = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    record = parse(line.decode("utf-8-sig"))
                    check(record)
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    reason = f"{type(error).__name__}: {error}"
                    raise ValueError(problem.format(path=path, line=number, reason=reason)) from error
                yield record
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(Errors.T062.format(path=path, reason=error)) from error


def parse_json(line: str) -> Record:
    row = json.loads(line)
    text, rows, labels = row["text"], row["spans"], row.get("labels")
    if not isinstance(text, str):
        raise TypeError(f"`text` is {text!r}, not a string")
    if not isinstance(rows, list):
        raise TypeError(f"`spans` is {rows!r}, not a list")
    if labels is not None and not isinstance(labels, list):
        raise TypeError(f"`labels` is {labels!r}, not a list")
    spans = [(span["start"], span["end"], span["label"]) for span in rows]
    return Record(text, spans, list(dict.fromkeys(labels or ())) or None)


def parse_line(line: str) -> Record:
    text, marked, absent = parse_passage(line.strip())
    spans = [(start, end, label) for start, end, labels in marked for label in labels]
    return Record(text, spans, list(dict.fromkeys([*(label for _, _, label in spans), *absent])) or None)


def parse_passage(line: str) -> tuple[str, list[tuple[int, int, tuple[str, ...]]], tuple[str, ...]]:
    """Read one line of inline markup. RETURNS (tuple): The text, (start, end, labels) spans, absent labels."""
    body, _, absent = line.partition(" ## ")
    text: list[str] = []
    open_at: list[int] = []
    spans = []
    position = 0
    while position < len(body):
        char = body[position]
        if char == "[":
            open_at.append(len(text))
        elif char == "|" and open_at:
            close = body.find("]", position)
            if close < 0:
                break
            labels = tuple(part.strip() for part in body[position + 1 : close].split(";") if part.strip())
            spans.append((open_at.pop(), len(text), labels))
            position = close
        else:
            text.append(char)
        position += 1
    if open_at or not all(labels for _, _, labels in spans):
        raise ValueError(f"Bad markup in passage: {line[:80]}")
    return "".join(text), spans, tuple(part.strip() for part in absent.split(";") if part.strip())


def check(record: Record) -> None:
    """RAISES (ValueError, TypeError): For borders or labels that cannot be, and for text that is not UTF-8."""
    record.text.encode("utf8")
    for start, end, label in record.spans:
        if type(start) is not int or type(end) is not int:
            raise TypeError(f"the borders {start!r} and {end!r} are not whole numbers")
        if not 0 <= start < end <= len(record.text):
            raise ValueError(f"the span {start}:{end} is empty or outside the text of {len(record.text)} characters")
        if not record.text[start:end].strip():
            raise ValueError(f"the span {start}:{end} holds only white space")
        check_label(label)
    for label in record.labels or ():
        check_label(label)


def check_label(label: Any) -> None:
    if not isinstance(label, str) or not label.strip():
        raise TypeError(f"the label {label!r} is not a string with letters")
    label.encode("utf8")


def make_doc(record: Record, nlp: Language, spans_key: str = SPANS_KEY) -> Doc:
    """Tokenise a record and write its annotations as `read_corpus` describes. White space at the ends of a span is left
    out, and a span that begins or ends inside a token is widened to it.
    """
    register()
    doc = nlp.tokenizer(record.text)
    spans, moved = [], 0
    for start, end, label in record.spans:
        marked = record.text[start:end]
        first = start + len(marked) - len(marked.lstrip())
        last = end - len(marked) + len(marked.rstrip())
        span = doc.char_span(first, last, label=label, alignment_mode="expand")
        assert span is not None
        moved += (span.start_char, span.end_char) != (start, end)
        spans.append(span)
    write_gold(doc, spans_key, spans)
    doc._.gliner_labels = record.labels
    if moved:
        doc._.tiered_ner = {"corpus": {"misaligned": moved}}
    return doc


def split_docs(docs: Sequence[Doc], share: float, seed: int) -> tuple[list[Doc], list[Doc]]:
    """Divide by distinct text (white space aside), so that no text is on both sides.

    share: Of the distinct texts, for the second side; both sides get at least one.
    RETURNS (tuple): Both sides in the order of `docs`, the same for the same seed.
    RAISES (ValueError): T068 fewer than two distinct texts.
    """
    keys = [" ".join(doc.text.split()) for doc in docs]
    texts = list(dict.fromkeys(keys))
    if len(texts) < 2:
        raise ValueError(Errors.T068.format(count=len(texts)))
    count = min(max(round(share * len(texts)), 1), len(texts) - 1)
    held_out = set(random.Random(seed).sample(texts, count))
    sides: tuple[list[Doc], list[Doc]] = ([], [])
    for doc, key in zip(docs, keys, strict=True):
        sides[key in held_out].append(doc)
    return sides
