"""Local models, and OpenAI-compatible servers, through Outlines."""

import os
import threading
from typing import Any

from pydantic import BaseModel

from ...errors import Errors
from ...extras import needs
from ...gliner.checks import check_least, check_option, check_positive
from ..strategy import Question
from .base import Client, Reply, check_base_url, check_variable, estimate, key_option
from .deadline import within
from .failures import failed

BACKENDS = ("transformers", "llamacpp", "openai")


class OutlinesClient:
    """Asks a model whose output Outlines constrains to the schema. A local model is loaded when it is first needed,
    and answers one question at a time. Outlines reports no tokens: they are estimated.
    """

    def __init__(
        self,
        *,
        model: str,
        backend: str,
        base_url: str | None,
        api_key_variable: str | None,
        timeout: float,
        max_output_tokens: int,
        generation: dict[str, Any],
    ):
        check_option("backend", backend, BACKENDS)
        check_base_url(base_url)
        check_positive("timeout", timeout)
        check_least("max_output_tokens", max_output_tokens, 1)
        check_variable(api_key_variable)
        self.model, self.backend = model, backend
        self.provider = "openai" if backend == "openai" else "local"
        self.base_url, self.api_key_variable, self.timeout = base_url, api_key_variable, timeout
        self.max_output_tokens, self.generation = max_output_tokens, dict(generation)
        self.parallel = backend == "openai"
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._process = 0
        self._loaded: Any = None
        self._generators: dict[type[BaseModel], Any] = {}

    def settings(self) -> dict[str, Any]:
        shown = ("backend", "model", "base_url", "max_output_tokens", "generation")
        return {name: getattr(self, name) for name in shown}

    def __getstate__(self) -> dict[str, Any]:
        lost = ("_lock", "_process", "_loaded", "_generators")
        return {key: value for key, value in self.__dict__.items() if key not in lost}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    def _load(self) -> Any:
        with needs("outlines"):
            import outlines
        try:
            if self.backend == "transformers":
                from transformers import AutoModelForCausalLM, AutoTokenizer

                network = AutoModelForCausalLM.from_pretrained(self.model)
                return outlines.from_transformers(network, AutoTokenizer.from_pretrained(self.model))
            if self.backend == "llamacpp":
                from llama_cpp import Llama

                return outlines.from_llamacpp(Llama(self.model, n_ctx=0, verbose=False))
            from openai import OpenAI
        except ImportError as error:
            raise ImportError(Errors.T115.format(package=error.name, backend=self.backend)) from error
        except (OSError, ValueError) as error:
            raise ValueError(Errors.T116.format(model=self.model, reason=type(error).__name__)) from error
        options = key_option(self.api_key_variable, self.base_url)
        connection = OpenAI(base_url=self.base_url, timeout=self.timeout, max_retries=0, **options)
        return outlines.from_openai(connection, self.model)

    def _generator(self, schema: type[BaseModel]) -> Any:
        """The model constrained to a schema, both made when first needed, anew in a forked process."""
        with self._lock:
            if self._process != os.getpid():
                self._loaded, self._process = self._load(), os.getpid()
                self._generators = {}
            if schema not in self._generators:
                import outlines

                self._generators[schema] = outlines.Generator(self._loaded, schema)
            return self._generators[schema]

    def __call__(self, question: Question) -> Reply:
        generator = self._generator(question.schema)
        if self.parallel:
            return within(self.timeout, lambda: self._request(generator, question))
        with self._lock:
            return self._request(generator, question)

    def _request(self, generator: Any, question: Question) -> Reply:
        limit = "max_new_tokens" if self.backend == "transformers" else "max_tokens"
        options = {limit: self.max_output_tokens, **self.generation}
        try:
            text = generator(self._prompt(question), **options)
        except Exception as error:
            raise failed(error, self.api_key_variable) from None
        read = estimate(question.system + question.user)
        return Reply(text, read, estimate(text), estimated=True)

    def _prompt(self, question: Question) -> Any:
        from outlines.inputs import Chat

        tokenizer = getattr(getattr(self._loaded, "tokenizer", None), "tokenizer", None)
        if self.backend == "transformers" and not getattr(tokenizer, "chat_template", None):
            return f"{question.system}\n\n{question.user}\n"
        return Chat([{"role": "system", "content": question.system}, {"role": "user", "content": question.user}])


def build_outlines_client_v1(
    model: str,
    backend: str = "transformers",
    base_url: str | None = None,
    api_key_variable: str | None = None,
    timeout: float = 30.0,
    max_output_tokens: int = 1024,
    generation: dict[str, Any] | None = None,
) -> Client:
    """A client through Outlines.

    model (str): With the backend "transformers" a directory or hub id, with "llamacpp" a .gguf file, with "openai"
        the server's name for the model.
    base_url, api_key_variable, timeout: Of the server, with the backend "openai".
    max_output_tokens (int): Of one answer. generation (Optional[Dict]): Passed to the backend as it is; null for
        greedy decoding or temperature 0.
    RAISES (ValueError): T012 backend, T014, T050 no positive number, T110 bad address, T111 a key in place of a
        variable.
    """
    greedy = {"do_sample": False} if backend == "transformers" else {"temperature": 0.0}
    return OutlinesClient(
        model=model,
        backend=backend,
        base_url=base_url,
        api_key_variable=api_key_variable,
        timeout=timeout,
        max_output_tokens=max_output_tokens,
        generation=greedy if generation is None else generation,
    )
