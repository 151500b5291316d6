"""`python -m spacy tiered export`."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option
from wasabi import msg

from . import tiered


@tiered.command("export")
def export_cli(
    model: Annotated[
        str,
        Argument(help="Pipeline directory (of `spacy train`), directory with torch weights (safetensors), or hub id"),
    ],
    out: Annotated[Path, Argument(help="Directory to create")],
    precision: Annotated[str, Option("--precision", "-p", help="int8 or fp32")] = "int8",
    data: Annotated[
        Path | None,
        Option(
            "--data",
            "-d",
            help="Annotated .spacy or JSONL (text, spans) for the F1 before and after INT8; by default a pipeline's "
            "own dev corpus, where it is there",
        ),
    ] = None,
    max_loss: Annotated[float, Option("--max-loss", help="Points of F1 that INT8 may lose")] = 0.6,
    allow_pickle: Annotated[bool, Option("--allow-pickle", help="Load pickled weights of a trusted source")] = False,
    force: Annotated[bool, Option("--force", "-F", help="Replace an existing directory")] = False,
) -> None:
    """Export a trained pipeline or a GLiNER model to ONNX, and check it against the gliner library."""
    from ..gliner.checks import check_option
    from ..gliner.export import export_model
    from ..gliner.pipeline_export import export_pipeline, is_pipeline

    settings: dict[str, Any] = {"data": data, "max_loss": max_loss, "allow_pickle": allow_pickle, "force": force}
    try:
        check_option("precision", precision, ("fp32", "int8"))
        if is_pipeline(model):
            reports = export_pipeline(model, out, precision=precision, **settings)
        else:
            reports = {"": export_model(model, out, precision=precision, **settings)}
    except (ValueError, ImportError, OSError) as error:
        msg.fail("Export failed", str(error), exits=1)
    msg.good(f"Exported to {out}")
    for name, report in reports.items():
        rows = [(key.replace("_", " "), value) for key, value in report.as_dict().items() if value is not None]
        rows = [(key, f"{value:.3g}" if isinstance(value, float) else value) for key, value in rows]
        msg.table([("component", name), *rows] if name else rows)
