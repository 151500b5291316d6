"""The HTML page of `python -m spacy tiered evaluate`."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template
from typing import Any

from spacy.displacy import EntityRenderer

from ..evaluation import plots
from ..evaluation.metrics import CharSpan
from ..evaluation.predictions import Predictions
from ..evaluation.report import Task
from ..spans import flat
from .page import ENT_TEMPLATE, STYLE, palette, shade

SHOWN_DOCUMENTS = 10
PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation of $name</title>
<style>
$style
.figure { font-size: 2.6rem; font-weight: 650; line-height: 1.1 }
.figure small { font-size: 1.05rem; font-weight: 400; color: #666 }
.note { padding: .5rem .8rem; border-left: 4px solid #d9a521; background: #fff8e3; font-size: .9rem }
.pale { color: #777 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; margin: .5rem 0 }
th, td { padding: .25rem .8rem .25rem 0; text-align: right; border-bottom: 1px solid #e8e8ec; white-space: nowrap }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 8rem }
th { color: #666; font-weight: 600 }
svg { display: block; max-width: 100%; height: auto; margin: .5rem 0 }
.pair { display: flex; flex-wrap: wrap; gap: 1.5rem }
.pair > div { flex: 1 1 20rem; min-width: 0 }
pre { overflow-x: auto; padding: .6rem .8rem; border-radius: .4rem; background: #f4f4f6; font-size: .85rem }
</style>
</head>
<body>
<header>
<h1>Evaluation of $name</h1>
<p>$documents documents of $data, $gold annotated entities, predictions from <code>$measured</code>.</p>
</header>
$sections
</body>
</html>
""")


def render_report(report: Mapping[str, Any], task: Task, ours: Predictions) -> str:
    """report: From `evaluate`. RETURNS (str): A page that needs nothing else. RAISES (ImportError): T029."""
    parts = [
        headline(report),
        compared(report),
        per_type(report),
        schemes(report),
        strata(report),
        confusion(report),
        scores(report),
        thresholds(report),
        cost(report),
        mistakes(task, ours),
    ]
    return PAGE.substitute(
        style=STYLE,
        name=escape(report["name"]),
        documents=report["documents"],
        data=escape(report["data"]),
        gold=report["strict"]["gold"],
        measured=escape(report["measured"]),
        sections="\n".join(f"<article>\n{part}\n</article>" for part in parts if part),
    )


def headline(report: Mapping[str, Any]) -> str:
    strict = report["strict"]
    interval = report["interval"]
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in report["notes"])
    return f"""<h2>Strict F1</h2>
<p class="figure">{percent(strict["f1"])} <small>{between(strict["f1_interval"])}</small></p>
<p>Precision {percent(strict["precision"])} ({between(strict["precision_interval"])}), recall
{percent(strict["recall"])} ({between(strict["recall_interval"])}), in percent. An entity counts where both borders and
the label are right.</p>
<p class="pale">Intervals: {interval["level"]} % bootstrap, {interval["resamples"]} resamples of whole documents, seed
{interval["seed"]}.</p>{notes}"""


def compared(report: Mapping[str, Any]) -> str:
    other = report["comparison"]
    if not other:
        return ""
    difference = other["difference"]
    p_value = difference["p_value"]
    word = "is unlikely to be" if p_value < 0.05 else "may well be"
    rows = [
        [escape(label), percent(row["f1"], sign=True), between(row["f1_interval"], sign=True)]
        for label, row in other["difference_per_type"].items()
    ]
    return f"""<h2>Compared with {escape(other["name"])}</h2>
<p class="figure">{percent(difference["f1"], sign=True)}
<small>{between(difference["f1_interval"], sign=True)}</small></p>
<p>Points of strict F1 over {escape(other["name"])} ({percent(other["strict"]["f1"])}). p = {p_value:.4f}
({escape(difference["test"])}): the difference {word} chance.</p>
{table(["type", "difference of F1", "95 %"], rows)}"""


def per_type(report: Mapping[str, Any]) -> str:
    systems = {report["name"]: report["per_type"]}
    if report["comparison"]:
        systems[report["comparison"]["name"]] = report["comparison"]["per_type"]
    labels = sorted(report["per_type"], key=lambda label: -report["per_type"][label]["gold"])
    if not labels:
        return ""
    rows = [score_row(label, report["per_type"][label]) for label in labels]
    plot = plots.interval_plot(systems, labels)
    return f"<h2>By type</h2>\n{plot}\n{table([*SCORE_HEADER, 'predicted', 'annotated'], rows)}"


SCORE_HEADER = ["", "P", "R", "F1", "95 %"]


def score_row(name: str, row: Mapping[str, Any]) -> list[Any]:
    interval = between(row["f1_interval"]) if "f1_interval" in row else ""
    values = [percent(row[key]) for key in ("precision", "recall", "f1")]
    return [escape(name), *values, interval, row["predicted"], row["gold"]]


def schemes(report: Mapping[str, Any]) -> str:
    meaning = {
        "strict": "borders and label",
        "exact": "borders, whatever the label",
        "partial": "borders, whatever the label; half a point for an overlap",
        "type": "label, where it overlaps",
    }
    rows = [score_row(f"{name}: {meaning[name]}", row)[:5] for name, row in report["schemes"].items()]
    token = [f'<span class="pale">{cell}</span>' for cell in score_row("word by word", report["token"])[:5]]
    return f"""<h2>Other ways to count</h2>
{table(SCORE_HEADER, [*rows, token])}
<p class="pale">Word by word: {escape(report["token"]["warning"])}</p>"""


def strata(report: Mapping[str, Any]) -> str:
    found = report["strata"]
    rows = [score_row(name, row) for name, row in found["scores"].items()]
    header = ["", "P", "R", "F1", "", "predicted", "annotated"]
    explained = (
        "Easy: fewer than four words, and the surface form has one label in the training data. Hard: all others."
        if found["train"]
        else "Name the training data with --train to see unseen, easy and hard entities apart."
    )
    return f'<h2>Easy and hard entities</h2>\n{table(header, rows)}\n<p class="pale">{explained}</p>'


def confusion(report: Mapping[str, Any]) -> str:
    found = report["confusion"]
    if not found["labels"]:
        return ""
    plot = plots.confusion_plot(found["labels"], found["counts"])
    return f"""<h2>What is taken for what</h2>
{plot}
<p class="pale">Entities are paired where they overlap, also with different borders. Shades are shares of a row.</p>"""


def scores(report: Mapping[str, Any]) -> str:
    other = report["comparison"] or {}
    systems = {report["name"]: report["calibration"], other.get("name", ""): other.get("calibration")}
    systems = {name: found for name, found in systems.items() if found}
    if not systems:
        return '<h2>Scores</h2>\n<p class="pale">No span group has scores, so calibration is not measured.</p>'
    rows = [
        [escape(name), f"{found['error']:.3f}", found["count"], f"{found['least']:.2f}"]
        for name, found in systems.items()
    ]
    return f"""<h2>Scores as probabilities</h2>
<div class="pair"><div>{plots.reliability_plot(systems)}</div><div>
{table(["", "error", "candidates", "lowest"], rows)}
<p>On the dashed line a score is the share of candidates that are right; below it scores promise too much. The expected
calibration error is the mean distance from the line.</p>
<p class="pale">All candidates of the span group count, also those that are not entities in the end; what a pipeline
does not keep cannot be seen.</p></div></div>"""


def thresholds(report: Mapping[str, Any]) -> str:
    found = report["thresholds"]
    if not found:
        return ""
    before, after = (found["validation"][when]["f1"] for when in ("before", "after"))
    change = found["test"]["change"]
    words = "They help on the validation data." if found["helps"] else "They do not help: keep the present ones."
    lines = "\n\n".join(
        f"[components.gliner_ner.labels.{label}]\nthreshold = {threshold}"
        for label, threshold in found["proposed"].items()
    )
    undecided = ", ".join(found["undecided"]) or "none"
    return f"""<h2>Proposed thresholds</h2>
<div class="pair"><div>{plots.threshold_plot(found["curve"], found["best_for_all"])}</div><div>
<p>Chosen on the validation data: F1 there from {percent(before)} to {percent(after)}. {words}</p>
<p>On the data evaluated here F1 becomes {percent(found["test"]["f1"])}: {percent(change["f1"], sign=True)}
({between(change["f1_interval"], sign=True)}).</p>
<p class="pale">No threshold of their own, for want of annotations or right candidates:
{escape(undecided)}.</p></div></div>
<pre>{escape(lines)}</pre>"""


def cost(report: Mapping[str, Any]) -> str:
    systems = [report, *([report["comparison"]] if report["comparison"] else [])]
    costs = {system["name"]: system["cost_per_1000_documents"] for system in systems}
    header = ["per 1,000 documents", "CPU seconds", "seconds", "tokens", "money", "from cache"]
    rows: list[list[str]] = []
    for name, found in costs.items():
        digits = {"cpu_seconds": 1, "seconds": 1, "tokens": 0, "money": 4, "cache_hits": 0}
        measured = [amount(found[key], places) for key, places in digits.items()]
        rows.append([escape(name), *measured])
        for component, seconds in found["component_seconds"].items():
            rows.append([f'<span class="pale">of that, {escape(component)}</span>', "", f"{seconds:.1f}", "", "", ""])
    return f"""<h2>Cost</h2>
{table(header, rows)}
<p class="pale">CPU seconds are those of this process, on all cores. A component's seconds are as it reports them, those
of parallel threads added up; tokens and money too. What came from a cache cost nothing this time.</p>"""


def amount(value: float | None, digits: int) -> str:
    """RETURNS (str): The number, "not known" for None."""
    return "not known" if value is None else f"{value:,.{digits}f}"


def mistakes(task: Task, ours: Predictions) -> str:
    """The documents with the most errors, as annotated and as predicted."""
    pairs = [(text, found) for text, found in zip(task.texts, ours.spans, strict=True) if found != text.spans]
    if not pairs:
        return "<h2>Mistakes</h2>\n<p>None.</p>"
    pairs.sort(key=lambda pair: -len(pair[0].spans ^ pair[1]))
    hues = palette(sorted({span.label for text, found in pairs for span in (*text.spans, *found)}))
    views = []
    for text, found in pairs[:SHOWN_DOCUMENTS]:
        gold, predicted = (entities(text.text, spans, hues) for spans in (text.spans, found))
        views.append(f'<h3>annotated</h3><div class="view" dir="auto">{gold}</div>')
        views.append(f'<h3>predicted</h3><div class="view" dir="auto">{predicted}</div><hr>')
    head = f"<p>{len(pairs)} documents have any; the {min(len(pairs), SHOWN_DOCUMENTS)} with the most:</p>"
    return "\n".join(["<h2>Mistakes</h2>", head, *views])


def entities(text: str, spans: Iterable[CharSpan], hues: Mapping[str, float]) -> str:
    chosen = flat(sorted(spans), [0.0] * len(list(spans)))
    colors = {escape(span.label): shade(hues[span.label]) for span in chosen}
    ents = [{"start": span.start, "end": span.end, "label": escape(span.label)} for span in chosen]
    return EntityRenderer({"colors": colors, "template": ENT_TEMPLATE}).render_ents(text, ents, None).strip()


def percent(share: float, *, sign: bool = False) -> str:
    return f"{100 * share:+.1f}" if sign else f"{100 * share:.1f}"


def between(interval: Sequence[float], *, sign: bool = False) -> str:
    return " to ".join(percent(bound, sign=sign) for bound in interval)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """header: Plain text. rows: Cells as HTML."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'
