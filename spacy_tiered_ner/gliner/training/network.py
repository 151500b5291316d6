"""The factored torch network behind thinc's `Model`, so that spaCy can train it with any of its optimizers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from thinc.api import Model, Optimizer
from thinc.shims.shim import Shim
from torch import Tensor, nn

from ...errors import Errors
from .dropout import quicken
from .rows import TrainingBatch
from .settings import Training


def build_model(network: nn.Module, settings: Training) -> Model:
    """RETURNS (Model): Takes a TrainingBatch, gives logits (B, W, max_width, P) as a torch tensor."""
    return Model("gliner", forward, shims=[TorchShim(network, settings)], attrs={"dropout_rate": 0.0})


def forward(model: Model, batch: TrainingBatch, is_train: bool) -> tuple[Tensor, Any]:
    shim: Any = model.shims[0]
    shim.set_dropout(model.attrs["dropout_rate"])
    return shim(batch, is_train)


def native_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


class TorchShim(Shim):
    """Runs the network, and lets torch carry out what thinc's optimizer says, in one fused step.

    The settings of the optimizer (Adam.v1, RAdam.v1, SGD.v1) and their schedules are read in every step. Other than
    in thinc, `grad_clip` limits the norm of all gradients together, and the encoder takes
    `settings.encoder_learn_rate` of the learning rate.
    """

    def __init__(self, network: nn.Module, settings: Training):
        super().__init__(network)
        self.settings = settings
        self.device = next(network.parameters()).device
        self.mixed_precision = settings.mixed_precision and native_bfloat16(self.device)
        self.dropout: float | None = None
        self.steps = 0
        self.thinc_optimizer: Optimizer | None = None
        self.torch_optimizer: torch.optim.Optimizer | None = None
        if self.device.type == "cpu":
            quicken(network)
        if settings.freeze_encoder:
            network.encoder.requires_grad_(False)

    def __call__(self, batch: TrainingBatch, is_train: bool) -> tuple[Tensor, Any]:
        self._model.train(is_train)
        inputs = {name: torch.from_numpy(array).to(self.device) for name, array in batch.inputs.items()}
        with (
            torch.set_grad_enabled(is_train),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed_precision),
        ):
            logits = self._model(**inputs)
        return logits, lambda gradient: logits.backward(gradient.to(logits.dtype))

    def set_dropout(self, rate: float) -> None:
        if rate != self.dropout:
            self.dropout = rate
            for module in self._model.modules():
                if isinstance(module, nn.Dropout):
                    module.p = rate

    def trainable(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((name, value) for name, value in self._model.named_parameters() if value.requires_grad)

    def finish_update(self, optimizer: Optimizer) -> None:
        """RAISES (ValueError): T053 where a gradient is not finite; the weights are left as they were."""
        if self.torch_optimizer is None or self.thinc_optimizer is not optimizer:
            self.thinc_optimizer, self.torch_optimizer = optimizer, self.make_optimizer(optimizer)
        parameters = [value for _, value in self.trainable() if value.grad is not None]
        norm = nn.utils.clip_grad_norm_(parameters, optimizer.grad_clip or float("inf"))
        if not torch.isfinite(norm):
            self._model.zero_grad(set_to_none=True)
            raise ValueError(Errors.T053.format(what="gradient", value=norm.item(), number=self.steps + 1))
        for group in self.torch_optimizer.param_groups:
            group["lr"] = optimizer.learn_rate * group["share"]
        self.torch_optimizer.step()
        self.steps += 1
        self._model.zero_grad(set_to_none=True)
        if optimizer.averages is not None:
            self.average(optimizer)

    def make_optimizer(self, optimizer: Optimizer) -> torch.optim.Optimizer:
        encoder = [value for name, value in self.trainable() if name.startswith("encoder.")]
        head = [value for name, value in self.trainable() if not name.startswith("encoder.")]
        groups = [{"params": encoder, "share": self.settings.encoder_learn_rate}, {"params": head, "share": 1.0}]
        groups = [group for group in groups if group["params"]]
        common: dict[str, Any] = {"lr": optimizer.learn_rate, "weight_decay": optimizer.L2}
        if not optimizer.b1 and not optimizer.b2:
            return torch.optim.SGD(groups, **common)
        common.update(betas=(optimizer.b1, optimizer.b2), eps=optimizer.eps)
        if optimizer.use_radam:
            return torch.optim.RAdam(groups, decoupled_weight_decay=optimizer.L2_is_weight_decay, **common)
        kind = torch.optim.AdamW if optimizer.L2_is_weight_decay else torch.optim.Adam
        return kind(groups, fused=True, **common)

    @torch.no_grad()
    def average(self, optimizer: Optimizer) -> None:
        """Keep moving averages of the weights in the optimizer, as thinc does, but from the first weights on."""
        averages: Any = optimizer.averages
        for name, value in self.trainable():
            key = (self.id, name)
            optimizer.nr_update[key] += 1
            count = optimizer.nr_update[key]
            if key not in averages:
                averages[key] = value.clone()
            averages[key].lerp_(value, 1 - min((1 + count) / (10 + count), 0.9999))

    @contextmanager
    def use_params(self, params: dict[tuple[int, str], Any]) -> Iterator[None]:
        chosen = {name: value for name, value in self.trainable() if (self.id, name) in params}
        kept = {name: value.detach().clone() for name, value in chosen.items()}
        with torch.no_grad():
            for name, value in chosen.items():
                value.copy_(params[self.id, name])
        try:
            yield
        finally:
            with torch.no_grad():
                for name, value in chosen.items():
                    value.copy_(kept[name])
