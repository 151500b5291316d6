"""Models of spacy-llm."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from ...gliner.checks import check_least
from ..strategy import Question
from .base import Client, Reply, estimate
from .failures import failed

Model = Callable[[Iterable[Iterable[str]]], Iterable[Iterable[str]]]


class SpacyLLMClient:
    """Asks a model from spacy-llm's registry `llm_models`. It takes plain prompts, so both messages go into one; its
    time-outs are its own, and its tokens are estimated.
    """

    provider = "spacy-llm"

    def __init__(self, *, llm: Model, name: str, parallel: bool, max_output_tokens: int):
        self.llm, self.model, self.parallel, self.max_output_tokens = llm, name, parallel, max_output_tokens
        check_least("max_output_tokens", max_output_tokens, 1)
        self._lock = threading.Lock()

    def settings(self) -> dict[str, Any]:
        return {"provider": self.provider, "model": self.model}

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def __call__(self, question: Question) -> Reply:
        prompt = f"{question.system}\n\n{question.user}"
        try:
            if self.parallel:
                text = self._ask(prompt)
            else:
                with self._lock:
                    text = self._ask(prompt)
        except Exception as error:
            raise failed(error) from None
        return Reply(text, estimate(prompt), estimate(text), estimated=True)

    def _ask(self, prompt: str) -> str:
        (responses,) = self.llm([[prompt]])
        (text,) = responses
        return str(text)


def build_spacy_llm_client_v1(llm: Model, name: str, parallel: bool = False, max_output_tokens: int = 1024) -> Client:
    """A client around a model of spacy-llm.

    llm (Callable): A block with `@llm_models`. name (str): Which model it is, for the cache and the ledger: change it
        together with the block. parallel (bool): Whether it may be called from several threads.
    max_output_tokens (int): What the budget sets aside for an answer; the limit itself belongs to the block.
    """
    return SpacyLLMClient(llm=llm, name=name, parallel=parallel, max_output_tokens=max_output_tokens)
