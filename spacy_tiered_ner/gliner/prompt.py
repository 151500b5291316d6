"""Subword tokenisation of prompts and words, as GLiNER lays them out:

[CLS] <<ENT>> label <<ENT>> label <<SEP>> word word word [SEP]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from tokenizers import Tokenizer

from ..errors import Errors
from .labels import LabelSet

CHUNK = 4096
KNOWN_WORDS = 100_000


@dataclass(frozen=True)
class Prompt:
    """One prompt with at least one label. ids: with the opening special tokens; positions: where label vectors are."""

    ids: np.ndarray
    positions: np.ndarray


@dataclass(frozen=True)
class Subwords:
    """ids: int32 (total,); starts, lengths: int32 (words,). A word of length 0 has no subwords."""

    ids: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray


class PromptTokenizer:
    """Wraps a `tokenizers.Tokenizer`; the marker tokens and layout come from gliner_config.json.

    tokenizer (Tokenizer): Not changed by calls; truncation and padding are switched off.
    config (dict): The content of gliner_config.json.
    limit (int): The longest sequence that the encoder takes, in subwords.
    """

    def __init__(self, tokenizer: Tokenizer, config: dict, limit: int):
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self.limit = limit
        self.ent, self.sep = config.get("ent_token", "<<ENT>>"), config.get("sep_token", "<<SEP>>")
        self.embed_ent = config.get("embed_ent_token", True)
        plain = tokenizer.encode(["a"], is_pretokenized=True, add_special_tokens=False).ids
        framed = tokenizer.encode(["a"], is_pretokenized=True).ids
        at = next(i for i in range(len(framed)) if framed[i : i + len(plain)] == plain)
        self.prefix, self.suffix = framed[:at], framed[at + len(plain) :]
        self.markers = {tokenizer.token_to_id(token) for token in (self.ent, self.sep)} - {None}
        alone, *together = self.encode_words(["ab"]) + self.encode_words(["ab", "ab"])
        self.context_free = together == [alone, alone]
        self.known: dict[str, tuple[int, ...]] = {}
        unknown = tokenizer.token_to_id("[UNK]") or tokenizer.token_to_id("<unk>")
        self.marker_substitute = self.suffix[-1] if unknown is None else unknown

    def words(self, texts: Sequence[str], longest: int) -> tuple[Subwords, int]:
        """Tokenise words. Marker tokens that occur in text lose their meaning.

        longest (int): A word keeps at most this many subwords.
        RETURNS (Tuple[Subwords, int]): The subwords, and how many words were shortened.
        """
        pieces = self.pieces(texts)
        all_lengths = np.fromiter(map(len, pieces), dtype=np.int32, count=len(pieces))
        all_ids = np.fromiter(chain.from_iterable(pieces), dtype=np.int32, count=int(all_lengths.sum()))
        for marker in self.markers:
            all_ids[all_ids == marker] = self.marker_substitute
        shortened = int((all_lengths > longest).sum())
        if shortened:
            word = np.repeat(np.arange(len(texts)), all_lengths)
            rank = np.arange(len(all_ids)) - np.repeat(np.cumsum(all_lengths) - all_lengths, all_lengths)
            all_ids = all_ids[rank < longest]
            all_lengths = np.bincount(word[rank < longest], minlength=len(texts)).astype(np.int32)
        return Subwords(all_ids, np.cumsum(all_lengths, dtype=np.int32) - all_lengths, all_lengths), shortened

    def pieces(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """RETURNS (List[tuple]): The subwords of each word. Those of frequent words are remembered."""
        if not self.context_free:
            return self.encode_words(texts)
        if len(self.known) > KNOWN_WORDS:
            self.known = {}
        known = self.known
        new = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(new), CHUNK):
            chunk = new[start : start + CHUNK]
            known.update(zip(chunk, self.encode_words(chunk), strict=True))
        return [known[text] for text in texts]

    def encode_words(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        encoding = self.tokenizer.encode(texts, is_pretokenized=True, add_special_tokens=False)
        counts = np.bincount(np.array(encoding.word_ids, dtype=np.int64), minlength=len(texts))
        ids, ends = encoding.ids, np.cumsum(counts).tolist()
        return [tuple(ids[start:end]) for start, end in zip([0, *ends], ends, strict=False)]

    def prompts(self, labels: LabelSet) -> list[Prompt]:
        """Lay out all phrasings in order, in as few prompts as leave at least half of the window to the text.

        RAISES (ValueError): T004 where one phrasing alone takes more than that.
        """
        room = self.limit // 2 - len(self.prefix) - 1
        texts = [text for group in labels.prompts for text in group]
        encoded = [self.encode_label(text) for text in texts]
        chunks: list[list[tuple[list[int], int]]] = [[]]
        size = 0
        for text, (ids, position) in zip(texts, encoded, strict=True):
            if len(ids) > room:
                raise ValueError(Errors.T004.format(label=text, count=len(ids), limit=self.limit, room=room))
            if size + len(ids) > room:
                chunks.append([])
                size = 0
            chunks[-1].append((ids, position))
            size += len(ids)
        return [self.join(chunk) for chunk in chunks]

    def encode_label(self, text: str) -> tuple[list[int], int]:
        """RETURNS (Tuple[List[int], int]): Marker and label subwords, and the position of the label's vector."""
        encoding = self.tokenizer.encode([self.ent, text], is_pretokenized=True, add_special_tokens=False)
        markers = sum(1 for word in encoding.word_ids if word == 0)
        ids = [self.marker_substitute if i >= markers and x in self.markers else x for i, x in enumerate(encoding.ids)]
        return ids, 0 if self.embed_ent else min(markers, len(ids) - 1)

    def join(self, labels: list[tuple[list[int], int]]) -> Prompt:
        ids, positions = list(self.prefix), []
        for label_ids, position in labels:
            positions.append(len(ids) + position)
            ids += label_ids
        ids += self.tokenizer.encode([self.sep], is_pretokenized=True, add_special_tokens=False).ids
        return Prompt(np.array(ids, dtype=np.int64), np.array(positions, dtype=np.int64))
