"""What tokens cost, in US dollars."""

from collections.abc import Mapping
from typing import Any

from ..errors import Errors

MILLION = 1_000_000


class Price:
    """US dollars per token. source: Where it comes from."""

    def __init__(self, read: float, written: float, source: str):
        self.read, self.written, self.source = read, written, source

    def __call__(self, input_tokens: float, output_tokens: float) -> float:
        return input_tokens * self.read + output_tokens * self.written


def find_price(provider: str, model: str, given: Mapping[str, Any] | None) -> Price | None:
    """given (Optional[Mapping]): US dollars per million tokens, `input` and `output`; otherwise the list price of the
    package genai-prices.

    RETURNS (Optional[Price]): None where the price is not known. RAISES (ValueError): T118 bad `given`.
    """
    if given is not None:
        if set(given) != {"input", "output"} or not all(
            isinstance(amount, int | float) and amount >= 0 for amount in given.values()
        ):
            raise ValueError(Errors.T118.format(value=dict(given)))
        return Price(given["input"] / MILLION, given["output"] / MILLION, "config")
    try:
        from genai_prices import Usage, __version__, calc_price
    except ImportError:
        return None
    try:
        read, written = (
            float(calc_price(usage, model_ref=model, provider_id=provider).total_price) / MILLION
            for usage in (Usage(input_tokens=MILLION), Usage(output_tokens=MILLION))
        )
    except LookupError:
        return None
    return Price(read, written, f"genai-prices {__version__}")
