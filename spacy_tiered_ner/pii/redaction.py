"""From findings to a redacted text, with offsets both ways."""

import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import Errors, Warnings
from ..gliner.checks import check_option
from .finding import Finding
from .keys import KEY_VARIABLE
from .operators import Operator, resolve
from .operators.encrypt import Encrypt
from .operators.keep import Keep
from .pieces import PERSONS, Piece, cover, disjoint, gaps, overlaps, substitute
from .placeholders import QUOTED, tag_word
from .session import Session
from .vault import Vault

SCOPES = ("doc", "session", "corpus")


@dataclass(frozen=True, slots=True)
class Replacement:
    """Characters `start` to `end` of the original became `new_start` to `new_end` of the redacted text.

    label (str), score (float), source (str): Those of the finding.
    """

    start: int
    end: int
    new_start: int
    new_end: int
    label: str
    score: float = 1.0
    source: str = ""


class Redaction:
    """A redacted text and how its offsets relate to those of the original. Holds nothing of the original.

    text (str): The redacted text. replacements (Tuple[Replacement]): In reading order.
    """

    def __init__(self, text: str, replacements: Sequence[Replacement]):
        self.text = text
        self.replacements = tuple(replacements)
        self._starts = [item.start for item in self.replacements]
        self._new_starts = [item.new_start for item in self.replacements]

    def __repr__(self) -> str:
        return f"Redaction({self.text!r}, {len(self.replacements)} replacements)"

    def to_redacted(self, offset: int, *, end: bool = False) -> int:
        """RETURNS (int): Where a border in the original is now. Within a replaced stretch that is where the
        replacement begins; where it ends, if `offset` is the `end` of something.
        """
        index = (bisect_left if end else bisect_right)(self._starts, offset) - 1
        if index < 0:
            return offset
        item = self.replacements[index]
        if end and offset <= item.end:
            return item.new_end
        return item.new_start if offset < item.end else offset - item.end + item.new_end

    def to_original(self, offset: int, *, end: bool = False) -> int:
        """RETURNS (int): Where a border in the redacted text was, within a replacement as in `to_redacted`."""
        index = (bisect_left if end else bisect_right)(self._new_starts, offset) - 1
        if index < 0:
            return offset
        item = self.replacements[index]
        if end and offset <= item.new_end:
            return item.end
        return item.start if offset < item.new_end else offset - item.new_end + item.end

    def touches(self, start: int, end: int) -> bool:
        """RETURNS (bool): Whether anything of a stretch of the original was replaced."""
        index = bisect_left(self._starts, end) - 1
        return index >= 0 and self.replacements[index].end > start


class Redactor:
    """Replaces findings as their labels ask for. May be pickled; values that it remembers stay behind."""

    def __init__(
        self,
        operators: Mapping[str, Operator | str] = MappingProxyType({}),
        *,
        default: Operator | str = "tag",
        scope: str = "doc",
        vault: str | Path | None = None,
        key_variable: str = KEY_VARIABLE,
    ):
        """operators (Mapping): Label -> operator, or the name of one to use with its defaults.
        default (Union[Operator, str]): For all other labels.
        scope (str): How far the same value gets the same replacement: "doc", "session" (this object's life) or
            "corpus" (all that shares the vault).
        vault (Optional[Union[str, Path]]): The file that keeps what "corpus" needs, encrypted.
        key_variable (str): The environment variable with the vault's key.
        RAISES (ValueError): T012 scope, T222 unknown operator, T223 vault and scope do not fit, or what the operators
            raise.
        """
        check_option("scope", scope, SCOPES)
        if (scope == "corpus") != (vault is not None):
            raise ValueError(Errors.T223.format(scope=scope, vault=vault))
        self.operators = {label: resolve(operator, label) for label, operator in operators.items()}
        self.default = resolve(default, "default")
        self._by_word = by_word(self.operators)
        self.scope = scope
        self.vault = None if vault is None else Vault(vault, key_variable)
        self.key_variable = key_variable
        self._forget()
        for label, operator in self.operators.items():
            operator.validate(label)
        self.default.validate("*")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_session": None, "_shifts": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    def _forget(self) -> None:
        self._shifts: dict[str | None, int] = {}
        self._session = self.session() if self.scope == "session" else None

    def session(self) -> Session:
        """RETURNS (Session): A new one, in which dates of a subject are shifted as in all others of this redactor."""
        return Session(shifts=self._shifts)

    def changed(self, operators: Mapping[str, Operator | str], scope: str, vault: str | Path | None) -> "Redactor":
        """RETURNS (Redactor): A new one with other operators ("*" for the default), scope and vault."""
        others = {label: operator for label, operator in operators.items() if label != "*"}
        default = operators.get("*", self.default)
        if vault is None and scope == "corpus" and self.vault is not None:
            vault = self.vault.path
        settings: dict[str, Any] = {"scope": scope, "vault": vault, "key_variable": self.key_variable}
        return Redactor({**self.operators, **others}, default=default, **settings)

    def operator(self, label: str) -> Operator:
        """RETURNS (Operator): What replaces values of this label; "zip code" and ZIP_CODE are one."""
        return self._by_word.get(tag_word(label), self.default)

    def redact(
        self, text: str, findings: Iterable[Finding], *, subject: str | None = None, session: Session | None = None
    ) -> Redaction:
        """Replace every finding; what overlaps is replaced as a whole.

        subject (Optional[str]): Whose text it is: dates of one subject are shifted alike.
        session (Optional[Session]): Takes the place of the scope, for who wants to restore and then forget.
        RAISES (ValueError): T220 findings of another text, or what the operators raise.
        """
        pieces = cover(text, findings)
        kept = session is not None or self.scope != "doc"
        with self._open(session) as current:
            current.begin(text, subject, [text[p.start : p.end] for p in pieces if p.label.upper() in PERSONS])
            quoted = self._quoted(text, [piece for piece in pieces if not self._keeps(piece)], current)
            pieces = [piece for piece in pieces if not self._keeps(piece) or not overlaps(piece, quoted)]
            redaction = build(text, quoted | self._replaced(text, pieces, current))
            if kept and self._invents:
                if not self._leads_back(redaction, text, current):
                    redaction = build(text, quoted | self._replaced(text, pieces, current, fakes=False))
                current.fakes.see(text)
        return redaction

    def restore(self, text: str, *, session: Session | None = None) -> str:
        """Put values back in place of their replacements, also where a model moved, repeated or inflected them.

        RAISES (ValueError): T224 where nothing was kept, T226 wrong key.
        """
        if session is None and self.scope == "doc" and not self._ciphers:
            raise ValueError(Errors.T224)
        found = self.found(text, session=session)
        self._check_sealed(text, found)
        return substitute(text, found)

    def found(self, text: str, *, session: Session | None = None) -> list[tuple[int, int, str]]:
        """RETURNS (List[Tuple[int, int, str]]): Where replacements stand in a text, and what they stand for."""
        with self._open(session, write=False) as current:
            return self._find(text, current)

    @property
    def _all(self) -> list[Operator]:
        return list(dict.fromkeys((*self.operators.values(), self.default)))

    @property
    def _invents(self) -> bool:
        return any(operator.reversal == "fake" for operator in self._all)

    @property
    def _ciphers(self) -> list[Encrypt]:
        return [operator for operator in self._all if isinstance(operator, Encrypt)]

    @contextmanager
    def _open(self, session: Session | None, *, write: bool = True) -> Iterator[Session]:
        if session is None and self.vault is not None:
            with self.vault.session(write=write) as kept:
                yield kept
        else:
            current = session or self._session or self.session()
            with current.lock:
                yield current

    def _keeps(self, piece: Piece) -> bool:
        return isinstance(self.operator(piece.label), Keep)

    def _find(self, text: str, session: Session) -> list[tuple[int, int, str]]:
        found = session.find(text)
        for cipher in self._ciphers:
            found += cipher.find(text)
        return disjoint(found)

    def _check_sealed(self, text: str, found: Sequence[tuple[int, int, str]]) -> None:
        """Warn of encrypted values that no key opens. RAISES (ValueError): T226 where none of them can be opened."""
        sealed = {span for cipher in self._ciphers for span in cipher.lookalikes(text)}
        closed = len(sealed - {(start, end) for start, end, _ in found})
        if closed:
            variables = ", ".join(sorted({f"${cipher.key_variable}" for cipher in self._ciphers}))
            if closed == len(sealed):
                raise ValueError(Errors.T226.format(count=closed, variables=variables))
            warnings.warn(Warnings.W210.format(count=closed, total=len(sealed), variables=variables), stacklevel=3)

    def _quoted(self, text: str, pieces: Sequence[Piece], session: Session) -> dict[Piece, str]:
        """RETURNS (Dict[Piece, str]): What stands between the pieces and would be taken for a replacement."""
        remembers = any(operator.reversal in ("tag", "fake") for operator in self._all)
        found: list[tuple[int, int, Encrypt | None]] = []
        for start, end in gaps(text, pieces):
            if remembers:
                found += [(start + a, start + b, None) for a, b in session.lookalikes(text[start:end])]
            for cipher in self._ciphers:
                found += [(start + a, start + b, cipher) for a, b in cipher.lookalikes(text[start:end])]
        quoted = {}
        for start, end, cipher in disjoint(found):
            value = text[start:end]
            new = session.placeholders.tag(QUOTED, value) if cipher is None else cipher.operate(value, QUOTED, session)
            quoted[Piece(start, end, QUOTED)] = new
        return quoted

    def _replaced(
        self, text: str, pieces: Sequence[Piece], session: Session, *, fakes: bool = True
    ) -> dict[Piece, str]:
        """fakes (bool): Whether an invented value may stand in the text; otherwise a tag does."""
        new = {}
        for piece in sorted(pieces, key=lambda piece: piece.label.upper() not in PERSONS):
            value, operator = text[piece.start : piece.end], self.operator(piece.label)
            if operator.reversal == "fake" and not fakes:
                new[piece] = session.placeholders.tag(piece.label, value)
            else:
                new[piece] = operator.operate(value, piece.label, session)
        return new

    def _leads_back(self, redaction: Redaction, text: str, session: Session) -> bool:
        """RETURNS (bool): Whether each invented value, and nothing else, will be found where it stands."""
        expected = [
            (item.new_start, item.new_end, text[item.start : item.end])
            for item in redaction.replacements
            if item.label == QUOTED or self.operator(item.label).reversal
        ]
        return self._find(redaction.text, session) == expected


def by_word(operators: Mapping[str, Operator]) -> dict[str, Operator]:
    """RETURNS (Dict[str, Operator]): By the form that labels have in tags. RAISES (ValueError): T225."""
    found: dict[str, Operator] = {}
    for label, operator in operators.items():
        word = tag_word(label)
        if not label.strip() or word in found:
            reason = "another spelling of it has an operator already" if label.strip() else "a label has letters"
            raise ValueError(Errors.T225.format(setting="operators", value=label, reason=reason))
        found[word] = operator
    return found


def build(text: str, new: Mapping[Piece, str]) -> Redaction:
    """new (Mapping): What stands in place of each piece."""
    ordered = sorted(new.items(), key=lambda item: item[0].start)
    replacements: list[Replacement] = []
    longer = 0
    for piece, value in ordered:
        place = (piece.start, piece.end, piece.start + longer, piece.start + longer + len(value))
        replacements.append(Replacement(*place, piece.label, piece.score, piece.source))
        longer = place[3] - place[1]
    return Redaction(substitute(text, [(piece.start, piece.end, value) for piece, value in ordered]), replacements)
