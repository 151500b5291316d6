"""Sends questions: cache, budget, retries, circuit breaker, and many at a time."""

import os
import random
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from .answers import parse_object
from .breaker import Breaker
from .budget import Budget, Spent
from .cache import AnswerCache, cache_key, schema_text
from .clients.base import Client, RequestFailed, estimate
from .strategy import Question, Strategy

FIRST_WAIT = 0.5
AGAIN = (
    "\n\nYour last answer was not of this form. Answer with one JSON object of the form described, and nothing else."
)
BUDGET, CIRCUIT, ERROR, UNUSABLE, NO_CLIENT = "budget", "circuit_open", "error", "unusable", "no_client"
STOPPED = "stopped"


@dataclass(frozen=True)
class Outcome:
    """answer: The JSON object, or None. skipped: Why there is none or why it is of no use, one of the constants above.
    detail: More of it. sent: Whether a request was sent, or the cache had the answer.
    """

    answer: Mapping[str, Any] | None
    skipped: str = ""
    detail: str = ""
    sent: bool = True


@dataclass(frozen=True)
class Patience:
    """retries: After a failure that may pass. reasks: After an answer that cannot be used. max_wait: Seconds; a server
    that asks for a longer wait is given up on.
    """

    retries: int
    reasks: int
    max_wait: float


class Running:
    """open: The questions that are being asked, by their keys."""

    def __init__(self, concurrency: int):
        self.executor = ThreadPoolExecutor(concurrency, thread_name_prefix="llm_escalate")
        self.lock = threading.Lock()
        self.open: dict[str, Future[Outcome]] = {}


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
        self._by_process: dict[int, Running] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_by_process": {}}

    @property
    def _running(self) -> Running:
        """What belongs to this process: threads and locks do not outlive a fork."""
        process = os.getpid()
        return self._by_process.get(process) or self._by_process.setdefault(process, Running(self.concurrency))

    def submit(self, question: Question, spent: Spent, stop: threading.Event | None = None) -> "Future[Outcome]":
        """Ask in the background. What the cache knows is there at once.

        stop (Optional[Event]): Once it is set, nothing more is sent, and the outcome is `STOPPED`, also for others who
            asked the same at the same time.
        """
        running = self._running
        key = cache_key(self.client, question, self.strategy.fingerprint)
        with running.lock:
            if key in running.open:
                self._count_hit(spent)
                return running.open[key]
        reply = self.cache.get(key) if self.cache else None
        answer = parse_object(reply.text) if reply else None
        if answer is not None:
            self._count_hit(spent)
            done: Future[Outcome] = Future()
            done.set_result(Outcome(answer))
            return done
        with running.lock:
            future = running.open[key] = running.executor.submit(
                self._ask, key, question, spent, stop or threading.Event()
            )
        future.add_done_callback(lambda _: running.open.pop(key, None))
        return future

    def _count_hit(self, spent: Spent) -> None:
        spent.add({"cache_hits": 1})
        self.budget.tally.add({"cache_hits": 1})

    def _ask(self, key: str, question: Question, spent: Spent, stop: threading.Event) -> Outcome:
        retries, reasks = self.patience.retries, self.patience.reasks
        wait, asked, last_failure, sent = FIRST_WAIT, question, "", False
        while not stop.is_set():
            size = estimate(asked.system + asked.user + schema_text(asked.schema))
            expected = self.budget.estimate(size, self.client.max_output_tokens)
            broken = self.budget.reserve(spent, expected)
            if broken:
                return Outcome(None, BUDGET, broken, sent)
            if not self.breaker.allow():
                self.budget.release(spent, expected)
                return Outcome(None, CIRCUIT, last_failure, sent)
            sent = True
            try:
                reply = self.client(asked)
            except RequestFailed as failure:
                self.budget.settle(spent, expected, None, size if failure.sent else 0)
                self.breaker.record(False)
                pause = max(wait * random.uniform(0.5, 1.0), failure.retry_after or 0.0)
                if not failure.retryable or retries == 0 or pause > self.patience.max_wait:
                    return Outcome(None, ERROR, failure.reason)
                last_failure = failure.reason
                retries, wait = retries - 1, min(wait * 2, self.patience.max_wait)
                stop.wait(pause)
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
        return Outcome(None, STOPPED)
