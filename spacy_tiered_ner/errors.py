"""Every error and warning text of the package, with its code. Used as `Errors.T001.format(...)`."""

from spacy.errors import ErrorsWithCodes


class Errors(metaclass=ErrorsWithCodes):
    # Labels
    T001 = 'No labels to look for. Set `labels` of \'{name}\', e.g. config={{"labels": ["person", "organization"]}}.'
    T002 = "Label {label!r} occurs twice in `labels`. Remove one, or give several phrasings of one label as `prompts`."
    T003 = (
        "Bad entry in `labels`: {entry!r}. A label is a non-empty string; in a mapping its value is a prompt string or "
        "a table with the keys `prompts`, `description`, `threshold`."
    )
    T004 = (
        "Label {label!r} needs {count} subwords, and the model's window of {limit} leaves room for {room} beside text. "
        "Shorten its entry in `labels`."
    )
    T005 = "Label {label!r} cannot be encoded as UTF-8. Remove the lone surrogate from `labels`."
    # Settings
    T010 = "`{setting}` is {value!r}, but must be between 0 and 1."
    T011 = (
        "`candidate_threshold` ({candidate}) is above `threshold` ({threshold}): entities would be missing from the "
        "span group. Lower `candidate_threshold` or raise `threshold`."
    )
    T012 = "`{setting}` is {value!r}, but must be one of {options}."
    T013 = "`window` ({window}) and `stride` ({stride}) must be whole numbers with 1 <= stride <= window."
    T014 = "`{setting}` is {value!r}, but must be a whole number of at least {least}."
    # Model files
    T020 = (
        "`model` is {model!r}, which is neither 'starter', nor a directory, nor a hub id such as "
        "'urchade/gliner_medium-v2.1' (with '@revision' after it to pin one)."
    )
    T021 = "The model directory {path} has no {missing}. A model needs gliner_config.json, tokenizer.json and weights."
    T022 = "{path} cannot be read ({reason}). The file is damaged: fetch or export the model again."
    T023 = (
        "{path} is no graph that we know: its inputs are {inputs}. Graphs exported by the gliner library (span and "
        "token level) and by `python -m spacy tiered export` run here."
    )
    T024 = (
        "{path} holds weights as a Python pickle, which can run any code when it is loaded. Ask for safetensors, or, "
        "if you trust the source, set `allow_pickle` = true."
    )
    T025 = (
        "Cannot fetch {model!r} from the hub ({reason}). Without network: download it elsewhere with "
        '`hf download {repo} --local-dir DIR` and set `model` to DIR, or use `model` = "starter", which '
        "comes with the package."
    )
    T026 = (
        "{path} has no ONNX file{wanted}. Either export it once with `python -m spacy tiered export {path} OUT` and "
        'set `model` to OUT, or set `runtime` = "torch".'
    )
    T027 = (
        '{path} has no torch weights (model.safetensors). Set `runtime` = "onnx", take a model that has them, or, if '
        "the source has only a pickle and you trust it, set `allow_pickle` = true."
    )
    T028 = "{path} is a bi-encoder; these do not run here yet. Take a uni-encoder such as 'urchade/gliner_small-v2.1'."
    T029 = '{package} is not installed. Run: pip install "spacy-tiered-ner[{extra}]"'
    T030 = (
        "The graph {path} failed on a batch ({reason}). If its files were mixed from several models, export it again."
    )
    # Export
    T040 = "Cannot export {what}: {reason}."
    T041 = (
        "Export refused: {measure} is {value}, beyond the limit of {limit}. Nothing was written. Keep FP32 "
        "(--precision fp32), or raise {option} if you accept the loss."
    )
    T042 = "{path} exists and is not empty. Choose another directory, or pass --force to replace it."
    T043 = "{path}, line {line}: {reason}. Each line is JSON with `text` and `spans` (start, end, label)."


class Warnings(metaclass=ErrorsWithCodes):
    W001 = (
        "{count} candidates of '{name}' do not align with spaCy's tokens (they lie inside one) and were left out, "
        "as `alignment_mode` = {mode!r} says. Set it to 'expand' to keep them. Further ones are counted in "
        "doc._.tiered_ner."
    )
    W002 = (
        "{count} words have more subwords than the window of '{name}' holds; the rest of each was not read. Further "
        "ones are counted in doc._.tiered_ner."
    )
