"""What may be spent, in calls, tokens and money, for a run and for each document."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..errors import Errors
from ..gliner.checks import check_not_negative
from .clients.base import Client, Reply
from .prices import Price, find_price
from .tally import Tally

SPENT = ("calls", "tokens", "cost")
ALSO = ("input_tokens", "output_tokens", "estimated_tokens", "failed_calls", "cache_hits")
OF_A_RUN = ("documents", "spans", "asked", "changed")


@dataclass(frozen=True)
class Limits:
    """None for no limit. cost: US dollars."""

    calls: int | None = None
    tokens: int | None = None
    cost: float | None = None

    def exceeded(self, spent: Mapping[str, float], more: Mapping[str, float]) -> str | None:
        """RETURNS (Optional[str]): The first limit that `more` would break."""
        for name in SPENT:
            limit = getattr(self, name)
            if limit is not None and spent[name] + more[name] > limit:
                return name
        return None


class Spent(dict[str, float]):
    """What one document has cost so far, with what is set aside for its open requests."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys((*SPENT, *ALSO), 0))

    def add(self, amounts: Mapping[str, float]) -> None:
        for name, amount in amounts.items():
            self[name] += amount


class Budget:
    """Sets the estimated cost of a request aside before it is sent, and settles it with the real one afterwards, so
    that no limit is exceeded, whatever the number of requests in flight. `tally` is shared between processes.
    """

    def __init__(self, run: Limits, document: Limits, price: Mapping[str, Any] | None):
        self.run, self.document, self.given_price = run, document, price
        self.price: Price | None = None
        self.tally = Tally((*SPENT, *ALSO, *OF_A_RUN))

    def attach(self, client: Client) -> None:
        """Find the price of the client's model. RAISES (ValueError): T119 a limit on money without a price."""
        self.price = find_price(client.provider, client.model, self.given_price)
        limited = self.run.cost is not None or self.document.cost is not None
        if limited and self.price is None:
            raise ValueError(Errors.T119.format(model=f"{client.provider}/{client.model}"))

    def estimate(self, input_tokens: int, output_tokens: int) -> dict[str, float]:
        cost = self.price(input_tokens, output_tokens) if self.price else 0.0
        return {"calls": 1, "tokens": input_tokens + output_tokens, "cost": cost}

    def reserve(self, spent: Spent, estimate: Mapping[str, float]) -> str | None:
        """RETURNS (Optional[str]): None where the request may be sent, otherwise the limit that forbids it."""
        with self.tally.locked():
            broken = self.document.exceeded(spent, estimate)
            if broken:
                return f"max_{broken}_per_doc"
            broken = self.run.exceeded({name: self.tally[name] for name in SPENT}, estimate)
            if broken:
                return f"max_{broken}"
            self.tally.add(estimate)
            spent.add(estimate)
            return None

    def release(self, spent: Spent, estimate: Mapping[str, float]) -> None:
        """Give back what was set aside for a request that was not sent."""
        change = {name: -estimate[name] for name in SPENT}
        with self.tally.locked():
            self.tally.add(change)
            spent.add(change)

    def settle(self, spent: Spent, estimate: Mapping[str, float], reply: Reply | None, billed: int = 0) -> None:
        """reply: None for a request that failed. billed: Input tokens that a failed one may have cost."""
        read, written = (reply.input_tokens, reply.output_tokens) if reply else (billed, 0)
        real = self.estimate(read, written)
        change = {name: real[name] - estimate[name] for name in SPENT}
        counted: dict[str, float] = {"input_tokens": read, "output_tokens": written, "failed_calls": 0 if reply else 1}
        if reply is None or reply.estimated:
            counted["estimated_tokens"] = read + written
        with self.tally.locked():
            self.tally.add({**change, **counted})
            spent.add({**change, **counted})


def build_budget_v1(
    max_calls: int | None = None,
    max_tokens: int | None = None,
    max_cost: float | None = None,
    max_calls_per_doc: int | None = None,
    max_tokens_per_doc: int | None = None,
    max_cost_per_doc: float | None = None,
    price: dict[str, float] | None = None,
) -> Budget:
    """Limits of a run (the life of the pipe, all its processes together) and of each document; null for none.

    max_cost, max_cost_per_doc (Optional[float]): US dollars. price (Optional[Dict[str, float]]): US dollars per million
        tokens, `input` and `output`; null for the list price of the package genai-prices.
    RAISES (ValueError): T050 a negative limit, T118 bad price.
    """
    run = Limits(max_calls, max_tokens, max_cost)
    document = Limits(max_calls_per_doc, max_tokens_per_doc, max_cost_per_doc)
    for limits, suffix in ((run, ""), (document, "_per_doc")):
        for field in fields(limits):
            value = getattr(limits, field.name)
            if value is not None:
                check_not_negative(f"max_{field.name}{suffix}", value)
    if price is not None:
        find_price("", "", price)
    return Budget(run, document, price)
