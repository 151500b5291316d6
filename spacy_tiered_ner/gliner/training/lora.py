"""Low-rank adapters (LoRA, Hu et al. 2021) in the encoder, through PEFT."""

from typing import Any

from torch import Tensor, nn

from ...extras import needs


def add_adapters(encoder: nn.Module, rank: int) -> None:
    """Put adapters beside every linear layer of the encoder; its own weights no longer learn.

    RAISES (ImportError): T029 without PEFT.
    """
    with needs("train"):
        from peft import LoraConfig, inject_adapter_in_model
    layers = {name.rpartition(".")[2] for name, module in encoder.named_modules() if isinstance(module, nn.Linear)}
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=sorted(layers))
    inject_adapter_in_model(config, encoder)


def merged_weights(model: nn.Module) -> dict[str, Tensor]:
    """RETURNS (Dict[str, Tensor]): The state of a model with adapters, as that of one without."""
    from peft.tuners.lora import LoraLayer

    adapted: list[Any] = [module for module in model.modules() if isinstance(module, LoraLayer)]
    for layer in adapted:
        layer.merge()
    weights = {
        name.replace(".base_layer.", "."): value.detach().clone()
        for name, value in model.state_dict().items()
        if ".lora_" not in name
    }
    for layer in adapted:
        layer.unmerge()
    return weights
