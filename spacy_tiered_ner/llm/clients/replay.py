"""Answers that were recorded before, in place of a model."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...corpus import Record, read_lines
from ...errors import Errors
from ..strategy import Question
from .base import Client, Reply, RequestFailed


@dataclass(frozen=True)
class Recorded(Record):
    """model, prompt: Whose answer it is, and to what, as the SHA-256 of both messages. text: The answer."""

    model: str
    prompt: str


class ReplayClient:
    """Gives recorded answers, and fails where there is none for a prompt: no model is asked. Its provider is "replay",
    which shows wherever a model is named.
    """

    provider = "replay"
    parallel = True
    max_output_tokens = 1024

    def __init__(self, *, path: str, name: str):
        self.path, self.model = Path(path), name

    def settings(self) -> dict[str, Any]:
        return {"provider": self.provider, "model": self.model}

    @cached_property
    def answers(self) -> dict[str, str]:
        records = read_lines(self.path, parse_recorded, Errors.T348)
        return {record.prompt: record.text for record in records if record.model == self.model}

    def __call__(self, question: Question) -> Reply:
        answer = self.answers.get(prompt_key(question))
        if answer is None:
            reason = f"{self.path} has no answer to this prompt: it knows only those of its recording"
            raise RequestFailed(reason, retryable=False)
        return Reply(answer, 0, 0)


def prompt_key(question: Question) -> str:
    """RETURNS (str): SHA-256 of both messages, by which answers are recorded."""
    return hashlib.sha256(json.dumps([question.system, question.user]).encode()).hexdigest()


def parse_recorded(line: str) -> Recorded:
    row = json.loads(line)
    return Recorded(json.dumps(row["answer"], ensure_ascii=False), [], None, str(row["model"]), str(row["prompt"]))


def build_replay_client_v1(path: str, name: str) -> Client:
    """Recorded answers in place of a model, for demonstrations and tests.

    path (str): JSONL with `model`, `prompt` and `answer`. name (str): The `model` to replay; it appears as
        "replay/<name>" wherever a model is named.
    """
    return ReplayClient(path=path, name=name)
