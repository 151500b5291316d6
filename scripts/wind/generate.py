"""Writes the corpus of the demonstration: maintenance reports of wind farms, with every entity marked.

Everything is invented. The texts to label have only `text` and `id`; `dev.jsonl` and `test.jsonl` are annotated. Names
in the test texts come half from names that the others do not have, and some of their sentences from other templates.
"""

import argparse
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SIZES = {"texts": 300, "dev": 60, "test": 100}
SEED = 7
LABELS = ["turbine", "site", "component", "fault", "technician", "supplier", "reading"]
SLOT = re.compile(r"\{(\w+)\}")

NAMES = {
    "first": "Ines Tomas Amina Pavel Greta Yusuf Marit Diego Saoirse Henrik Leila Bogdan Noor Callum Freja Ivo",
    "last": "Brandt Okafor Lindqvist Moreau Castellan Haugen Petrov Adeyemi Nakata Doyle Rossi Falk Virtanen Osei "
    "Brennan Kowal Sorensen Ivers Dietz Marchetti",
    "place": "Halden Skarv Corrie Thistle Brunn Varga Lomond Ostra Pellinge Drumlin Kestrel Aske Merle Tarn",
    "brand": "Nordlys Ferrum Aldine Brandt Kappel Vireo Tessel Moreau Gale Orbit Haugen Polar Stratus Quill",
}
FIRST, LAST, PLACES, BRANDS = (names.split() for names in NAMES.values())
GROUND = ["Ridge", "Bank", "Moor", "Heights", "Fell", "Shoal"]
TRADES = ["Hydraulics", "Gears", "Bearings", "Composites", "Electric", "Service", "Drives", "Windpower"]
PARTS = {
    "": ["gearbox", "transformer", "anemometer", "wind vane", "hub", "nacelle", "slip ring", "brake disc", "oil pump"],
    "main ": ["bearing", "shaft", "converter"],
    "pitch ": ["motor", "bearing", "cabinet", "battery"],
    "yaw ": ["drive", "brake", "sensor"],
    "generator ": ["rotor", "fan", "bearing"],
    "blade ": ["root", "bolt", "heater"],
    "hydraulic ": ["pump", "accumulator", "hose"],
    "cooling ": ["fan", "pump"],
}
FAULTS = [
    "oil leak",
    "bearing wear",
    "overheating",
    "corrosion",
    "blade crack",
    "loose bolts",
    "tooth fracture",
    "pitting",
]
FAULTS += ["insulation breakdown", "lightning damage", "cable chafing", "seal failure", "misalignment", "ice build-up"]
FAULTS += ["grease contamination", "leading edge erosion", "sensor drift", "short circuit", "cavitation", "brake wear"]
FAULTS += ["bolt fatigue", "water ingress", "software fault", "resonance"]
UNITS = {
    "degrees": (40, 120),
    "mm": (2, 19),
    "bar": (60, 240),
    "volts": (180, 720),
    "rpm": (4, 1800),
    "decibel": (70, 110),
}
Fill = Callable[[], str]


def half(names: list[str], held_out: bool) -> list[str]:
    """The names that all texts may have, or for test texts half the time the others."""
    known = names[: max(2, 2 * len(names) // 3)]
    return names[len(known) :] if held_out and len(known) < len(names) else known


def fillers(rng: random.Random, test: bool) -> dict[str, Fill]:
    def pick(names: list[str]) -> str:
        return rng.choice(half(names, test and rng.random() < 0.5))

    def turbine() -> str:
        number = rng.randint(1, 60)
        return rng.choice(
            [f"WTG {number}", f"turbine T-{number:02d}", f"unit {number}", f"turbine {number}", f"T{number}"]
        )

    def site() -> str:
        return f"{pick(PLACES)} {rng.choice(GROUND)}" + rng.choice(["", "", " wind farm"])

    def component() -> str:
        kind = rng.choice([*PARTS, ""])
        return kind + rng.choice(PARTS[kind]) + rng.choice(["", "", "", f" {rng.randint(1, 3)}"])

    def technician() -> str:
        return rng.choice([f"{pick(FIRST)} {pick(LAST)}", f"{pick(FIRST)} {pick(LAST)}", pick(LAST)])

    def supplier() -> str:
        return f"{pick(BRANDS)} {rng.choice(TRADES)}"

    def reading() -> str:
        unit = rng.choice(list(UNITS))
        value = rng.uniform(*UNITS[unit])
        return f"{value:.1f} {unit}" if value < 20 else f"{value:.0f} {unit}"

    return {
        "turbine": turbine,
        "site": site,
        "component": component,
        "fault": lambda: pick(FAULTS),
        "technician": technician,
        "supplier": supplier,
        "reading": reading,
    }


def fill(template: str, fills: dict[str, Fill]) -> tuple[str, list[dict[str, Any]]]:
    text, spans, position = "", [], 0
    for slot in SLOT.finditer(template):
        text += template[position : slot.start()]
        value = fills[slot[1]]()
        if not text and value[0].islower():
            value = value[0].upper() + value[1:]
        spans.append({"start": len(text), "end": len(text) + len(value), "label": slot[1]})
        text += value
        position = slot.end()
    return text + template[position:], spans


def make_text(templates: list[str], fills: dict[str, Fill], rng: random.Random) -> dict[str, Any]:
    text, spans = "", []
    for template in rng.sample(templates, rng.randint(1, 4)):
        sentence, marked = fill(template, fills)
        gap = " " if text else ""
        shift = len(text) + len(gap)
        spans += [{**span, "start": span["start"] + shift, "end": span["end"] + shift} for span in marked]
        text += gap + sentence
    return {"text": text, "spans": spans, "labels": LABELS}


def read_templates(name: str) -> list[str]:
    return (HERE / name).read_text(encoding="utf8").splitlines()


def generate(seed: int = SEED) -> dict[str, list[dict[str, Any]]]:
    """RETURNS (Dict[str, list]): By name of the split its annotated texts, no text twice."""
    rng = random.Random(seed)
    templates, others = read_templates("templates.txt"), read_templates("test_templates.txt")
    seen: set[str] = set()
    splits: dict[str, list[dict[str, Any]]] = {}
    for name, size in SIZES.items():
        rows: list[dict[str, Any]] = []
        fills = fillers(rng, name == "test")
        while len(rows) < size:
            row = make_text([*templates, *others] if name == "test" else templates, fills, rng)
            if row["text"] not in seen:
                seen.add(row["text"])
                rows.append({**row, "meta": {"id": f"{name}-{len(rows) + 1}"}})
        splits[name] = rows
    return splits


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    splits = generate(args.seed)
    unlabelled = [{"text": row["text"], "id": row["meta"]["id"]} for row in splits["texts"]]
    write_jsonl(args.directory / "texts.jsonl", unlabelled)
    for name in ("dev", "test"):
        write_jsonl(args.directory / f"{name}.jsonl", splits[name])


if __name__ == "__main__":
    main()
