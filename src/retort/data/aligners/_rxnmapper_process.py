"""The other end of the aligner ``rxnmapper``: runs in an interpreter that has the package rxnmapper, without retort.

One JSON object a line. First ``{"ready": VERSION}`` or ``{"error": REASON}``; then each line of input
``{"reactions": [TEXT, ...]}`` is answered by ``{"mapped": [TEXT or null, ...]}``. Nothing is needed but rxnmapper.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO


def main() -> None:
    """Answer lines until the input ends; whatever libraries print goes to standard error.

    The folder of this file leaves the search path: it holds another module of the package's name.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    here = Path(__file__).resolve().parent
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != here]
    try:
        package = importlib.import_module("rxnmapper")
        mapper = package.RXNMapper()
    except Exception as error:
        _answer(answers, {"error": f"{type(error).__name__}: {error}"})
        raise
    _answer(answers, {"ready": str(getattr(package, "__version__", "unknown"))})
    for line in sys.stdin:
        _answer(answers, {"mapped": map_all(mapper, json.loads(line)["reactions"])})


def map_all(mapper: Any, reactions: list[str]) -> list[str | None]:
    """Map a batch; where the batch fails as a whole, every reaction alone, and None for those that fail."""
    try:
        return [str(found["mapped_rxn"]) for found in mapper.get_attention_guided_atom_maps(reactions)]
    except Exception:  # the package raises many kinds: unreadable, too long, without reactants
        return [None] if len(reactions) == 1 else [map_all(mapper, [reaction])[0] for reaction in reactions]


def _answer(stream: TextIO, message: dict[str, Any]) -> None:
    stream.write(json.dumps(message) + "\n")
    stream.flush()


if __name__ == "__main__":
    main()
