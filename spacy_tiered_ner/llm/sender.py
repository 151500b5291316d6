"""Sends questions: cache, budget, retries, circuit breaker, and many at a time."""

import os
import random
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from .answers import parse_object
from .breaker import Breaker
from .budget import Budget, Spent
from .cache import AnswerCache, cache_key
from .clients.base import Client, RequestFailed, estimate
from .strategy import Question, Strategy

FIRST_WAIT = 0.5
AGAIN = (
    "\n\nYour last answer was not of this form. Answer with one JSON object of the form described, and nothing else."
)
BUDGET, CIRCUIT, ERROR, UNUSABLE, NO_CLIENT = "budget", "circuit_open", "error", "unusable", "no_client"


@dataclass(frozen=True)
class Outcome:
    """answer: The JSON object, or None. skipped: Why there is none or why it is of no use, one of the constants above.
    detail: More of it.
    """

    answer: Mapping[str, Any] | None
    skipped: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Patience:
    """retries: After a failure that may pass. reasks: After an answer that cannot be used. max_wait: Seconds; a server
    that asks for a longer wait is given up on.
    """

    retries: int
    reasks: int
    max_wait: float


class Sender:
    """Answers questions, at most `concurrency` at a time. What is in the cache, or is being asked already, is not
    asked again.
    """

    def __init__(
        self,
        client: Client,
        strategy: Strategy,
        budget: Budget,
        cache: AnswerCache | None,
        patience: Patience,
        breaker: Breaker,
        concurrency: int,
    ):
        self.client, self.strategy, self.budget, self.cache = client, strategy, budget, cache
        self.patience, self.breaker = patience, breaker
        self.concurrency = concurrency if client.parallel else 1
        self._restart()

    def _restart(self) -> None:
        self._process = 0
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._open: dict[str, Future[Outcome]] = {}

    def __getstate__(self) -> dict[str, Any]:
        lost = ("_process", "_pool", "_lock", "_open")
        return {key: value for key, value in self.__dict__.items() if key not in lost}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._restart()

    @property
    def _executor(self) -> ThreadPoolExecutor:
        if self._process != os.getpid():
            self._restart()
            self._pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="llm_escalate")
            self._process = os.getpid()
        assert self._pool is not None
        return self._pool

    def submit(self, question: Question, spent: Spent) -> "Future[Outcome]":
        """Ask in the background. What the cache knows is there at once."""
        executor = self._executor
        key = cache_key(self.client, question, self.strategy.fingerprint)
        with self._lock:
            if key in self._open:
                self._count_hit(spent)
                return self._open[key]
        reply = self.cache.get(key) if self.cache else None
        answer = parse_object(reply.text) if reply else None
        if answer is not None:
            self._count_hit(spent)
            done: Future[Outcome] = Future()
            done.set_result(Outcome(answer))
            return done
        with self._lock:
            future = self._open[key] = executor.submit(self._ask, key, question, spent)
        future.add_done_callback(lambda _: self._open.pop(key, None))
        return future

    def _count_hit(self, spent: Spent) -> None:
        spent.add({"cache_hits": 1})
        self.budget.tally.add({"cache_hits": 1})

    def _ask(self, key: str, question: Question, spent: Spent) -> Outcome:
        retries, reasks = self.patience.retries, self.patience.reasks
        wait, asked, last_failure = FIRST_WAIT, question, ""
        while True:
            expected = self.budget.estimate(estimate(asked.system + asked.user), self.client.max_output_tokens)
            broken = self.budget.reserve(spent, expected)
            if broken:
                return Outcome(None, BUDGET, broken)
            if not self.breaker.allow():
                self.budget.release(spent, expected)
                return Outcome(None, CIRCUIT, last_failure)
            try:
                reply = self.client(asked)
            except RequestFailed as failure:
                billed = estimate(asked.system + asked.user) if failure.sent else 0
                self.budget.settle(spent, expected, None, billed)
                self.breaker.record(False)
                pause = max(wait * random.uniform(0.5, 1.0), failure.retry_after or 0.0)
                if not failure.retryable or retries == 0 or pause > self.patience.max_wait:
                    return Outcome(None, ERROR, failure.reason)
                last_failure = failure.reason
                retries, wait = retries - 1, min(wait * 2, self.patience.max_wait)
                time.sleep(pause)
                continue
            except BaseException:
                self.budget.release(spent, expected)
                self.breaker.record(False)
                raise
            self.budget.settle(spent, expected, reply)
            self.breaker.record(True)
            answer = parse_object(reply.text)
            if answer is not None and self.strategy.usable(question, answer):
                if self.cache:
                    self.cache.set(key, reply)
                return Outcome(answer)
            if reasks == 0:
                return Outcome(answer, UNUSABLE)
            reasks -= 1
            asked = replace(question, user=question.user + AGAIN)
