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
    T041 = "Export refused: {measure} is {value}, beyond the limit of {limit}. Nothing was written. {mend}"
    T042 = "{path} exists and is not empty. Choose another directory, or pass --force to replace it."
    T043 = "{path}, line {line}: {reason}. Each line is JSON with `text` and `spans` (start, end, label)."
    T044 = (
        "The pipeline {path} has no `gliner_ner` to export; its components are {names}. Add one to the config and "
        "train it, or pass the directory or hub id of a GLiNER model."
    )
    T045 = (
        'The pipeline {path} has nothing to export: {names} already runs with `runtime` = "onnx". Use the pipeline as '
        'it is, or export one whose `gliner_ner` was saved with `runtime` = "torch".'
    )
    T046 = (
        "{out} and {model} are the same directory, or one lies in the other: the export would destroy what it reads. "
        "Choose a directory beside {model}."
    )
    T047 = (
        "The gate cannot measure what INT8 costs: already in FP32, '{name}' finds nothing that counts in {data}. "
        "Nothing was written. Give documents with --data whose annotations use the labels of '{name}'."
    )
    # Training
    T050 = "`{setting}` is {value!r}, which {reason}. Change it in the config."
    T051 = (
        "A {kind} cannot be trained here: only span-level models with a markerV0 head learn. Take such a model, e.g. "
        '`model` = "starter" or "urchade/gliner_small-v2.1".'
    )
    T052 = (
        "'{name}' has nothing to learn: the training data has no span, neither in doc.spans[{key!r}] nor in doc.ents. "
        "Check the corpus, set `spans_key` to the group that holds the spans, or, without nlp.initialize, set `labels`."
    )
    T053 = (
        "The {what} of batch {number} is {value}: training stops, and the weights stay as they were before it. Lower "
        "`training.optimizer.learn_rate`, set `training.optimizer.grad_clip` = 1.0, or set `mixed_precision` = false."
    )
    T054 = "`training.rehearsal_corpus` {path} cannot be used: {reason}. Name a .spacy or .jsonl file, or 'starter'."
    T055 = (
        "'{name}' cannot learn with `runtime` = {runtime!r}. Set `runtime` = \"torch\" to train it (export it "
        "afterwards), or list it in `training.frozen_components` to leave it as it is."
    )
    T056 = (
        "Training broke the weights of '{name}' (some are not finite), so they cannot be saved. Go on from an earlier "
        "checkpoint, with a lower `training.optimizer.learn_rate`."
    )
    # Corpora
    T060 = (
        "{path}, line {line}: {reason}. A passage marks entities as [text|label;label], nested ones too, and names "
        "absent labels behind ` ## `."
    )
    T061 = "{path} is no corpus: neither a .spacy, .jsonl, .jsonl.gz or .txt file nor a directory with such files."
    T062 = "{path} cannot be read ({reason}). The file is damaged, or not what its name says: write it again."
    T063 = (
        "{path}, document {number}: it has neither an annotated span group {key!r} nor entities; its groups are "
        "{groups}. Set `spans_key` to the group that holds the annotations."
    )
    T064 = "No documents in {path}. Nothing was written."
    T065 = "The output {path} is, or lies in, the input, and would overwrite it or be read with it. Choose another."
    T066 = "The output {path} does not fit: {wanted}."
    T067 = "`--split` is {value!r}, but must be above 0 and below 1."
    T068 = "Cannot split {count} distinct texts into two sides. Add texts, or leave out `--split`."
    # Escalation to a large language model
    T103 = (
        "`{setting}` of a score band is {value!r}, but must be two numbers between 0 and 1, `low` below `high`. Change "
        "it under `policy`."
    )
    T104 = (
        "A combined policy got {policies} policies and the weights {weights!r}. Give either no `weights` or one "
        "for each."
    )
    T105 = (
        "Bad entry in `labels`: {entry!r}. `labels` is a list of names, or a mapping from name to a description, or to "
        "a table with the keys `description`, `positive`, `negative`, `prompts` and `threshold`."
    )
    T106 = (
        "`ontology` {source} cannot be used: {reason}. Give a table {{label: {{value: [synonyms]}}}}, a .json or .yaml "
        "file with one, or a registered function."
    )
    T107 = (
        "The prompt template {path} cannot be used: {reason}. `templates` names a directory with system.jinja and "
        "user.jinja; begin with a copy of the package's own."
    )
    T110 = "`base_url` cannot be used: {reason}. Give the address alone, such as http://localhost:8000/v1."
    T111 = (
        "`api_key_variable` is not the name of an environment variable (capitals, digits and _). Put the key into the "
        "environment and name the variable here: a key in a config would be saved with it."
    )
    T112 = "The environment variable {variable}, which `api_key_variable` names, is not set. Set it to the key."
    T113 = '`model` is {model!r}, but must be "provider/model", such as "openai/gpt-5-mini" or "ollama/qwen3".'
    T114 = (
        "Instructor cannot connect to the provider {provider!r} ({reason}). Check `model`, install the provider's "
        "package, and set its key in the environment."
    )
    T115 = "{package} is not installed, which `backend` = {backend!r} needs. Run: pip install {package}"
    T116 = "`model` {model!r} cannot be loaded ({reason}). Give a directory with a model that the backend reads."
    T117 = "The cache {path} cannot be used: {reason}. Delete the directory, or set another `path`."
    T118 = (
        "`price` is {value!r}, but must have `input` and `output`, in US dollars per million tokens, neither negative."
    )
    T119 = (
        'The price of {model} is not known, so `max_cost` cannot be kept. Set `price` = {{"input": ..., "output": '
        "...}} in the budget (US dollars per million tokens), or limit calls or tokens instead."
    )
    T120 = '\'{name}\' got no answer from the LLM ({reason}), and `on_error` = "raise". Set it to "keep" to go on.'
    T121 = (
        "doc.spans[{key!r}] has {spans} spans but {values} values in attrs[{name!r}], which must run parallel to them. "
        "Write a group and its attributes together, as `spacy_tiered_ner.spans.write_group` does."
    )
    # Personal data: detection
    T200 = "`{setting}` of a rule has unknown values: {values}. Known are: {known}."
    T201 = (
        "`gliner` of '{name}' is {gliner!r}, and the pipeline has no `gliner_ner` of that name (it has {names}). Name "
        'one that is there, set it to "auto", or to null for rules only.'
    )
    # Personal data: redaction
    T220 = (
        "A finding covers the characters {start} to {end}, but the text has {length}. Findings belong to the text that "
        "they were made from: detect again."
    )
    T221 = (
        "A {what} holds the values that it replaced and cannot be pickled. Make one in each process; to share values "
        "between processes, set `vault`."
    )
    T222 = (
        "The operator of {label!r} is {value!r}, which is none. Give one of {names}, or an object from "
        '`@misc` = "spacy-tiered-ner.<name>_operator.v1".'
    )
    T223 = (
        '`scope` is {scope!r} and `vault` is {vault!r}, which do not fit: "corpus" keeps its values in a vault, the '
        "other scopes use none. Set both or neither."
    )
    T224 = (
        'Nothing can be restored: with `scope` = "doc" no value is kept. Set `scope` to "session", or to "corpus" '
        "with a `vault`, or use `guard`."
    )
    T225 = "`{setting}` is {value!r}, but {reason}."
    T226 = "None of {count} encrypted values can be opened with {variables}. Set it to the key that encrypted them."
    T227 = (
        "The environment variable {variable} holds no key. Set it, for instance to the output of "
        '`python -c "import secrets; print(secrets.token_urlsafe(32))"`, and keep it: without it nothing comes back.'
    )
    T228 = "The key in the environment variable {variable} is too short. Set one of at least {least} characters."
    T229 = "`pseudonym.locale` is {locale!r}, which Faker does not have. Near ones: {near}."
    T230 = (
        "`generalise` knows no coarser form of {label!r}, only of {labels}. Choose another operator for it, such as "
        "`redact`."
    )
    T231 = (
        "`date_shift.key_variable` is {variable!r}, but the text has no subject whose dates are shifted alike. Set "
        "doc._.pii_subject (in the command, --subject), or leave out `key_variable`."
    )
    T232 = (
        "What was guarded returned a {type}, in which nothing can be restored. Let it return a text, an iterable of "
        "texts, or an awaitable of one."
    )
    T235 = (
        "The vault {path} cannot be opened with the key in the environment variable {variable}. Set it to the key that "
        "the vault was made with. If that is the one, the file was altered."
    )
    T236 = "The vault {path} was altered: {what}. Nothing of it is used. Go back to a copy."
    T237 = "{path} cannot be used as a vault: {reason}. Name a new file or one that a vault was written to."
    T238 = "The vault {path} was locked by another process for {seconds:g} seconds. Try again when that has finished."
    T240 = "{path} is the input, or named twice: it would be overwritten. Choose another output."
    T241 = "It is not clear what {path} is. Set --format to one of {formats}."
    T242 = "{path}, line {line}: it is not UTF-8. Convert the file first."
    T243 = "{path}, line {line}: {reason}. Each line is a JSON object; name its fields with --field."
    T244 = "{path} has no column {column!r}; its columns are {columns}. Mend --field or --subject, or set --delimiter."
    T245 = (
        "{path}, in the row that begins in line {line}: {reason}. Mend the quoting, or set --delimiter. Nothing was "
        "written."
    )
    T246 = "{path} exists. Choose another output, or pass --force to replace it."
    T247 = "The pipeline {pipeline} has no `pii_redactor`; its components are {names}. Add one to its config."
    T248 = "`--operator` is {entry!r}. Write LABEL=OPERATOR, such as PERSON=pseudonym or *=mask."
    # Evaluation, checks and review
    T300 = "{name} gives {given} documents for {wanted} texts: which failed is not known. Remove its error handler."
    T301 = (
        "{path} has no predictions for {count} of {total} texts, the first of them number {first}. Give predictions "
        "for every text (an empty list of `spans` where there is none)."
    )
    T302 = (
        "{name} writes no span group {key!r}; its groups are {groups}. Set --spans-key to one of them, or leave it out "
        "to evaluate doc.ents."
    )
    T303 = (
        "{path}, document {number}: of its annotated span groups {groups} none is {key!r}. Set --spans-key to the one "
        "to evaluate, or remove the others."
    )
    T310 = (
        "{path}: {count} ids occur twice, such as {id!r} in the lines {lines}. Give each text a `meta.id` of its own, "
        "and remove texts that are there twice."
    )
    T311 = "{path} is no export of {tool}: it should be {wanted}."
    T312 = (
        "{path} is missing. Name the directory that `tiered review export` made, which says which texts were given out "
        "and why."
    )
    # The teacher
    T340 = (
        "The teacher has no model to ask. Add one under [teacher.clients] of its config, e.g. [teacher.clients.small] "
        'with `@misc` = "spacy-tiered-ner.instructor_client.v1" and `model`.'
    )
    T341 = (
        "`samples` is {samples}, but a model at temperature 0 gives the same answer each time. Set `generation` = "
        '{{"temperature": 0.7}} in [teacher.clients], or `samples` = 1 and several models.'
    )
    T342 = (
        "The teacher has a `strong` model, but only one other answer, which cannot disagree. Raise `samples`, add a "
        "model under [teacher.clients], or move the strong one there."
    )
    T343 = "{path} cannot be written ({reason}). Make room and run the same again: it goes on where it stopped."
    T344 = "{path}, line {line}: {reason}. Each line is JSON with `text`, and perhaps `id`."
    T345 = (
        "{path} holds {count} reviewed texts that are no longer asked in this way (other guidelines, templates, models "
        "or texts), and would be lost. Write to another file."
    )
    T346 = "The guidelines {path} cannot be used: {reason}. They map each label to a description, or to a table."
    T347 = (
        "The teacher's config {path} cannot be used: {reason}. It has one section [teacher] with "
        '`@misc` = "spacy-tiered-ner.teacher.v1", as configs/teacher/*.cfg.'
    )
    T348 = "{path}, line {line}: {reason}. A line of recorded answers has `model`, `prompt` (a SHA-256) and `answer`."


class Warnings(metaclass=ErrorsWithCodes):
    # Tier 1
    W001 = (
        "{count} candidates of '{name}' do not align with spaCy's tokens (they lie inside one) and were left out, "
        "as `alignment_mode` = {mode!r} says. Set it to 'expand' to keep them. Further ones are counted in "
        "doc._.tiered_ner."
    )
    W002 = (
        "{count} words have more subwords than the window of '{name}' holds; the rest of each was not read. Further "
        "ones are counted in doc._.tiered_ner."
    )
    W003 = (
        "{count} of {total} annotated spans cannot be learned by '{name}': {too_wide} are wider than the {width} words "
        "(`max_width`) of its model, {unaligned} do not begin and end at token borders, {cut} reach beyond a `window`."
    )
    W004 = (
        "{count} annotated spans have labels that '{name}' does not look for, and are left out of training: {labels}. "
        "Add them to `labels`, or set `labels` = null to take all labels from the data."
    )
    W005 = (
        "The training data has no example of these labels of '{name}': {labels}. They are not asked for in training "
        "and keep what the model knew of them."
    )
    W006 = (
        "{count} of {total} documents have neither a group doc.spans[{key!r}] nor entity annotation, and are skipped "
        "in the training of '{name}'. Set doc.ents = [] where a document has no entity."
    )
    W007 = (
        "The annotation has labels that '{name}' does not look for, and counts as missed: {labels}. Add examples of "
        "them to the training data, or remove them from the data that scores are computed on."
    )
    W008 = (
        "Training broke the weights of '{name}' (some are not finite): {path} keeps those that were saved there before."
    )
    # Escalation to a large language model
    W100 = "The cache {path} cannot keep an answer ({reason}). The run goes on, but will pay for this again."
    W101 = (
        "The budget of '{name}' is used up ({detail}): doubtful spans pass unchanged from here on. They are counted in "
        "doc._.tiered_ner, in `skipped` and `left_out`."
    )
    W102 = (
        "The LLM of '{name}' failed ({detail}): doubtful spans are treated as `on_error` says. Further failures are "
        "counted in doc._.tiered_ner."
    )
    W103 = (
        "The LLM of '{name}' failed too often in a row and is left alone for `breaker_seconds`: doubtful spans are "
        "treated as `on_error` says, and counted in doc._.tiered_ner."
    )
    W104 = (
        "The LLM of '{name}' gave answers that cannot be used: these spans are treated as `on_error` says. Further "
        "ones are counted in doc._.tiered_ner."
    )
    W105 = (
        "'{name}' has no `client`, so nothing is sent: doubtful spans pass unchanged, and are counted in "
        'doc._.tiered_ner. Set `client`, e.g. {{"@misc": "spacy-tiered-ner.instructor_client.v1", "model": '
        '"ollama/qwen3"}}.'
    )
    W106 = (
        "'{name}' knows no labels that an answer could choose from: `labels` is null, and no earlier component named "
        "any. Nothing is asked about such documents. Set `labels`."
    )
    W107 = (
        "'{name}' finds no span group {keys} (`spans_key`) in its documents, but others with scores: {others}. Without "
        "it, only the entities of doc.ents are read, with a score of 1.0. Set `spans_key`."
    )
    # Personal data
    W200 = (
        "The detector '{detector}' of '{name}' failed ({error}), so the text is withheld. Further ones are counted in "
        'doc._.tiered_ner. Mend the detector, or set `mode` = "fail_open" to go on without it.'
    )
    W201 = (
        "The detector '{detector}' of '{name}' failed ({error}): what only it finds stays in the text, as `mode` = "
        '"fail_open" says. Further ones are counted in doc._.tiered_ner.'
    )
    W210 = (
        "{count} of {total} encrypted values cannot be opened with {variables}, and are left as they are: they were "
        "altered, or encrypted with another key."
    )
    W211 = (
        "{count} characters of a stream were withheld: {limit} characters (`limit`) held no place where they could be "
        "cut safely. Raise `limit` if such long words or entities are to be redacted instead."
    )
    # Evaluation, checks and review
    W300 = (
        "{count} of {total} annotations overlap another one and are left out, because doc.ents cannot hold both. Set "
        "--spans-key to evaluate a span group, where nested spans count."
    )
    W301 = "{name} predicts none of these annotated labels: {labels}. Compare the spelling with its own labels."
    W302 = (
        "{count} predictions of {name} are left out, because the annotators did not look for their labels (`labels` "
        "of the text)."
    )
    W303 = (
        "{count} documents are few: with fewer than {least}, bootstrap intervals tend to be too narrow. Annotate more."
    )
    W304 = "{count} texts of {split} are there twice. Remove them, or they count double."
    W305 = (
        "{count} texts are in two splits ({places}), such as number {first} as number {second}. Remove them from one: "
        "the score on them says nothing."
    )
    W306 = (
        "{count} texts are nearly in two splits ({places}), such as number {first} as number {second}. Put texts that "
        "belong together into one split."
    )
    W307 = "These labels are in the test data, but never in training: {labels}. Add examples, or leave them out."
    W308 = (
        "Labels are uneven. Fewer than ten examples in training: {few}. Twenty times rarer than the most frequent one: "
        "{rare}. Annotate more of them, or set `training.class_weights`."
    )
    W309 = (
        "{count} annotated spans are wider than the {width} words that the model can find: {splits}. Take a model with "
        "a larger `max_width`, or shorten them in the guidelines."
    )
    W310 = (
        "The test data gives F1 to about {points:.1f} points either way (a system of F1 80 on {documents} documents). "
        "Annotate some {documents_needed} documents for 5 points."
    )
    W311 = (
        "{count} surface forms are labelled unevenly, in {documents} documents: {form!r} is {counts}. Review them "
        "before training, because a model learns such errors."
    )
    W312 = (
        "{count} texts of the {split} data are also in the evaluated data, so these figures flatter. Evaluate on other "
        "texts (`tiered check` lists them)."
    )
