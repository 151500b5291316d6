"""The plots of an evaluation, as SVG to put into a page."""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..extras import needs

OURS, THEIRS, GREY = "#3b6fb6", "#c8682c", "#777777"
STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
}


def interval_plot(systems: Mapping[str, Mapping[str, Any]], rows: Sequence[str]) -> str:
    """F1 in percent with intervals, a row for each name.

    systems (Mapping): By system, then by row, `f1` and `f1_interval`. RETURNS (str): An SVG element.
    """
    figure, axes = new_figure(7.2, 0.7 + 0.22 * len(rows) * (1 + len(systems)))
    places = np.arange(len(rows))[::-1]
    for number, (name, values) in enumerate(systems.items()):
        middles = np.array([100 * values[row]["f1"] for row in rows])
        bounds = 100 * np.array([values[row]["f1_interval"] for row in rows])
        shift = 0.14 * (len(systems) - 1) - 0.28 * number
        errors = np.maximum([middles - bounds[:, 0], bounds[:, 1] - middles], 0)
        colour = (OURS, THEIRS)[number]
        axes.errorbar(middles, places + shift, xerr=errors, fmt="o", ms=5, color=colour, capsize=3, label=plain(name))
    axes.set_yticks(places, [plain(row) for row in rows])
    axes.set(xlim=(0, 100), ylim=(-0.6, len(rows) - 0.4), xlabel="F1 in percent, with 95 % interval")
    if len(systems) > 1:
        figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return as_svg(figure, "intervals" + "".join(rows))


def confusion_plot(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """counts: As in the report. RETURNS (str): An SVG element."""
    size = len(labels) + 1
    side = 2.2 + 0.42 * size
    figure, axes = new_figure(min(side + 1, 9), min(side, 8.5))
    table = np.array(counts)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [plain(label) for label in labels]
    axes.set_xticks(range(size), [*names, "(missed)"], rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(size), [*names, "(spurious)"])
    axes.set(xlabel="predicted", ylabel="annotated")
    axes.grid(visible=False)
    for row, column in zip(*np.nonzero(table), strict=True):
        colour = "white" if shares[row, column] > 0.6 else "#222222"
        axes.text(column, row, str(table[row, column]), ha="center", va="center", fontsize=8, color=colour)
    return as_svg(figure, "confusion")


def reliability_plot(systems: Mapping[str, Mapping[str, Any]]) -> str:
    """systems (Mapping): By system the calibration of the report. RETURNS (str): An SVG element."""
    figure, axes = new_figure(4.2, 4)
    axes.plot([0, 1], [0, 1], color=GREY, ls="--", lw=1)
    for (name, calibration), colour in zip(systems.items(), (OURS, THEIRS), strict=False):
        bins = calibration["bins"]
        largest = max(b["count"] for b in bins)
        x, y = [b["score"] for b in bins], [b["right"] for b in bins]
        axes.plot(x, y, color=colour, lw=1, label=plain(name))
        axes.scatter(x, y, s=[15 + 120 * b["count"] / largest for b in bins], color=colour, alpha=0.7, clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="mean score", ylabel="share that is right", aspect="equal")
    if len(systems) > 1:
        figure.legend(loc="outside upper center", frameon=False)
    return as_svg(figure, "reliability")


def threshold_plot(curve: Sequence[tuple[float, float]], best: float) -> str:
    """curve: F1 at each threshold. RETURNS (str): An SVG element."""
    figure, axes = new_figure(4.2, 4)
    axes.plot([t for t, _ in curve], [100 * f for _, f in curve], color=OURS, marker="o", ms=3)
    axes.axvline(best, color=GREY, ls="--", lw=1)
    axes.set(xlim=(0, 1), ylim=(0, 100), xlabel="one threshold for all labels", ylabel="F1 in percent (validation)")
    return as_svg(figure, "thresholds")


def plain(text: str) -> str:
    """RETURNS (str): For matplotlib, which reads dollars as mathematics."""
    return text.replace("$", r"\$")


def new_figure(width: float, height: float) -> tuple[Any, Any]:
    """RETURNS (tuple): A figure and its axes. RAISES (ImportError): T029 no matplotlib."""
    with needs("evaluate"):
        import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.subplots()


def as_svg(figure: Any, name: str) -> str:
    """name (str): Keeps the ids of the plots on one page apart."""
    import matplotlib as mpl

    out = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's browser has the fonts
        figure.savefig(
            out, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")), transparent=True
        )
    svg = out.getvalue()
    return svg[svg.index("<svg") :]
