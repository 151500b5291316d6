"""`python -m spacy tiered redact`."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option
from wasabi import msg

from ..errors import Errors
from . import tiered
from .redact_files import CsvFile, Row, batches, file_format, read_chunks, read_jsonl

if TYPE_CHECKING:
    from ..pii.component import PiiRedactor
    from ..pii.redaction import Redaction
    from .redact_page import Found

PIPE = "pii_redactor"
LONG = 50_000
BATCH, ROWS, CHARACTERS = 64, 256, 500_000


@tiered.command("redact")
def redact_cli(
    source: Annotated[Path, Argument(help="A text, JSONL, CSV or TSV file (UTF-8)")],
    output: Annotated[Path, Argument(help="The file to write, of the same kind")],
    pipeline: Annotated[
        str | None,
        Option("--pipeline", "-p", help="A pipeline with pii_redactor, or its config; by default a blank English one"),
    ] = None,
    operators: Annotated[
        list[str] | None,
        Option("--operator", "-o", help="LABEL=OPERATOR, such as PERSON=pseudonym; *=mask is for all other labels"),
    ] = None,
    fields: Annotated[
        list[str] | None, Option("--field", "-f", help="JSONL fields (by default text) or CSV columns (by default all)")
    ] = None,
    subject: Annotated[
        str | None, Option("--subject", "-s", help="Field or column that says whose dates are shifted alike")
    ] = None,
    scope: Annotated[
        str | None, Option("--scope", help="Where the same value gets the same replacement: doc, session or corpus")
    ] = None,
    vault: Annotated[Path | None, Option("--vault", help="File that keeps what leads back, for --scope corpus")] = None,
    kind: Annotated[str | None, Option("--format", help="text, jsonl or csv, where the name does not say it")] = None,
    delimiter: Annotated[str | None, Option("--delimiter", help="Of CSV: a comma, in TSV a tab")] = None,
    report: Annotated[Path | None, Option("--report", "-r", help="HTML page that shows what was found")] = None,
    show_values: Annotated[bool, Option("--show-values", help="Show the values themselves in the report")] = False,
    force: Annotated[bool, Option("--force", "-F", help="Replace an existing output or report")] = False,
) -> None:
    """Find personal data in a file and write a copy without it. A row of a JSONL or CSV file is one document."""
    from .redact_page import Found

    try:
        check_outputs(source, [output, *([report] if report else [])], force)
        kind = file_format(source, kind)
        pipe = load_pipe(pipeline, operators or [], scope, vault)
        found = Found(show_values, [label for label in parse_operators(operators or []) if label != "*"])
        write(output, redacted_pieces(pipe, source, read_rows(source, kind, fields or [], subject, delimiter), found))
        if report:
            report.write_text(found.page(source.name), encoding="utf8")
    except (ValueError, ImportError, OSError) as error:
        msg.fail("Redaction failed", str(error), exits=1)
    found.print_summary()
    msg.good(f"Wrote {output}", None if report is None else f"Report: {report}")


def check_outputs(source: Path, outputs: list[Path], force: bool) -> None:
    """RAISES (ValueError): T240 the input itself, T246 exists."""
    if not source.is_file():
        raise FileNotFoundError(f"There is no file {source}")
    for number, path in enumerate(outputs):
        taken = {source.resolve(), *(other.resolve() for other in outputs[:number])}
        if path.resolve() in taken or (path.exists() and path.samefile(source)):
            raise ValueError(Errors.T240.format(path=path))
        if path.exists() and not force:
            raise ValueError(Errors.T246.format(path=path))


def load_pipe(pipeline: str | None, operators: list[str], scope: str | None, vault: Path | None) -> "PiiRedactor":
    """RAISES (ValueError): T247 no redactor in the pipeline, T248 bad --operator, or what the redactor raises."""
    import spacy
    from spacy.util import load_config, load_model_from_config

    if pipeline is None:
        nlp = spacy.blank("en")
        nlp.add_pipe(PIPE)
    elif Path(pipeline).is_file():
        nlp = load_model_from_config(load_config(pipeline), auto_fill=True)
    else:
        nlp = spacy.load(pipeline)
    names = [name for name in nlp.pipe_names if nlp.get_pipe_meta(name).factory == PIPE]
    if not names:
        raise ValueError(Errors.T247.format(pipeline=pipeline, names=nlp.pipe_names))
    nlp.max_length = 2**62
    pipe: Any = nlp.get_pipe(names[-1])
    if operators or scope or vault:
        scope = scope or ("corpus" if vault else pipe.redactor.scope)
        pipe.redactor = pipe.redactor.changed(parse_operators(operators), scope, vault)
    return pipe


def parse_operators(entries: list[str]) -> dict[str, str]:
    """RAISES (ValueError): T248."""
    found = {}
    for entry in entries:
        label, separator, name = entry.partition("=")
        if not (label.strip() and separator and name.strip()):
            raise ValueError(Errors.T248.format(entry=entry))
        found[label.strip()] = name.strip()
    return found


def read_rows(
    source: Path, kind: str, fields: list[str], subject: str | None, delimiter: str | None
) -> Iterable[Row] | None:
    """RETURNS (Optional[Iterable[Row]]): None for a text, which has none."""
    if kind == "csv":
        return CsvFile(source, fields, subject, delimiter)
    return read_jsonl(source, fields or ["text"], subject) if kind == "jsonl" else None


def write(path: Path, pieces: Iterable[str]) -> None:
    """Write a file that is there as a whole or not at all."""
    unfinished = path.with_name(f"{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            for piece in pieces:
                file.write(piece)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def redacted_pieces(pipe: "PiiRedactor", source: Path, rows: Iterable[Row] | None, found: "Found") -> Iterator[str]:
    """rows (Optional[Iterable[Row]]): None for a text. YIELDS (str): The new file, with a progress bar."""
    from tqdm import tqdm

    with tqdm(total=source.stat().st_size, unit="B", unit_scale=True, desc=source.name, leave=False) as bar:
        if rows is None:
            parts = count(1)
            yield from streamed(
                pipe,
                counted(read_chunks(source), bar),
                lambda text, redaction: found.add(f"part {next(parts)}", text, redaction),
            )
            return
        for batch in batches(rows, ROWS, CHARACTERS):
            # Zones must not nest, and each part of a long text has its own.
            long = any(len(text) > LONG for row in batch for text in row.texts)
            with nullcontext() if long else pipe.nlp.memory_zone():
                redacted = list(redacted_rows(pipe, batch, found))
            for row, texts in zip(batch, redacted, strict=True):
                bar.update(row.size)
                found.copied.update(dict.fromkeys(row.copied))
                yield row.rebuilt(texts)


def counted(chunks: Iterable[str], bar: Any) -> Iterator[str]:
    for chunk in chunks:
        bar.update(len(chunk.encode()))
        yield chunk


def redacted_rows(pipe: "PiiRedactor", rows: list[Row], found: "Found") -> Iterator[list[str]]:
    """YIELDS (List[str]): The texts of each row. Those of one row share their tags and pseudonyms."""
    docs = [pipe.nlp.make_doc(text) for row in rows for text in row.texts if len(text) <= LONG]
    detected = pipe.detectors.stream(docs, BATCH)
    for row in rows:
        session = pipe.redactor.session() if pipe.redactor.scope == "doc" else None
        add, new = partial(found.add, row.name), []
        for text in row.texts:
            if len(text) > LONG:
                new.append("".join(streamed(pipe, [text], add, row.subject, session)))
            else:
                redaction = pipe.redacted(*next(detected), row.subject, session)
                add(text, redaction)
                new.append(redaction.text)
        yield new


def streamed(
    pipe: "PiiRedactor",
    chunks: Iterable[str],
    add: Callable[[str, "Redaction"], None],
    subject: str | None = None,
    session: Any = None,
) -> Iterator[str]:
    """YIELDS (str): A text of any length, redacted part by part; `add` is called with each part."""
    from ..pii.stream import StreamRedactor

    if session is None and pipe.redactor.scope == "doc":
        session = pipe.redactor.session()

    def redact(text: str, findings: list[Any]) -> str:
        redaction = pipe.redactor.redact(text, findings, subject=subject, session=session)
        add(text, redaction)
        return redaction.text

    def find(text: str) -> list[Any]:
        with pipe.nlp.memory_zone():
            return pipe.find(text)

    yield from StreamRedactor(find, redact)(chunks)
