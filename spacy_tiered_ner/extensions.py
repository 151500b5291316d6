"""The custom attributes that the components read and write. `register` may be called any number of times."""

from spacy.tokens import Doc


def register() -> None:
    """Add the attributes to `Doc` where they are missing.

    doc._.gliner_labels: Labels for this document alone, in any form that `labels` of `gliner_ner` takes; None means
        the component's own.
    doc._.tiered_ner (dict): What each component did with this document: time in seconds, counts, coverage.
    doc._.canonical (list): {"start", "end", "label", "text", "value"} of each entity that stands for an entry of the
        ontology; `ent.kb_id_` holds the value too.
    doc._.implicit_entities (list): {"label", "value", "evidence", "start", "end"} of entities without a surface form;
        start and end are those of the evidence, in characters.
    doc._.redacted_text (str): The text without personal data, by `pii_redactor`.
    doc._.pii_subject (str): Whom the document is about: dates of one subject are shifted alike.
    """
    for name in ("gliner_labels", "tiered_ner", "canonical", "implicit_entities", "redacted_text", "pii_subject"):
        if not Doc.has_extension(name):
            Doc.set_extension(name, default=None)
