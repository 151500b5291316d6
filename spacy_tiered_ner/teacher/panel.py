"""Who is asked: one or several models, once or several times, and a stronger one where they disagree."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Errors
from ..gliner.checks import check_least
from ..llm.breaker import Breaker
from ..llm.budget import Budget
from ..llm.cache import AnswerCache
from ..llm.clients.base import Client
from ..llm.sender import Patience, Sender
from .annotation import FullAnnotation


@dataclass(frozen=True)
class Voter:
    """name: "provider/model"."""

    name: str
    strategy: FullAnnotation
    sender: Sender


class Panel:
    """voters: Asked about every window. arbiter: Asked where they disagree."""

    def __init__(
        self,
        clients: Sequence[Client],
        strong: Client | None,
        *,
        samples: int,
        max_words: int,
        concurrency: int,
        patience: Patience,
        breaker: tuple[int, float],
        templates: str | None,
        budget: Budget,
        cache: AnswerCache | None,
    ):
        """RAISES (ValueError): T340 no client, T341 samples that are all the same, T342 a strong client that is never
        asked, T119 a limit on money without a price.
        """
        if not clients:
            raise ValueError(Errors.T340)
        if samples > 1 and any(getattr(client, "generation", {}).get("temperature") == 0 for client in clients):
            raise ValueError(Errors.T341.format(samples=samples))
        if strong is not None and samples * len(clients) == 1:
            raise ValueError(Errors.T342)
        self.max_words, self.concurrency, self.budget = max_words, concurrency, budget
        share = max(1, concurrency // (samples * len(clients)))
        self.budgets: list[Budget] = []

        def seat(client: Client, count: int, threads: int) -> list[Voter]:
            own = copy.copy(budget)
            own.attach(client)
            self.budgets.append(own)
            shared = Breaker(*breaker)
            strategies = [FullAnnotation(templates=templates, sample=number) for number in range(count)]
            name = f"{client.provider}/{client.model}"
            return [Voter(name, s, Sender(client, s, own, cache, patience, shared, threads)) for s in strategies]

        self.voters = [voter for client in clients for voter in seat(client, samples, share)]
        self.arbiter = seat(strong, 1, concurrency)[0] if strong is not None else None
        self.model = name_of([voter.name for voter in self.voters], self.arbiter.name if self.arbiter else None)

    @property
    def everyone(self) -> list[Voter]:
        return [*self.voters, *([self.arbiter] if self.arbiter else [])]

    @property
    def priced(self) -> bool:
        """RETURNS (bool): Whether what each model costs is known."""
        return all(budget.price is not None for budget in self.budgets)

    @property
    def usage(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): Calls, tokens and cache hits so far, and the cost in US dollars, None where a price
        is not known.
        """
        return usage_of(self.budget.tally.as_dict(), self.priced)


USAGE = ("calls", "failed_calls", "cache_hits", "input_tokens", "output_tokens")


def usage_of(numbers: Any, priced: bool) -> dict[str, Any]:
    return {**{name: round(numbers[name]) for name in USAGE}, "cost": numbers["cost"] if priced else None}


def name_of(voters: Sequence[str], arbiter: str | None) -> str:
    """RETURNS (str): Such as "openai/small x3, then openai/large"."""
    counts = {name: voters.count(name) for name in voters}
    names = " + ".join(name if count == 1 else f"{name} x{count}" for name, count in counts.items())
    return names if arbiter is None else f"{names}, then {arbiter}"


def build_teacher_v1(
    clients: dict[str, Any],
    budget: Budget,
    cache: AnswerCache | None = None,
    strong: Any = None,
    samples: int = 1,
    max_words: int = 400,
    concurrency: int = 8,
    retries: int = 3,
    reasks: int = 1,
    max_wait: float = 60.0,
    breaker_failures: int = 5,
    breaker_seconds: float = 30.0,
    templates: str | None = None,
) -> Panel:
    """Who labels the texts for `python -m spacy tiered teach`.

    clients (Dict[str, Client]): The models that label everything. strong (Optional[Client]): A stronger one that
        decides where they disagree. samples (int): How often each of `clients` is asked about the same; above 1 give
        them a temperature. max_words (int): Of one request; longer texts are divided between sentences.
    concurrency (int): Requests at a time. retries, reasks, max_wait, breaker_failures, breaker_seconds: As in
        `llm_escalate`. templates (Optional[str]): A directory with system.jinja, user.jinja.
    """
    wholes = {"samples": (samples, 1), "max_words": (max_words, 1), "concurrency": (concurrency, 1)}
    wholes |= {"retries": (retries, 0), "reasks": (reasks, 0), "breaker_failures": (breaker_failures, 1)}
    for setting, (value, least) in wholes.items():
        check_least(setting, value, least)
    return Panel(
        list(clients.values()),
        strong,
        samples=samples,
        max_words=max_words,
        concurrency=concurrency,
        patience=Patience(retries, reasks, max_wait),
        breaker=(breaker_failures, breaker_seconds),
        templates=templates,
        budget=budget,
        cache=cache,
    )
