"""What `python -m spacy tiered redact` found: the summary, and the HTML page. Raw values are kept only if asked for."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from string import Template

from wasabi import msg

from ..pii.detection import WHOLE
from ..pii.placeholders import QUOTED, tag_word
from ..pii.redaction import Redaction, Replacement
from .page import STYLE, palette, shade

LEAST_SURE = 25
SHOWN_TEXTS, SHOWN_CHARACTERS = 200, 4000
CONTEXT = 45
BINS = (0.5, 0.7, 0.9, 1.0)
BIN_NAMES = ("below .5", ".5 to .7", ".7 to .9", ".9 to 1", "1, a checksum or list")
SURE = 0.6
PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Personal data in $name</title>
<style>
$style
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; margin: .5rem 0; width: 100% }
th, td { padding: .3rem .8rem .3rem 0; text-align: right; border-bottom: 1px solid #e8e8ec; white-space: nowrap }
.left { text-align: left }
.wide { text-align: left; white-space: normal }
th { color: #666; font-weight: 600 }
.chip { padding: .1rem .6rem; border-radius: 1rem }
.bar { display: inline-flex; width: 8rem; height: .6rem; border-radius: .3rem; overflow: hidden; background: #eee }
.bar i { display: block; height: 100% }
.key span { margin-inline-end: 1rem; white-space: nowrap }
.key i { display: inline-block; width: .7rem; height: .7rem; border-radius: .2rem; margin-inline-end: .35rem }
.view { white-space: pre-wrap; line-height: 1.9 }
mark.doubtful { outline: 2px dashed #b3541e; outline-offset: -2px }
.note { padding: .5rem .8rem; border-left: 4px solid #d9a521; background: #fff8e3; font-size: .9rem }
</style>
</head>
<body>
<header>
<h1>Personal data in $name</h1>
<p>$summary</p>
$note
</header>
<article>
<h2>What was found, and how sure</h2>
<div class="scroll"><table>
<tr><th class="left">type</th><th>found</th><th>mean score</th><th>lowest</th><th class="left">scores</th>
<th class="left">found by</th></tr>
$types
</table></div>
<p class="key">$key</p>
</article>
$least
$texts
</body>
</html>
""")


@dataclass(order=True)
class Doubt:
    """A finding to look at. certainty (float): Minus its score."""

    certainty: float
    number: int
    name: str
    item: Replacement
    before: str
    new: str
    after: str
    value: str


class Found:
    """show_values (bool): Keep the values for the page. expected (Sequence[str]): Labels that the user named."""

    def __init__(self, show_values: bool, expected: Sequence[str] = ()):
        self.show_values, self.expected = show_values, expected
        self.texts = self.characters = self.withheld = 0
        self.copied: dict[str, None] = {}
        self.scores: dict[str, list[float]] = defaultdict(list)
        self.sources: dict[str, Counter[str]] = defaultdict(Counter)
        self.least: list[Doubt] = []
        self.shown: list[tuple[str, str, Redaction]] = []

    def add(self, name: str, text: str, redaction: Redaction) -> None:
        self.texts += 1
        self.characters += len(text)
        found = [item for item in redaction.replacements if item.label != QUOTED]
        for item in found:
            if item.label == WHOLE:
                self.withheld += 1
                continue
            self.scores[item.label].append(item.score)
            self.sources[item.label][item.source] += 1
            if item.score < BINS[2]:
                self._note(name, text, redaction, item)
        if found and len(self.shown) < SHOWN_TEXTS:
            self.shown.append((name, text if self.show_values else "", redaction))

    def _note(self, name: str, text: str, redaction: Redaction, item: Replacement) -> None:
        if len(self.least) == LEAST_SURE and -item.score <= self.least[0].certainty:
            return
        new = redaction.text
        doubt = Doubt(
            -item.score,
            -sum(map(len, self.scores.values())),
            name,
            item,
            from_space(new, item.new_start),
            new[item.new_start : item.new_end],
            to_space(new, item.new_end),
            text[item.start : item.end] if self.show_values else "",
        )
        (heapq.heappushpop if len(self.least) == LEAST_SURE else heapq.heappush)(self.least, doubt)

    def counts(self) -> list[tuple[str, list[float]]]:
        return sorted(self.scores.items(), key=lambda item: (-len(item[1]), item[0]))

    def summary(self) -> str:
        total = sum(map(len, self.scores.values()))
        return f"{self.texts:,} texts, {self.characters:,} characters, {total:,} findings of {len(self.scores)} types"

    def print_summary(self) -> None:
        rows = [
            (label, len(scores), f"{sum(scores) / len(scores):.2f}", f"{min(scores):.2f}")
            for label, scores in self.counts()
        ]
        if rows:
            msg.table(rows, header=("type", "found", "mean score", "lowest"), divider=True, aligns=("l", "r", "r", "r"))
        msg.text(self.summary())
        for note in self.notes():
            msg.warn(note)

    def notes(self) -> Iterator[str]:
        if self.withheld:
            yield f"{self.withheld:,} texts were withheld, because a detector failed on them."
        words = {tag_word(label) for label in self.scores}
        if absent := [label for label in self.expected if tag_word(label) not in words]:
            yield f"Nothing was found that an operator was named for: {', '.join(absent)}."
        if self.copied:
            names = ", ".join(map(repr, self.copied))
            yield f"Copied as they are, whatever is in them: {names}. Name what is to be redacted with --field."

    def page(self, name: str) -> str:
        """RETURNS (str): A page that needs nothing else."""
        hues = palette(sorted(self.scores))
        notes = list(self.notes())
        if self.show_values:
            notes.append("This page shows the values that were replaced: handle it like the original.")
        return PAGE.substitute(
            style=STYLE,
            name=escape(name),
            summary=escape(self.summary()),
            note="".join(f'<p class="note">{escape(note)}</p>' for note in notes),
            types="\n".join(self._types(hues)),
            key="".join(
                f'<span><i style="background: {color(n)}"></i>{bin_}</span>' for n, bin_ in enumerate(BIN_NAMES)
            ),
            least=self._least(hues),
            texts="\n".join(self._texts(hues)),
        )

    def _types(self, hues: dict[str, float]) -> Iterator[str]:
        for label, scores in self.counts():
            sources = ", ".join(f"{source} {count:,}" for source, count in self.sources[label].most_common(4))
            chip = f'<span class="chip" style="background: {shade(hues[label])}">{escape(label)}</span>'
            yield (
                f'<tr><td class="left">{chip}</td>'
                f"<td>{len(scores):,}</td><td>{sum(scores) / len(scores):.2f}</td><td>{min(scores):.2f}</td>"
                f'<td class="left">{bar(scores)}</td><td class="wide">{escape(sources)}</td></tr>'
            )

    def _least(self, hues: dict[str, float]) -> str:
        rows = [
            f"<tr><td>{doubt.item.score:.2f}</td><td class='left'>{escape(doubt.name)}</td>"
            f"<td class='left'>{escape(doubt.item.source)}</td>"
            f'<td class="wide">{escape(doubt.before)}{mark(doubt.item, doubt.new, doubt.value, hues)}'
            f"{escape(doubt.after)}</td></tr>"
            for doubt in sorted(self.least, reverse=True)
        ]
        if not rows:
            return ""
        header = (
            '<tr><th>score</th><th class="left">where</th><th class="left">found by</th><th class="wide">text</th></tr>'
        )
        return (
            f"<article>\n<h2>Least sure</h2>\n<p>Look here first: these may be no personal data.</p>\n"
            f'<div class="scroll"><table>{header}{"".join(rows)}</table></div>\n</article>'
        )

    def _texts(self, hues: dict[str, float]) -> Iterator[str]:
        if len(self.shown) == SHOWN_TEXTS:
            yield f"<header><p>The first {SHOWN_TEXTS} texts with findings:</p></header>"
        for name, text, redaction in self.shown:
            body = "".join(marked(text, redaction, hues))
            yield f'<article>\n<h2>{escape(name)}</h2>\n<div class="view" dir="auto">{body}</div>\n</article>'


def from_space(text: str, end: int) -> str:
    """RETURNS (str): Some whole words before a place."""
    start = max(end - CONTEXT, 0)
    return text[:end] if start == 0 else f"…{text[start:end].partition(' ')[2]}"


def to_space(text: str, start: int) -> str:
    end = start + CONTEXT
    return text[start:] if end >= len(text) else f"{text[start:end].rpartition(' ')[0]}…"


def marked(text: str, redaction: Redaction, hues: dict[str, float]) -> Iterator[str]:
    position = 0
    for item in redaction.replacements:
        if item.new_end > SHOWN_CHARACTERS:
            break
        yield escape(redaction.text[position : item.new_start])
        yield mark(item, redaction.text[item.new_start : item.new_end], text[item.start : item.end], hues)
        position = item.new_end
    yield escape(redaction.text[position : max(position, SHOWN_CHARACTERS)])
    if len(redaction.text) > SHOWN_CHARACTERS:
        yield "…"


def mark(item: Replacement, new: str, value: str, hues: dict[str, float]) -> str:
    """value (str): The raw value, "" not to show it."""
    if item.label not in hues:
        return escape(new)
    doubtful = ' class="doubtful"' if item.score < SURE else ""
    raw = f"<s>{escape(value)}</s> " if value else ""
    score = f"{item.score:.2f}".removeprefix("0")
    return (
        f'<mark{doubtful} style="background: {shade(hues[item.label])}">{raw}{escape(new) or "∅"}'
        f"<b>{escape(item.label)} {score}</b></mark>"
    )


def bar(scores: Iterable[float]) -> str:
    """RETURNS (str): What share of the scores lies in which bin."""
    scores = list(scores)
    counts = Counter(sum(score >= edge for edge in BINS) for score in scores)
    parts = (
        f'<i style="width: {100 * counts[n] / len(scores):.1f}%; background: {color(n)}"></i>'
        for n in range(len(BINS) + 1)
        if counts[n]
    )
    return f'<span class="bar">{"".join(parts)}</span>'


def color(number: int) -> str:
    return ("#b3541e", "#e0a458", "#d9d38c", "#9cc5a1", "#49a078")[number]
