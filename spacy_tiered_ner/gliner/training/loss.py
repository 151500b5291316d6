"""The training objective: binary cross-entropy of every (span, label) pair."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .rows import TrainingBatch
from .settings import Training


def span_loss(logits: Tensor, batch: TrainingBatch, settings: Training) -> tuple[float, Tensor]:
    """Cross-entropy summed over the pairs of a row and averaged over rows, weighted by `batch.share`.

    With `focal_gamma` each pair counts (1 - p)^gamma, where p is the probability of the right decision.

    logits (Tensor): (B, W, max_width, P).
    RETURNS (Tuple[float, Tensor]): The loss, and its gradient by the logits.
    """
    leaf = logits.detach().float().requires_grad_()
    device = leaf.device
    targets, mask = (torch.from_numpy(array).to(device) for array in (batch.targets, batch.mask))
    weights = torch.from_numpy(batch.weights).to(device)[:, None, None, :] * mask
    positive = torch.tensor(settings.positive_weight, device=device)
    losses = F.binary_cross_entropy_with_logits(leaf, targets, weights, reduction="none", pos_weight=positive)
    if settings.focal_gamma:
        right = torch.where(targets > 0, leaf, -leaf).sigmoid()
        losses = losses * (1 - right) ** settings.focal_gamma
    loss = losses.sum() * (batch.share / len(targets))
    (gradient,) = torch.autograd.grad(loss, leaf)
    return loss.item(), gradient
