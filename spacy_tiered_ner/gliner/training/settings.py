"""How `gliner_ner` learns: the `[components.gliner_ner.training]` block of a config."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import Errors
from ..checks import check_share

BALANCED = "balanced"


@dataclass(frozen=True)
class Training:
    """The settings of `build_gliner_training_v1`, checked."""

    encoder_learn_rate: float
    freeze_encoder: bool
    lora_rank: int
    mixed_precision: bool
    negatives: float | None
    label_dropout: float
    focal_gamma: float
    positive_weight: float
    class_weights: Mapping[str, float] | str
    rehearsal: float
    rehearsal_corpus: str


def build_gliner_training_v1(
    encoder_learn_rate: float = 0.3,
    freeze_encoder: bool = False,
    lora_rank: int = 0,
    mixed_precision: bool = True,
    negatives: float | None = None,
    label_dropout: float = 0.0,
    focal_gamma: float = 0.0,
    positive_weight: float = 3.0,
    class_weights: dict[str, float] | str = {},  # noqa: B006 (spaCy fills it into the config)
    rehearsal: float = 0.0,
    rehearsal_corpus: str = "starter",
) -> Training:
    """Registered as `spacy-tiered-ner.gliner_training.v1`.

    encoder_learn_rate (float): The encoder's share of the optimizer's learning rate; the head takes all of it.
    freeze_encoder (bool): Train the head only.
    lora_rank (int): Above 0, the encoder learns through LoRA adapters of this rank (Hu et al. 2021, PEFT).
    mixed_precision (bool): Compute in bfloat16 where the GPU or the processor does so natively.
    negatives (Optional[float]): Absent labels asked for each label present in a text; None asks for every label.
    label_dropout (float): Probability that a label present in a text is not asked for.
    focal_gamma (float): Above 0, easy decisions weigh less (focal loss, Lin et al. 2017).
    positive_weight (float): Weight of a span's own label against all the others in the loss.
    class_weights (Union[dict, str]): Label -> weight of its loss, 1 if left out; or "balanced": the rarer, the heavier.
    rehearsal (float): Share of general examples in each batch, against forgetting.
    rehearsal_corpus (str): "starter" for the package's own passages, or a path to `.spacy`, JSONL or passages.
    RAISES (ValueError): T010 not a share, T050 out of range, or settings that exclude each other.
    """
    check_share("training.label_dropout", label_dropout)
    check_share("training.rehearsal", rehearsal)
    if rehearsal == 1:
        raise ValueError(
            Errors.T050.format(setting="training.rehearsal", value=1, reason="leaves no room for your data")
        )
    for setting, value in (
        ("encoder_learn_rate", encoder_learn_rate),
        ("lora_rank", lora_rank),
        ("negatives", negatives or 0),
        ("focal_gamma", focal_gamma),
        ("positive_weight", positive_weight),
    ):
        if value < 0:
            raise ValueError(
                Errors.T050.format(setting=f"training.{setting}", value=value, reason="must not be negative")
            )
    if freeze_encoder and lora_rank:
        reason = "adapters in the encoder do not learn while `training.freeze_encoder` is true"
        raise ValueError(Errors.T050.format(setting="training.lora_rank", value=lora_rank, reason=reason))
    if isinstance(class_weights, str) and class_weights != BALANCED:
        reason = 'is neither "balanced" nor a table of weights'
        raise ValueError(Errors.T050.format(setting="training.class_weights", value=class_weights, reason=reason))
    return Training(
        encoder_learn_rate,
        freeze_encoder,
        lora_rank,
        mixed_precision,
        negatives,
        label_dropout,
        focal_gamma,
        positive_weight,
        class_weights,
        rehearsal,
        rehearsal_corpus,
    )
