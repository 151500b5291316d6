"""Files that are there in full or not at all."""

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a file, with its directories; what fails on the way leaves an older one as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
