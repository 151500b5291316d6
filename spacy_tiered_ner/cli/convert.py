"""`python -m spacy tiered convert`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option
from wasabi import msg

from ..errors import Errors
from . import tiered

if TYPE_CHECKING:
    from spacy.tokens import Doc

SHOWN_LABELS = 20


@tiered.command("convert")
def convert_cli(
    input_path: Annotated[
        Path, Argument(help="Annotated .jsonl or .jsonl.gz, passages (.txt), .spacy, or a directory with such files")
    ],
    output_path: Annotated[Path, Argument(help="The .spacy file to write; with --split, a directory")],
    lang: Annotated[str, Option("--lang", "-l", help="Language of the tokenizer")] = "en",
    spans_key: Annotated[str, Option("--spans-key", "-k", help="Span group to write")] = "gliner",
    split: Annotated[
        float | None, Option("--split", "-s", help="Share of the texts for dev.spacy; the others go to train.spacy")
    ] = None,
    seed: Annotated[int, Option("--seed", help="Seed of the split")] = 0,
) -> None:
    """Convert annotated texts to spaCy's binary format, for `spacy train`, and count what is in them."""
    import spacy
    from tqdm import tqdm

    from ..corpus import read_corpus, split_docs

    try:
        check_paths(input_path, output_path, split)
        docs = list(tqdm(read_corpus(input_path, spacy.blank(lang), spans_key), unit=" docs", leave=False))
        if not docs:
            raise ValueError(Errors.T064.format(path=input_path))
        if split is None:
            write(output_path, docs)
        else:
            train, dev = split_docs(docs, split, seed)
            write(output_path / "train.spacy", train)
            write(output_path / "dev.spacy", dev)
    except (ValueError, ImportError, OSError) as error:
        msg.fail("Conversion failed", str(error), exits=1)
    print_counts(docs, spans_key)


def check_paths(source: Path, output: Path, split: float | None) -> None:
    """RAISES (ValueError): T065 output in the input, T066 wrong kind of output, T067 bad share."""
    if split is not None and not 0 < split < 1:
        raise ValueError(Errors.T067.format(value=split))
    if split is None and (output.suffix != ".spacy" or output.is_dir()):
        raise ValueError(Errors.T066.format(path=output, wanted="without --split it is a file that ends in .spacy"))
    if split is not None and (output.suffix == ".spacy" or output.is_file()):
        raise ValueError(Errors.T066.format(path=output, wanted="with --split it is a directory"))
    written = [output] if split is None else [output / "train.spacy", output / "dev.spacy"]
    if any(path.resolve().is_relative_to(source.resolve()) for path in written):
        raise ValueError(Errors.T065.format(path=output))


def write(path: Path, docs: Iterable["Doc"]) -> None:
    from spacy.tokens import DocBin
    from tqdm import tqdm

    docbin = DocBin(docs=tqdm(docs, desc=path.name, unit=" docs", leave=False), store_user_data=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    docbin.to_disk(path)
    msg.good(f"Wrote {len(docbin)} documents to {path}")


def print_counts(docs: Sequence["Doc"], spans_key: str) -> None:
    labels: Counter[str] = Counter()
    covered = empty = moved = 0
    for doc in docs:
        spans = list(doc.spans[spans_key])
        ents = {(ent.start, ent.end, ent.label) for ent in doc.ents}
        labels.update(span.label_ for span in spans)
        covered += sum((span.start, span.end, span.label) not in ents for span in spans)
        empty += not spans
        moved += (doc._.tiered_ner or {}).get("corpus", {}).get("misaligned", 0)
    rows = [
        ("documents", len(docs)),
        ("documents without spans", empty),
        ("spans", sum(labels.values())),
        ("spans not in doc.ents (nested, overlapping)", covered),
        ("spans moved to token borders", moved),
        ("labels", len(labels)),
    ]
    msg.table(rows, aligns=("l", "r"), max_col=60)
    if labels:
        msg.table(labels.most_common(SHOWN_LABELS), header=("label", "spans"), divider=True, aligns=("l", "r"))
    if len(labels) > SHOWN_LABELS:
        msg.text(f"and {len(labels) - SHOWN_LABELS} more labels")
