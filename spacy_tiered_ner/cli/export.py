"""`python -m spacy tiered export`."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option
from wasabi import msg

from . import tiered


@tiered.command("export")
def export_cli(
    model: Annotated[str, Argument(help="Directory with torch weights (safetensors), or a hub id")],
    out: Annotated[Path, Argument(help="Directory to create")],
    precision: Annotated[str, Option("--precision", "-p", help="int8 or fp32")] = "int8",
    data: Annotated[
        Path | None, Option("--data", "-d", help="Annotated JSONL (text, spans) for the F1 before and after INT8")
    ] = None,
    max_loss: Annotated[float, Option("--max-loss", help="Points of F1 that INT8 may lose on --data")] = 0.6,
    allow_pickle: Annotated[bool, Option("--allow-pickle", help="Load pickled weights of a trusted source")] = False,
    force: Annotated[bool, Option("--force", "-F", help="Replace an existing directory")] = False,
) -> None:
    """Export a GLiNER model to ONNX with the factored head, and check it against the gliner library."""
    from ..gliner.component import check_option
    from ..gliner.export import export_model

    try:
        check_option("precision", precision, ("fp32", "int8"))
        report = export_model(
            model, out, precision=precision, data=data, max_loss=max_loss, allow_pickle=allow_pickle, force=force
        )
    except (ValueError, ImportError, OSError) as error:
        msg.fail("Export failed", str(error), exits=1)
    msg.good(f"Exported to {out}")
    rows = [(name.replace("_", " "), value) for name, value in report.as_dict().items() if value is not None]
    msg.table([(name, f"{value:.3g}" if isinstance(value, float) else value) for name, value in rows])
