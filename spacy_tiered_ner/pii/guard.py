"""Between a text and whoever must not see its personal data."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..errors import Errors
from .stream import StreamRestorer

if TYPE_CHECKING:
    from .component import PiiRedactor

ALTERED = 16


def guard(call: Callable[[str], Any], text: str, pipe: "PiiRedactor", subject: str | None = None) -> Any:
    """Call with the redacted text, and put the values back into the answer.

    call (Callable): Takes a text and returns one, or an iterable of chunks; async functions and iterators too.
    RETURNS (Any): The same as `call`: a text, a generator of chunks, an awaitable or an asynchronous generator.
    RAISES (ValueError): T232 for an answer that is something else.
    """
    session = pipe.redactor.session() if pipe.redactor.scope == "doc" else None
    redaction = pipe.redact(text, subject=subject, session=session)
    longest = max((item.new_end - item.new_start for item in redaction.replacements), default=0) + ALTERED

    def restore(answer: str) -> str:
        return pipe.redactor.restore(answer, session=session)

    def restorer() -> StreamRestorer:
        return StreamRestorer(lambda answer: pipe.redactor.found(answer, session=session), longest)

    async def later(answer: Awaitable[Any]) -> Any:
        return restored(await answer)

    async def chunks(answer: AsyncIterator[str]) -> AsyncIterator[str]:
        stream = restorer()
        async for chunk in answer:
            if out := stream.feed(chunk):
                yield out
        if out := stream.flush():
            yield out

    def restored(answer: Any) -> Any:
        if isinstance(answer, str):
            return restore(answer)
        if isinstance(answer, Awaitable):
            return later(answer)
        if isinstance(answer, AsyncIterator):
            return chunks(answer)
        if isinstance(answer, Iterable) and not isinstance(answer, bytes | dict):
            return restorer()(answer)
        raise ValueError(Errors.T232.format(type=type(answer).__name__))

    return restored(call(redaction.text))
