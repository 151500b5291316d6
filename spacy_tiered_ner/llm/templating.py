"""Prompt templates: two jinja files, `system.jinja` and `user.jinja`, rendered in a sandbox."""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import Errors
from ..extras import needs

BUILT_IN = Path(__file__).parent / "templates"
NAMES = ("system", "user")


class Templates:
    """The templates of a strategy: a directory of the user's, or one that comes with the package. Values are inserted
    as they are; the filter `json` quotes them.
    """

    def __init__(self, directory: str | None, built_in: str):
        """RAISES (ValueError): T107 a missing or bad template."""
        self.directory = Path(directory) if directory else BUILT_IN / built_in
        self._sources: dict[str, str] = {}
        for name in NAMES:
            path = self.directory / f"{name}.jinja"
            try:
                self._sources[name] = path.read_text(encoding="utf8")
            except OSError as error:
                raise ValueError(Errors.T107.format(path=path, reason=error)) from error

    @property
    def fingerprint(self) -> str:
        """RETURNS (str): SHA-256 of both files."""
        return hashlib.sha256("\0".join(self._sources.values()).encode()).hexdigest()

    @cached_property
    def _compiled(self) -> dict[str, Any]:
        with needs("llm"):
            from jinja2 import StrictUndefined, TemplateError
            from jinja2.sandbox import ImmutableSandboxedEnvironment
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
        )
        environment.filters["json"] = quote
        try:
            return {name: environment.from_string(source) for name, source in self._sources.items()}
        except TemplateError as error:
            raise ValueError(Errors.T107.format(path=self.directory, reason=error)) from error

    def render(self, name: str, **values: Any) -> str:
        """RAISES (ValueError): T107 for a template that asks for what it is not given."""
        from jinja2 import TemplateError

        try:
            return self._compiled[name].render(values).strip()
        except (TemplateError, TypeError) as error:
            raise ValueError(Errors.T107.format(path=self.directory / f"{name}.jinja", reason=error)) from error

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory, "_sources": self._sources}


def quote(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
