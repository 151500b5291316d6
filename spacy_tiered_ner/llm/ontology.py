"""Canonical values: which entry of an ontology a surface form stands for."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import srsly

from ..errors import Errors
from ..extras import needs

Table = dict[str, dict[str, list[str]]]
Ontology: TypeAlias = Callable[[str, str], str | Sequence[str] | None]
READERS: dict[str, Callable[[Path], Any]] = {
    ".json": srsly.read_json,
    ".yaml": srsly.read_yaml,
    ".yml": srsly.read_yaml,
}
OFFERED = 20


class TableOntology:
    """Maps a label and a surface form to the value whose name or only synonym it is; otherwise to the `OFFERED` values
    closest by spelling (rapidfuzz), among which an LLM has to choose.
    """

    def __init__(self, table: Any, source: str = "ontology"):
        """RAISES (ValueError): T106 for anything but {label: {value: [synonyms]}}."""
        self.table = check_table(table, source)
        self._forms: dict[str, dict[str, list[str]]] = {}
        for label, values in self.table.items():
            forms = self._forms[label] = {}
            for value, synonyms in values.items():
                for form in {folded(text) for text in (value, *synonyms)}:
                    forms.setdefault(form, []).append(value)

    def __call__(self, label: str, text: str) -> str | list[str]:
        forms = self._forms.get(label)
        if not forms:
            return []
        form = folded(text)
        if form in forms:
            return forms[form][0] if len(forms[form]) == 1 else forms[form]
        with needs("llm"):
            from rapidfuzz import fuzz, process
        close = process.extract(form, forms.keys(), scorer=fuzz.WRatio, limit=OFFERED)
        return [*dict.fromkeys(value for name, _, _ in close for value in forms[name])]


def load_ontology(source: Any) -> TableOntology | Ontology | None:
    """source: A table, the path to a .json or .yaml file with one, or a callable `(label, text)` that returns
    the value as a string where it is sure, and otherwise a list of those that an LLM may choose from.

    RAISES (ValueError): T106 bad table or file.
    """
    if source is None or callable(source):
        return source
    if not isinstance(source, str | Path):
        return TableOntology(source)
    path = Path(source)
    if path.suffix not in READERS:
        raise ValueError(Errors.T106.format(source=path, reason="the file is neither .json nor .yaml"))
    try:
        table = READERS[path.suffix](path)
    except (OSError, ValueError) as error:
        raise ValueError(Errors.T106.format(source=path, reason=error)) from error
    return TableOntology(table, str(path))


def check_table(table: Any, source: str) -> Table:
    if not isinstance(table, Mapping):
        raise ValueError(Errors.T106.format(source=source, reason=f"it is a {type(table).__name__}"))
    checked: Table = {}
    for label, values in table.items():
        if not isinstance(values, Mapping):
            raise ValueError(Errors.T106.format(source=source, reason=f"the values of {label!r} are no table"))
        checked[label] = {}
        for value, synonyms in values.items():
            names = [] if synonyms is None else synonyms
            if isinstance(names, str) or not all(isinstance(text, str) for text in (label, value, *names)):
                raise ValueError(Errors.T106.format(source=source, reason=f"{value!r} has no list of strings"))
            checked[label][value] = list(names)
    return checked


def folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
