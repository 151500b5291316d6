"""Hosted models and OpenAI-compatible servers through Instructor."""

import json
import logging
import os
import threading
from typing import Any

from ...errors import Errors
from ...extras import needs
from ...gliner.checks import check_least, check_positive
from ..strategy import Question
from .base import Client, Reply, check_base_url, check_variable, estimate, key_option
from .deadline import within
from .failures import failed

OWN_CALL = threading.local()


class InstructorClient:
    """Asks through `instructor.from_provider`: OpenAI, Anthropic, Google, Ollama and any server that speaks OpenAI's
    chat completions. Instructor's own retries are off, so that every request passes the budget.
    """

    parallel = True

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None,
        api_key_variable: str | None,
        mode: str | None,
        timeout: float,
        max_output_tokens: int,
        generation: dict[str, Any],
    ):
        self.provider, _, self.model = model.partition("/")
        if not self.provider or not self.model:
            raise ValueError(Errors.T113.format(model=model))
        check_base_url(base_url)
        check_positive("timeout", timeout)
        check_least("max_output_tokens", max_output_tokens, 1)
        check_variable(api_key_variable)
        self.base_url, self.api_key_variable = base_url, api_key_variable
        self.mode = mode or ("json_schema" if base_url else None)
        self.timeout, self.max_output_tokens, self.generation = timeout, max_output_tokens, dict(generation)
        self._lock = threading.Lock()
        self._process, self._instructor = 0, None

    def settings(self) -> dict[str, Any]:
        shown = ("provider", "model", "base_url", "mode", "max_output_tokens", "generation")
        return {name: getattr(self, name) for name in shown}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None, "_process": 0, "_instructor": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def _connect(self) -> Any:
        """Make the connection, anew in a process that was forked off."""
        with self._lock:
            if self._process != os.getpid():
                self._instructor, self._process = self._build(), os.getpid()
            return self._instructor

    def _build(self) -> Any:
        with needs("llm"):
            import instructor
        for name in ("instructor.v2.retry", "instructor.v2.auto_client"):
            logger = logging.getLogger(name)
            if mute_own_calls not in logger.filters:
                logger.addFilter(mute_own_calls)
        options = key_option(self.api_key_variable, self.base_url)
        if self.base_url:
            options["base_url"] = self.base_url
        try:
            mode = instructor.Mode[self.mode.upper()] if self.mode else None
        except KeyError:
            modes = ", ".join(mode.name.lower() for mode in instructor.Mode)
            raise ValueError(Errors.T012.format(setting="mode", value=self.mode, options=modes)) from None
        OWN_CALL.muted = True
        try:
            built = instructor.from_provider(f"{self.provider}/{self.model}", mode=mode, **options)
        except Exception as error:
            raise ValueError(Errors.T114.format(provider=self.provider, reason=type(error).__name__)) from None
        finally:
            OWN_CALL.muted = False
        for setting, value in (("max_retries", 0), ("timeout", self.timeout)):
            if hasattr(built.client, setting):
                setattr(built.client, setting, value)
        return built

    def __call__(self, question: Question) -> Reply:
        connection = self._connect()
        return within(self.timeout, lambda: self._request(connection, question))

    def _request(self, connection: Any, question: Question) -> Reply:
        messages = [{"role": "system", "content": question.system}, {"role": "user", "content": question.user}]
        official = self.provider == "openai" and not self.base_url
        limit = {"max_completion_tokens" if official else "max_tokens": self.max_output_tokens}
        OWN_CALL.muted = True
        try:
            answer, completion = connection.create_with_completion(
                response_model=question.schema, messages=messages, max_retries=0, **limit, **self.generation
            )
            text = answer.model_dump_json()
        except Exception as error:
            completion = getattr(error, "last_completion", None)
            if completion is None:
                raise failed(error, self.api_key_variable) from None
            text = raw_text(completion)
        finally:
            OWN_CALL.muted = False
        return make_reply(text, completion, question)


def mute_own_calls(record: logging.LogRecord) -> bool:
    """Instructor logs what servers answer, which may hold parts of the text or of a key."""
    return not getattr(OWN_CALL, "muted", False)


def raw_text(completion: Any) -> str:
    """RETURNS (str): The answer of a completion that Instructor could not read: its text, or a tool's arguments."""
    for choice in getattr(completion, "choices", None) or ():
        calls = getattr(choice.message, "tool_calls", None) or ()
        return next((call.function.arguments for call in calls), None) or choice.message.content or ""
    blocks = getattr(completion, "content", None) or ()
    inputs = [block.input for block in blocks if getattr(block, "type", "") == "tool_use"]
    if inputs:
        return json.dumps(inputs[0])
    texts = [block.text for block in blocks if getattr(block, "type", "") == "text"]
    return "".join(texts) or getattr(completion, "text", None) or ""


def make_reply(text: str, completion: Any, question: Question) -> Reply:
    usage = getattr(completion, "usage", None) or getattr(completion, "usage_metadata", None)
    names = (("prompt_tokens", "completion_tokens"), ("input_tokens", "output_tokens"))
    for read, written in (*names, ("prompt_token_count", "candidates_token_count")):
        if isinstance(getattr(usage, read, None), int):
            return Reply(text, getattr(usage, read), getattr(usage, written, None) or 0)
    return Reply(text, estimate(question.system + question.user), estimate(text), estimated=True)


def build_instructor_client_v1(
    model: str,
    base_url: str | None = None,
    api_key_variable: str | None = None,
    mode: str | None = None,
    timeout: float = 30.0,
    max_output_tokens: int = 1024,
    generation: dict[str, Any] | None = None,
) -> Client:
    """A client through Instructor.

    model (str): "provider/model", such as "openai/gpt-5-mini", "anthropic/...", "google/...", "ollama/qwen3".
    base_url (Optional[str]): Of an OpenAI-compatible server, with the provider "openai".
    api_key_variable (Optional[str]): Name of the environment variable with the key; null for the provider's own.
    mode (Optional[str]): How Instructor asks for JSON, such as "tools" or "json_schema"; null for the provider's
        default, or "json_schema" where there is a `base_url`.
    timeout (float): Seconds for one request. max_output_tokens (int): Of one answer.
    generation (Optional[Dict]): Passed to the provider as it is; null for temperature 0 on servers of one's own
        (a `base_url`, or Ollama), and nothing for hosted models, of which several refuse it.
    RAISES (ValueError): T014, T050 no positive number, T110 bad address, T111 a key in place of a variable, T113 model.
    """
    own = base_url is not None or model.startswith("ollama/")
    usual: dict[str, Any] = {"temperature": 0.0} if own else {}
    return InstructorClient(
        model=model,
        base_url=base_url,
        api_key_variable=api_key_variable,
        mode=mode,
        timeout=timeout,
        max_output_tokens=max_output_tokens,
        generation=usual if generation is None else generation,
    )
