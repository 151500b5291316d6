"""Put a trained model into the package: the INT8 graph to run, and float16 weights to fine-tune from.

python scripts/starter/publish.py training/starter training/starter-int8
"""

import argparse
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).parent.parent.parent
WEIGHTS_FILES = ("tokenizer_config.json", "special_tokens_map.json")
GRAPH_FILES = ("gliner_config.json", "tokenizer.json", "model_int8.onnx")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="directory that train.py wrote")
    parser.add_argument("graph", type=Path, help="directory that `spacy tiered export` wrote")
    args = parser.parse_args()
    starter = ROOT / "spacy_tiered_ner" / "models" / "starter"
    weights = load_file(args.weights / "model.safetensors")
    halved = {name: value.half() if value.dtype == torch.float32 else value for name, value in weights.items()}
    save_file(halved, starter / "model.safetensors", metadata={"format": "pt"})
    for name in WEIGHTS_FILES:
        shutil.copy(args.weights / name, starter / name)
    for name in GRAPH_FILES:
        shutil.copy(args.graph / name, starter / name)


if __name__ == "__main__":
    main()
