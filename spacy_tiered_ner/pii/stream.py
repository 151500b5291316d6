"""Text that comes in chunks: redacted on the way in, restored on the way out, holding back as little as is safe."""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ..errors import Warnings
from ..gliner.checks import check_least
from .detection import WHOLE
from .finding import Finding
from .people import fold
from .pieces import PERSONS, substitute
from .propagate import COMMON, SHORTEST_PART, SOURCE, listed, name_parts

LOOKAHEAD = 200
LIMIT = 8192
MOST_REMEMBERED = 10_000
BREAK = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])[\"'\u201d\u2019)\]]*\s+|\s*\n\s*|(?<=[\u3002\uff01\uff1f])")
SPACE = re.compile(r"\s+")
PARAGRAPH = re.compile(r"\n\s*\n")
WITHHELD = f"[{WHOLE}]"


class StreamRedactor:
    """Gives out text up to a sentence or line end that nothing found reaches across, and that enough text follows for
    what begins before it to be recognised. What was found stays known for the rest of the stream. One object a stream.

    withheld (int): Characters that did not go out in any form.
    """

    def __init__(
        self,
        find: Callable[[str], list[Finding]],
        redact: Callable[[str, list[Finding]], str],
        *,
        limit: int = LIMIT,
        lookahead: int = LOOKAHEAD,
    ):
        """limit (int): Most characters that are held. Where they have no end of a sentence, a space serves; where they
            have no space, or one finding fills them, they are withheld, with all that belongs to them.
        lookahead (int): How many characters must follow; as many that went out before are read again, for context.
        RAISES (ValueError): T014.
        """
        check_least("lookahead", lookahead, 1)
        check_least("limit", limit, 2 * lookahead)
        self.find, self.redact, self.limit, self.lookahead = find, redact, limit, lookahead
        self.withheld = 0
        self._context = self._held = ""
        self._until: re.Pattern | None = None
        self._tried = -1
        self._known: dict[str, Finding] = {}

    def __call__(self, chunks: Iterable[str]) -> Iterator[str]:
        """YIELDS (str): Redacted text, in pieces that need not agree with the chunks."""
        for chunk in chunks:
            for start in range(0, len(chunk), self.limit):
                if text := self.feed(chunk[start : start + self.limit]):
                    yield text
        if text := self.flush():
            yield text

    def feed(self, chunk: str) -> str:
        """RETURNS (str): What can go out now, often nothing."""
        self._held += chunk
        out = []
        while self._resumed() and (text := self._next()) is not None:
            out.append(text)
        return "".join(out)

    def flush(self) -> str:
        """RETURNS (str): What was held back, when no more text comes."""
        if self._resumed():
            out = self._give(len(self._held), self._found())
        else:
            self._drop(len(self._held))
            out = ""
        if self.withheld:
            warnings.warn(Warnings.W211.format(count=self.withheld, limit=self.limit), stacklevel=2)
        self._context = ""
        return out

    def _next(self) -> str | None:
        """RETURNS (Optional[str]): The next piece that can go out; None where more text is needed."""
        last = len(self._held) - self.lookahead
        breaks = [match.end() for match in BREAK.finditer(self._held, 0, max(last, 0))]
        full = len(self._held) > self.limit
        if not full and (not breaks or breaks[-1] == self._tried):
            return None
        found = self._found()
        cut = max((b for b in breaks if open_to(b, found)), default=0)
        if not cut and full:
            cut = max((m.end() for m in SPACE.finditer(self._held, 0, last) if open_to(m.end(), found)), default=0)
        self._tried = -1 if cut else breaks[-1] if breaks else -1
        if cut:
            return self._give(cut, found)
        return self._withhold() if full else None

    def _found(self) -> list[Finding]:
        text, shift = self._context + self._held, len(self._context)
        return [
            replace(item, start=max(item.start - shift, 0), end=item.end - shift)
            for item in (*self.find(text), *self._repeated(text))
            if item.end > shift
        ]

    def _repeated(self, text: str) -> Iterator[Finding]:
        """YIELDS (Finding): What was found before, and parts of such names, where they begin with a capital."""
        for item in listed(text, {"": list(self._known)}):
            value = text[item.start : item.end]
            first = self._known.get(fold(value))
            if first is not None and value[0] != value[0].lower():
                yield replace(first, start=item.start, end=item.end, source=SOURCE)

    def _give(self, cut: int, found: list[Finding]) -> str:
        inside = [finding for finding in found if finding.end <= cut]
        for finding in inside:
            if len(self._known) < MOST_REMEMBERED and finding.label not in COMMON:
                value = fold(self._held[finding.start : finding.end])
                for known in (value, *(name_parts(value) if finding.label in PERSONS else ())):
                    if len(known) >= SHORTEST_PART:
                        self._known.setdefault(known, finding)
        failed = any(finding.label == WHOLE for finding in inside)
        out = WITHHELD if failed else self.redact(self._held[:cut], inside)
        self._advance(cut)
        return out

    def _withhold(self) -> str:
        """Close: up to the next space where there was none, up to the next blank line where a finding has no end."""
        self._until = PARAGRAPH if SPACE.search(self._held, 0, len(self._held) - self.lookahead) else SPACE
        self._drop(len(self._held))
        return WITHHELD

    def _resumed(self) -> bool:
        if self._until is not None:
            match = self._until.search(self._held)
            if match is None:
                spaces = len(self._held) - len(self._held.rstrip())
                self._drop(len(self._held) - min(spaces, self.limit))
                return False
            self._drop(match.start())
            self._until = None
        return True

    def _drop(self, count: int) -> None:
        self.withheld += count
        self._held = self._held[count:]
        self._context = ""

    def _advance(self, cut: int) -> None:
        self._context = (self._context + self._held[:cut])[-self.lookahead :]
        self._held = self._held[cut:]


def open_to(border: int, found: list[Finding]) -> bool:
    """RETURNS (bool): Whether the text can be cut here without cutting a finding."""
    return not any(finding.start < border < finding.end for finding in found)


class StreamRestorer:
    """Gives out restored text up to a space, holding back as much as a replacement can take."""

    def __init__(self, find: Callable[[str], list[tuple[int, int, str]]], longest: int):
        """find (Callable): Where replacements stand, and what they stand for. longest (int): Of a replacement."""
        self.find, self.longest = find, longest
        self._held = ""

    def __call__(self, chunks: Iterable[str]) -> Iterator[str]:
        for chunk in chunks:
            if text := self.feed(chunk):
                yield text
        if text := self.flush():
            yield text

    def feed(self, chunk: str) -> str:
        self._held += chunk
        spaces = [match.end() for match in SPACE.finditer(self._held, 0, max(len(self._held) - self.longest, 0))]
        if not spaces:
            return ""
        found = self.find(self._held)
        cut = next((c for c in reversed(spaces) if not any(start < c < end for start, end, _ in found)), 0)
        return self._give(cut, [item for item in found if item[1] <= cut])

    def flush(self) -> str:
        return self._give(len(self._held), self.find(self._held))

    def _give(self, cut: int, found: list[tuple[int, int, str]]) -> str:
        out, self._held = substitute(self._held[:cut], found), self._held[cut:]
        return out
