"""What `llm_escalate` adds to a pipeline's time, and what asking side by side saves.

`overhead`: documents a second of `gliner_ner` alone and with `llm_escalate` behind it, every answer in the cache.
`throughput`: the same questions to a server on loopback that takes 300 ms, one by one and 16 at a time.
"""

import argparse
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import spacy
from common import HERE, markdown, read_jsonl, write_json
from spacy.language import Language

LABELS = ["person", "organization", "city", "country", "date", "product", "event", "job title"]
DELAY = 0.3
AT_ONCE = [1, 4, 16]


@contextmanager
def slow_server(delay: float) -> Iterator[str]:
    """A chat-completions server that answers every span with its first proposal.

    YIELDS (str): Its base URL.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(delay)
            lines = body["messages"][-1]["content"].splitlines()
            spans = [json.loads(line) for line in lines if line.startswith('{"id"')]
            content = json.dumps({span["id"]: {"label": span["proposed"][0], "text": None} for span in spans})
            message = {"message": {"role": "assistant", "content": content}, "index": 0, "finish_reason": "stop"}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            answer = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [message]}
            data = json.dumps({**answer, "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def build(url: str, **settings: Any) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("gliner_ner", config={"labels": LABELS})
    client = {"@misc": "spacy-tiered-ner.instructor_client.v1", "model": "openai/slow", "base_url": url}
    nlp.add_pipe("llm_escalate", config={"client": client, **settings})
    return nlp


def timed(nlp: Language, texts: list[str]) -> float:
    began = time.perf_counter()
    for _ in nlp.pipe(texts, batch_size=128):
        pass
    return time.perf_counter() - began


def overhead(texts: list[str], rounds: int) -> dict[str, Any]:
    """Rounds of both pipelines in turn, after one that fills the cache."""
    with TemporaryDirectory() as cache, slow_server(0.0) as url:
        nlp = build(url, cache={"@misc": "spacy-tiered-ner.disk_cache.v1", "path": cache})
        pipe: Any = nlp.get_pipe("llm_escalate")
        timed(nlp, texts)
        pipe.reset_usage()
        both, alone = [], []
        for _ in range(rounds):
            both.append(timed(nlp, texts))
            with nlp.select_pipes(disable=["llm_escalate"]):
                alone.append(timed(nlp, texts))
        usage = pipe.usage
    shares = [1 - a / b for a, b in zip(alone, both, strict=True)]
    return {"texts": len(texts), "alone": alone, "both": both, "share": median(shares), "usage": usage}


def throughput(texts: list[str]) -> dict[str, Any]:
    policy = {"@misc": "spacy-tiered-ner.score_band_policy.v1", "low": 0.0, "high": 1.0}
    results = {}
    with slow_server(DELAY) as url:
        for at_once in AT_ONCE:
            nlp = build(url, concurrency=at_once, policy=policy, max_share=1.0)
            pipe: Any = nlp.get_pipe("llm_escalate")
            with nlp.select_pipes(disable=["llm_escalate"]):
                docs = list(nlp.pipe(texts))
            list(pipe.pipe(docs[:1]))  # Instructor is imported and connects
            pipe.reset_usage()
            began = time.perf_counter()
            list(pipe.pipe(docs[1:]))
            seconds = time.perf_counter() - began
            results[at_once] = {"calls": pipe.usage["calls"], "seconds": seconds}
    return results


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, default=HERE / "texts.jsonl", help="JSONL with text")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    texts = [row["text"] for row in read_jsonl(args.texts)]
    # Numbered, so that no two documents are the same question
    found = overhead([f"{text} ({n})" for n in range(8) for text in texts], args.rounds)
    spent, count = found["usage"], found["texts"]
    print(
        f"Overhead with a warm cache: {found['share']:.1%} of the pipeline's time (median of {args.rounds} rounds); "
        f"{count / median(found['alone']):.0f} docs/s without, {count / median(found['both']):.0f} with llm_escalate; "
        f"{spent['asked'] / spent['spans']:.1%} of the spans asked about, {spent['cache_hits']} hits, "
        f"{spent['calls']} calls.\n"
    )
    many = throughput([f"{text} ({n})" for n in range(4) for text in texts])
    rows = []
    for at_once, run in many.items():
        rate = run["calls"] / run["seconds"]
        rows.append([at_once, run["calls"], run["seconds"], rate, rate / (many[1]["calls"] / many[1]["seconds"])])
    header = [f"requests at a time ({DELAY * 1000:.0f} ms each)", "calls", "seconds", "calls/s", "times one by one"]
    print(markdown(header, rows))
    if args.out:
        write_json(args.out, {"overhead": found, "throughput": many})


if __name__ == "__main__":
    main()
