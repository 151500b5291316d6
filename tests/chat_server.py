"""A server on loopback that speaks the chat-completions protocol, and answers as a test tells it to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """content: The message. cut: It ends in the middle, because it was too long. delay: Seconds before it is sent.
    hang: Nothing is ever sent. drip: The answer never ends, but something comes all the time.
    """

    content: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    delay: float = 0.0
    hang: bool = False
    drip: bool = False
    tokens: tuple[int, int] = (100, 10)


class ChatServer:
    """requests: The bodies that came in, with the time and the `Authorization` of each. answer: Makes the answer from a
    body; set it to change the behaviour.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], Answer]):
        self.answer = answer
        self.requests: list[dict[str, Any]] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"

    def handler(server: "ChatServer") -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with server.lock:
                    heard = {"time": time.monotonic(), "authorization": self.headers.get("Authorization")}
                    server.requests.append({**body, **heard})
                    server.at_once += 1
                    server.most_at_once = max(server.most_at_once, server.at_once)
                try:
                    self.reply(server.answer(body), body["model"])
                finally:
                    with server.lock:
                        server.at_once -= 1

            def reply(self, answer: Answer, model: str) -> None:
                if answer.hang:
                    server.closing.wait()
                    return
                time.sleep(answer.delay)
                read, written = answer.tokens
                message = {"role": "assistant", "content": answer.content}
                choice = {"index": 0, "message": message, "finish_reason": "length" if answer.cut else "stop"}
                usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
                body: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 1, "model": model}
                body |= {"choices": [choice], "usage": usage}
                if answer.status != 200:
                    body = {"error": {"message": answer.content, "type": "error"}}
                data = json.dumps(body).encode()
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data) + 10**6 * answer.drip))
                self.end_headers()
                while answer.drip and not server.closing.wait(0.1):
                    self.wfile.write(b" ")
                self.wfile.write(data)

        return Handler

    @property
    def prompts(self) -> list[str]:
        return [request["messages"][-1]["content"] for request in self.requests]


@contextmanager
def serve(answer: Callable[[dict[str, Any]], Answer]) -> Iterator[ChatServer]:
    server = ChatServer(answer)
    thread = threading.Thread(target=server.http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.http.shutdown()
        server.http.server_close()
        thread.join()


def spans_in(body: dict[str, Any]) -> list[dict[str, Any]]:
    """RETURNS (List[dict]): The spans that a prompt of `candidate_questions` asks about."""
    lines = body["messages"][-1]["content"].splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"id": ')]


def labelled(label: str, **more: Any) -> Callable[[dict[str, Any]], Answer]:
    """RETURNS (Callable): Answers that give every span the same label."""

    def answer(body: dict[str, Any]) -> Answer:
        verdicts = {span["id"]: {"label": label, "text": None} for span in spans_in(body)}
        return Answer(json.dumps({**verdicts, **more}))

    return answer
