from dataclasses import dataclass

MODEL = "gliner"
CERTAIN = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """A stretch of text that must not leave: where it is and what it is, never the text itself.

    start (int): First character.
    end (int): The character after the last.
    label (str): What it is, such as "PERSON" or "EMAIL".
    score (float): How sure the detector is, 0 to 1; 1 is for what cannot be anything else.
    source (str): "gliner", or the name of the rule.
    """

    start: int
    end: int
    label: str
    score: float
    source: str
