"""`python -m spacy tiered ...`: subcommands, brought in through the `spacy_cli` entry point."""

from spacy.cli._util import app
from typer import Typer

tiered = Typer(
    name="tiered", help="Tiered NER: from a demo to a trained pipeline.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(tiered, name="tiered")

from . import check, convert, demo, evaluate, export, redact, review, teach  # noqa: E402, F401
