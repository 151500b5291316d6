"""The window planner: covers a document of any length with windows that fit the encoder."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Window:
    """Words start..end (exclusive) are read together; candidates that start in own_start..own_end belong to it."""

    start: int
    end: int
    own_start: int
    own_end: int


def plan_windows(
    lengths: np.ndarray, sentence_starts: np.ndarray, window: int, stride: int, budget: int
) -> list[Window]:
    """Cover all words with windows of at most `window` words and `budget` subwords.

    A window ends at the last sentence end in its second half, and the next one begins there. Where there is none,
    the next one begins `window - stride` words earlier (fewer, in proportion, where the subwords cut the window
    short), and the middle of the overlap divides the ownership, so that no candidate is reported twice and none of up
    to half the overlap is cut.

    lengths (ndarray): Subwords of each word, int (n,), none above `budget`.
    sentence_starts (ndarray): Indices of words that begin a sentence, ascending; empty where sentences are unknown.
    RETURNS (List[Window]): In order; every word is owned by exactly one window.
    """
    count = len(lengths)
    ends = np.concatenate(([0], np.cumsum(lengths)))
    spans: list[tuple[int, int]] = []
    start = 0
    while start < count:
        fitting = int(np.searchsorted(ends, ends[start] + budget, side="right")) - 1
        end = max(start + 1, min(start + window, fitting, count))
        if end == count:
            spans.append((start, end))
            break
        low, high = np.searchsorted(sentence_starts, (start + (end - start) // 2 + 1, end + 1))
        if high > low:
            end = int(sentence_starts[high - 1])
            spans.append((start, end))
            start = end
        else:
            spans.append((start, end))
            start = end - (window - stride) * (end - start) // window
    borders = [0] + [(earlier[1] + later[0]) // 2 for earlier, later in pairwise(spans)] + [count]
    return [Window(*span, borders[i], borders[i + 1]) for i, span in enumerate(spans)]
