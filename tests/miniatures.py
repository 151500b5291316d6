"""Seeded random-weight GLiNER models of the architectures that users load, with a tokenizer made on the spot."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

SENTENCES = [
    "Ada Lovelace wrote notes on the Analytical Engine of Charles Babbage in London in 1843.",
    "The quick brown fox of Reykjavík jumped over 12 lazy dogs near the harbour.",
    "On Monday, Siemens AG opened a plant in Nürnberg; 300 people were hired.",
    "Protein kinase C binds calcium in T cells, said Dr. Okafor of the University of Lagos.",
    "Rain.",
]
SEED = 1
ARCHITECTURES = ["deberta-rnn", "deberta-projection", "bert", "bert-last", "modernbert", "bert-token", "deberta-token"]


def train_tokenizer(sentences: Sequence[str] = SENTENCES) -> Any:
    """A small WordPiece tokenizer as transformers loads it. Its vocabulary: all characters and every second word of
    the sentences, in sorted order (the trainers of the tokenizers library break ties differently in each run).
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    split = pre_tokenizers.BertPreTokenizer()
    words = sorted({word for sentence in sentences for word, _ in split.pre_tokenize_str(sentence)})
    letters = sorted({letter for word in words for letter in word})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = dict.fromkeys([*special, *letters, *(f"##{letter}" for letter in letters), *words[::2]])
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = split
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=512,
    )


def encoder_config(kind: str, vocabulary: int) -> dict[str, Any]:
    config = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 512,
        "pad_token_id": 0,
    }
    if kind == "deberta":
        position = {
            "relative_attention": True,
            "position_buckets": 256,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "type_vocab_size": 0,
            "max_relative_positions": -1,
        }
        return {"model_type": "deberta-v2", **config, **position}
    if kind == "modernbert":
        return {"model_type": "modernbert", **config, "local_attention": 16, "global_attn_every_n_layers": 2}
    return {"model_type": "bert", **config}


def build_encoder(path: Path, sentences: Sequence[str] = SENTENCES) -> Path:
    """Write a BERT encoder without a head, and its tokenizer, as AutoModel and AutoTokenizer load them."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(SEED)
    tokenizer = train_tokenizer(sentences)
    tokenizer.save_pretrained(path)
    BertModel(BertConfig(**encoder_config("bert", len(tokenizer)))).save_pretrained(path)
    return path


def build_miniature(architecture: str, path: Path) -> Path:
    """Write a model directory as the gliner library saves it (safetensors)."""
    import torch
    from gliner import GLiNER

    torch.manual_seed(SEED)
    encoder, _, variant = architecture.partition("-")
    tokenizer = train_tokenizer()
    tokenizer.add_tokens(["[FLERT]", "<<ENT>>", "<<SEP>>"], special_tokens=True)
    tokenizer.save_pretrained(path)
    config = {
        "model_name": str(path),
        "model_type": "gliner_uni_encoder_token" if variant == "token" else "gliner_uni_encoder_span",
        "span_mode": "token_level" if variant == "token" else "markerV0",
        "hidden_size": 48 if encoder == "deberta" else 32,
        "max_width": 6,
        "num_rnn_layers": 1 if variant in ("rnn", "projection") else 0,
        "subtoken_pooling": "last" if variant == "last" else "first",
        "vocab_size": len(tokenizer),
        "class_token_index": tokenizer.convert_tokens_to_ids("<<ENT>>"),
        "ent_token": "<<ENT>>",
        "sep_token": "<<SEP>>",
        "dropout": 0.1,
        "max_len": 384,
        "encoder_config": encoder_config(encoder, len(tokenizer)),
    }
    if variant == "rnn":
        config["hidden_size"] = 32
    model = GLiNER.from_config(
        config, load_tokenizer=False, resize_token_embeddings=False, backbone_from_pretrained=False
    )
    with torch.no_grad():
        for parameter in model.model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(2.5)
    model.data_processor.transformer_tokenizer = tokenizer
    model.eval().save_pretrained(path, safe_serialization=True)
    return path
