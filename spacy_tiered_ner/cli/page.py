"""The HTML page of `python -m spacy tiered demo`: displaCy's two views of every document."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from string import Template

from spacy.displacy import EntityRenderer, SpanRenderer
from spacy.tokens import Doc, Span

from ..gliner.labels import parse_labels

GOLDEN_ANGLE = 137.508
ENT_TEMPLATE = '<mark style="background: {bg}">{text}<b>{label}{kb_link}</b></mark>'
# displaCy's vertical offsets serve as rows of a grid, so that labels make room for themselves. Row 1 is the text.
SPAN_OPTIONS = {
    "top_offset": 2,
    "top_offset_step": 1,
    "template": {
        "span": '<span class="piece"><span>{text}</span>{span_slices}{span_starts}</span>',
        "slice": '<i style="grid-row: {top_offset}; background: {bg}"></i>',
        "start": '<b style="grid-row: {top_offset}; background: {bg}">{label}{kb_link}</b>',
    },
}
STYLE = """:root { color-scheme: light }
body { margin: 0 auto; padding: 2rem 1rem; max-width: 56rem; color: #222; background: #f4f4f6;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; overflow-wrap: anywhere }
header, article { margin-bottom: 1.25rem; padding: 1.25rem 1.5rem; background: #fff; border-radius: .75rem }
header { background: none; padding-block: 0 }
h1, h2 { margin: 0 0 .5rem; line-height: 1.2 }
h1 { font-size: 1.7rem }
h2 { font-size: 1.25rem }
h3 { margin: 1.25rem 0 .25rem; color: #666; font-size: .75rem; letter-spacing: .06em; text-transform: uppercase }
p { margin: .5rem 0 }
.view { white-space: pre-line }
.entities { direction: inherit !important; line-height: 2.1 !important }
mark { display: inline-block; max-width: 100%; box-sizing: border-box; padding: .1em .4em; border-radius: .35em;
  color: inherit; line-height: 1.4; unicode-bidi: isolate }
mark b { display: inline-block; margin-inline-start: .5em; font-size: .7em; line-height: 1.2 }
@media (max-width: 40rem) { body { padding: 1rem .5rem } header, article { padding-inline: .9rem } }"""
PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$style
.labels span { display: inline-block; margin: 0 .35rem .35rem 0; padding: .1rem .6rem; border-radius: 1rem;
  font-size: .85rem }
.spans { display: inline }
.piece { display: inline-grid; grid-template: auto / 100%; grid-auto-rows: 1.15rem; max-width: 100%;
  padding-bottom: .3rem; vertical-align: baseline; line-height: 1.5 }
.piece > span { grid-row: 1; white-space: break-spaces }
.piece > i, .piece > b { grid-column: 1 }
.piece > i { height: 3px }
.piece > b { justify-self: start; align-self: start; margin-inline-end: 3px; padding: 0 4px;
  border-radius: 0 3px 3px 3px; font-size: .68rem; line-height: 1.05rem; white-space: nowrap;
  box-sizing: border-box; max-width: 100%; overflow: hidden; text-overflow: ellipsis }
</style>
</head>
<body>
<header>
<h1>$title</h1>
<p><b>Entities</b> are what <code>doc.ents</code> holds: the best candidates above the threshold of $threshold, none
overlapping another. <b>Candidates</b> are all of <code>doc.spans["$spans_key"]</code> with their scores, nested and
overlapping ones too; pale ones are not above the threshold.</p>
<p>$summary</p>
</header>
$articles
</body>
</html>
""")
ARTICLE = """<article>
<h2>{title}</h2>
<div class="labels">{labels}</div>
<h3>Entities</h3>
<div class="view" dir="auto">{entities}</div>
<h3>Candidates</h3>
<div class="view" dir="auto">{candidates}</div>
</article>"""


@dataclass(frozen=True)
class Candidate:
    """status: "entity" (it is in doc.ents), "overlap" (a better one took its words) or "below threshold"."""

    span: Span
    score: float
    tier: str
    status: str


def read_candidates(doc: Doc, spans_key: str, threshold: float) -> list[Candidate]:
    """RETURNS (List[Candidate]): The span group, in reading order."""
    group = doc.spans[spans_key]
    labels = parse_labels(doc._.gliner_labels)
    cutoffs = dict(zip(labels.names, labels.cutoffs(threshold).tolist(), strict=True))
    entities = set(doc.ents)
    found = []
    for span, score, tier in zip(group, group.attrs["scores"].tolist(), group.attrs["tiers"], strict=True):
        outcome = "overlap" if score > cutoffs[span.label_] else "below threshold"
        found.append(Candidate(span, score, tier, "entity" if span in entities else outcome))
    return found


def render_page(docs: Sequence[Doc], *, spans_key: str, threshold: float, title: str, summary: str = "") -> str:
    """Render documents with their titles (`doc.user_data["title"]`), labels, entities and candidates.

    docs (Sequence[Doc]): Documents with `doc._.gliner_labels`.
    spans_key (str): The group with the candidates.
    threshold (float): What entities had to exceed, unless their label says otherwise.
    RETURNS (str): A page that needs nothing else.
    """
    hues = palette(label for doc in docs for label in doc._.gliner_labels)
    articles = []
    for doc in docs:
        candidates = read_candidates(doc, spans_key, threshold)
        chips = (
            f'<span style="background: {shade(hues[label])}">{escape(label)}</span>' for label in doc._.gliner_labels
        )
        articles.append(
            ARTICLE.format(
                title=escape(doc.user_data.get("title", "")),
                labels="".join(chips),
                entities=render_entities(doc, hues),
                candidates=render_candidates(doc, candidates, hues),
            )
        )
    return PAGE.substitute(
        style=STYLE,
        title=escape(title),
        summary=escape(summary),
        threshold=f"{threshold:g}",
        spans_key=escape(spans_key),
        articles="\n".join(articles),
    )


def palette(labels: Iterable[str]) -> dict[str, float]:
    """RETURNS (Dict[str, float]): A hue for each label, neighbours far apart, the same for the same labels."""
    return {label: number * GOLDEN_ANGLE % 360 for number, label in enumerate(dict.fromkeys(labels))}


def shade(hue: float, *, pale: bool = False) -> str:
    return f"hsl({hue:.0f}, {'45%, 92%' if pale else '75%, 80%'})"


def render_entities(doc: Doc, hues: Mapping[str, float]) -> str:
    colors = {escape(ent.label_): shade(hues[ent.label_]) for ent in doc.ents}
    ents = [{"start": ent.start_char, "end": ent.end_char, "label": escape(ent.label_)} for ent in doc.ents]
    return EntityRenderer({"colors": colors, "template": ENT_TEMPLATE}).render_ents(doc.text, ents, None).strip()


def render_candidates(doc: Doc, candidates: Sequence[Candidate], hues: Mapping[str, float]) -> str:
    colors = {caption(c): shade(hues[c.span.label_], pale=c.status == "below threshold") for c in candidates}
    renderer = SpanRenderer({**SPAN_OPTIONS, "colors": colors})
    text, html, offset = doc.text, [], 0
    for group in overlapping(candidates):
        edges, bounds = cut(doc, [c.span for c in group])
        spans = [
            {"start_token": start, "end_token": end, "label": caption(c)}
            for c, (start, end) in zip(group, bounds, strict=True)
        ]
        pieces = [text[start:end].replace("\n", " ") for start, end in pairwise(edges)]
        html += [escape(text[offset : edges[0]]), renderer.render_spans(pieces, spans, None).strip()]
        offset = edges[-1]
    return "".join([*html, escape(text[offset:])])


def caption(candidate: Candidate) -> str:
    """RETURNS (str): The label and its score, as "person .98"."""
    return f"{escape(candidate.span.label_)} {f'{candidate.score:.2f}'.removeprefix('0')}"


def overlapping(candidates: Iterable[Candidate]) -> Iterator[list[Candidate]]:
    """Divide candidates in reading order into groups, so that those of different groups share no word."""
    group: list[Candidate] = []
    end = 0
    for candidate in candidates:
        if group and candidate.span.start >= end:
            yield group
            group = []
        group.append(candidate)
        end = max(end, candidate.span.end)
    if group:
        yield group


def cut(doc: Doc, group: Sequence[Span]) -> tuple[list[int], list[tuple[int, int]]]:
    """Cut the text under a group where a span begins or ends.

    RETURNS (tuple): Character offsets of the cuts, and for each span the indices of its first and last cut.
    """
    continued = {token for span in group for token in range(span.start + 1, span.end)}
    bounds = [(span.start_char, doc[span.end].idx if span.end in continued else span.end_char) for span in group]
    edges = sorted({edge for pair in bounds for edge in pair})
    return edges, [(edges.index(start), edges.index(end)) for start, end in bounds]
