"""Small annotated texts about ports and ships, with nested entities, and the DocBin files that `spacy train` reads."""

from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import filter_spans

# A phrase is marked where it first stands in its text. Some lie inside others.
TEXTS: list[tuple[str, list[tuple[str, str]]]] = [
    (
        "The Blue Heron left the Port of Gdynia with 400 tonnes of barley.",
        [("Blue Heron", "VESSEL"), ("Port of Gdynia", "PORT"), ("Gdynia", "CITY"), ("barley", "CARGO")],
    ),
    (
        "Fog kept the ferry Marta Lund inside Bergen harbour until noon.",
        [("Marta Lund", "VESSEL"), ("Bergen harbour", "PORT"), ("Bergen", "CITY")],
    ),
    (
        "Cranes at the Port of Mombasa unload timber.",
        [("Port of Mombasa", "PORT"), ("Mombasa", "CITY"), ("timber", "CARGO")],
    ),
    (
        "A tug pulled the Silver Otter away from Izmir harbour, her holds full of cotton.",
        [("Silver Otter", "VESSEL"), ("Izmir harbour", "PORT"), ("Izmir", "CITY"), ("cotton", "CARGO")],
    ),
    ("The Old Gannet carries barley and timber.", [("Old Gannet", "VESSEL"), ("barley", "CARGO"), ("timber", "CARGO")]),
    (
        "Nobody in the Port of Cork had seen the Red Kestrel since spring.",
        [("Port of Cork", "PORT"), ("Cork", "CITY"), ("Red Kestrel", "VESSEL")],
    ),
    (
        "Coal for the mills was shipped through Varna harbour on the Tall Heron.",
        [("Coal", "CARGO"), ("Varna harbour", "PORT"), ("Varna", "CITY"), ("Tall Heron", "VESSEL")],
    ),
    ("Rain fell all day, and no ship came in.", []),
]
GROUP = "places"


def annotate(nlp: Language, labels: set[str] | None = None) -> list[Doc]:
    """The texts as documents: every span in `doc.spans[GROUP]`, the outer ones in `doc.ents`.

    labels (Optional[Set[str]]): Leave out all others.
    """
    docs = []
    for text, phrases in TEXTS:
        doc = nlp.make_doc(text)
        spans = [
            doc.char_span(text.index(phrase), text.index(phrase) + len(phrase), label=label)
            for phrase, label in phrases
            if labels is None or label in labels
        ]
        doc.spans[GROUP] = spans
        doc.set_ents(filter_spans(spans))
        docs.append(doc)
    return docs


def write_docbin(path: Path, labels: set[str] | None = None) -> Path:
    DocBin(docs=annotate(spacy.blank("en"), labels)).to_disk(path)
    return path
