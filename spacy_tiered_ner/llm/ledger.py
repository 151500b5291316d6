"""What the LLM did and cost, for a document and for a run."""

from collections import defaultdict
from typing import Any

from .budget import Budget, Spent
from .clients.base import Client

COUNTS = ("spans_in", "asked", "covered", "kept", "relabelled", "moved", "dropped", "missing", "implicit", "spans_out")


class Ledger:
    """Of one document. skipped: Doubtful spans that were not decided, by reason; a document that was doubtful as a
    whole, and has no such spans, counts as one. rejected: Parts of answers that did
    not fit the text or the labels. left_out: Where the skipped spans are, and those that an answer did not decide.
    """

    def __init__(self) -> None:
        self.spent = Spent()
        self.counts: dict[str, int] = dict.fromkeys(COUNTS, 0)
        self.skipped: defaultdict[str, int] = defaultdict(int)
        self.rejected: defaultdict[str, int] = defaultdict(int)
        self.left_out: list[dict[str, Any]] = []
        self.details: set[str] = set()

    def as_dict(self, budget: Budget, client: Client | None, seconds: float) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): For `doc._.tiered_ner`; cost in US dollars, None where the price is not known."""
        spent = {name: round(value) for name, value in self.spent.items() if name != "cost"}
        return {
            "time": seconds,
            "model": f"{client.provider}/{client.model}" if client else None,
            **spent,
            "cost": self.spent["cost"] if budget.price else None,
            **self.counts,
            "skipped": {reason: count for reason, count in self.skipped.items() if count},
            "rejected": {kind: count for kind, count in self.rejected.items() if count},
            "left_out": self.left_out,
            "details": sorted(self.details),
        }


def usage(budget: Budget, client: Client | None) -> dict[str, Any]:
    numbers = budget.tally.as_dict()
    return {
        "model": f"{client.provider}/{client.model}" if client else None,
        **{name: round(value) for name, value in numbers.items() if name != "cost"},
        "cost": numbers["cost"] if budget.price else None,
        "price": budget.price.source if budget.price else None,
    }


def summarize(numbers: dict[str, Any]) -> str:
    """RETURNS (str): One line about a run, from `usage`."""
    cost = "price not known" if numbers["cost"] is None else f"${numbers['cost']:.4f} ({numbers['price']})"
    share = numbers["asked"] / numbers["spans"] if numbers["spans"] else 0.0
    tokens = f"{numbers['tokens']} tokens ({numbers['estimated_tokens']} of them estimated)"
    return (
        f"LLM {numbers['model']}: {numbers['asked']} of {numbers['spans']} spans asked about ({share:.1%}), "
        f"{numbers['changed']} changed, {numbers['calls']} calls ({numbers['failed_calls']} failed), "
        f"{tokens}, {numbers['cache_hits']} cache hits, {cost}"
    )
