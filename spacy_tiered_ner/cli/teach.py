"""`python -m spacy tiered teach`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from spacy.cli._util import parse_config_overrides
from typer import Argument, Context, Option
from wasabi import msg

from . import tiered

if TYPE_CHECKING:
    from ..teacher.annotate import Result
    from ..teacher.panel import Panel

SHOWN_IDS = 10
DOTTED = {"allow_extra_args": True, "ignore_unknown_options": True}


@tiered.command("teach", context_settings=DOTTED)
def teach_cli(
    context: Context,
    config: Annotated[Path, Argument(help="Who is asked, such as configs/teacher/openai.cfg")],
    texts: Annotated[Path, Argument(help="JSONL with `text` and perhaps `id`; annotations in it are not looked at")],
    output: Annotated[Path, Argument(help="JSONL to write; if it is there already, the run goes on from it")],
    *,
    guidelines: Annotated[Path, Option("--guidelines", "-g", help="YAML: what the labels mean")] = Path(
        "guidelines.yaml"
    ),
    lang: Annotated[str, Option("--lang", "-l", help="Language of the tokenizer")] = "en",
    max_missing: Annotated[
        float, Option("--max-missing", min=0, max=1, help="Share of texts that may stay without labels")
    ] = 0.05,
) -> None:
    """Let language models label texts. Settings of the config can be overridden: --teacher.budget.max_cost 5"""
    import spacy
    from tqdm import tqdm

    from ..teacher.annotate import teach
    from ..teacher.files import read_guidelines, read_teacher_config
    from ..teacher.texts import read_texts

    try:
        panel = read_teacher_config(config, parse_config_overrides(context.args))
        meanings = read_guidelines(guidelines)
        rows, repeated = read_texts(texts)
        if repeated:
            msg.warn(f"{repeated} texts are in {texts} more than once, and are labelled once")
        msg.info(f"Asking {panel.model}")
        with tqdm(total=len(rows), unit=" texts") as bar:
            for result in teach(rows, output, panel=panel, guidelines=meanings, nlp=spacy.blank(lang)):
                bar.update(result.kept + result.labelled + len(result.missing) - bar.n)
                bar.set_postfix_str(money(panel), refresh=False)
    except (ValueError, ImportError, OSError) as error:
        msg.fail("Labelling failed", str(error), exits=1)
    except KeyboardInterrupt:
        msg.fail("Interrupted", f"Run the same again: it goes on from {output}", exits=1)
    print_result(result, panel, output)
    unlabelled = result.texts - result.kept - result.labelled
    if result.stopped or unlabelled > max_missing * result.texts:
        msg.fail(
            f"{unlabelled} of {result.texts} texts have no labels{f' ({result.stopped})' if result.stopped else ''}",
            "Mend the cause and run the same again: it goes on from there.",
            exits=1,
        )


def money(panel: "Panel") -> str:
    usage = panel.usage
    cost = "price not known" if usage["cost"] is None else f"${usage['cost']:.4f}"
    return f"{usage['calls']} calls, {cost}"


def print_result(result: "Result", panel: "Panel", output: Path) -> None:
    usage = panel.usage
    rows = [
        ("texts", result.texts),
        ("labelled now", result.labelled),
        ("labelled before", result.kept),
        ("spans", result.spans),
        ("spans whose place is not clear", result.ambiguous),
        ("texts with disagreement", result.disagreements),
        *((f"parts of answers: {kind.replace('_', ' ')}", count) for kind, count in result.rejected.items()),
        ("calls", f"{usage['calls']} ({usage['failed_calls']} failed)"),
        ("cache hits", usage["cache_hits"]),
        ("tokens", usage["input_tokens"] + usage["output_tokens"]),
        ("cost", "price not known" if usage["cost"] is None else f"${usage['cost']:.4f}"),
    ]
    msg.table(rows, aligns=("l", "r"), max_col=60)
    if result.torn:
        msg.warn(f"The last line of {output} had been cut off, and was labelled again")
    if result.stale:
        old = f"{result.stale} lines of {output} had other guidelines, templates, models or texts"
        msg.warn(f"{old}, and went to {output}.replaced")
    if result.missing:
        reasons = sorted(set(result.missing.values()))
        ids = ", ".join(list(result.missing)[:SHOWN_IDS])
        msg.warn(f"{len(result.missing)} texts have no labels ({'; '.join(reasons)}), such as {ids}")
    if result.labelled or result.kept:
        msg.good(f"Wrote {output}")
