"""Turn a T5 network into CTranslate2's format, and measure how far the scores of the copy deviate.

transformers 5 ties the embeddings of every T5 and keeps apart whether decoder outputs are scaled, while CTranslate2's
converter scales whenever they are tied. The scale is therefore set from the network's own configuration here, and a
copy is trusted only after its teacher-forced scores were compared with those of the network.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retort.chem.reaction import Reaction
from retort.errors import MissingExtraError
from retort.models.protocol import EOS_ID, Seq2Seq, Words
from retort.prompting.answers import as_target
from retort.prompting.task import TASKS, Question
from retort.prompting.vocabulary import EOS, PAD, UNKNOWN, as_text

Precision = Literal["float32", "int8"]

# Textbook reactions, reactants>reagents>products, on which scores are compared.
PROBES = (
    "CC(=O)OC(C)=O.Nc1ccc(O)cc1>O>CC(=O)Nc1ccc(O)cc1",
    "CC(=O)OC(C)=O.O=C(O)c1ccccc1O>O=S(=O)(O)O>CC(=O)Oc1ccccc1C(=O)O",
    "OB(O)c1ccccc1.Brc1ccncc1>O=C([O-])[O-].[K+].[K+]>c1ccc(-c2ccncc2)cc1",
    "CC(C)(C)OC(=O)N1CCNCC1.O=C(Cl)c1ccccc1>CCN(CC)CC.ClCCl>CC(C)(C)OC(=O)N1CCN(C(=O)c2ccccc2)CC1",
    "CCOC(=O)C[C@@H](N)C.CS(=O)(=O)Cl>c1ccncc1>CCOC(=O)C[C@H](C)NS(C)(=O)=O",
    "O=Cc1ccccc1.CN>[BH3-]C#N.[Na+]>CNCc1ccccc1",
    "COC(=O)c1ccc(F)cc1>[Li+].[OH-].C1CCOC1>O=C(O)c1ccc(F)cc1",
    "Oc1ccc(Cl)cc1.BrCc1ccccc1>O=C([O-])[O-].[K+].[K+].CN(C)C=O>Clc1ccc(OCc2ccccc2)cc1",
)

_WORDS = "N-(4-hydroxyphenyl)acetamide, paracetamol"  # asked where a question is a text


@dataclass(frozen=True, slots=True)
class Pair:
    """Token ids of a prompt, ended by ``</s>``, and of its answer, not ended."""

    source: tuple[int, ...]
    target: tuple[int, ...]


def compact(question: Question) -> str:
    """Return the prompt of a question in special tokens and SMILES."""
    return question.prompt


def probes(tasks: Sequence[str], vocabulary: Words, prompted: Callable[[Question], str] = compact) -> list[Pair]:
    """Return prompts and answers of the textbook reactions for the given tasks; ``prompted`` writes the prompts."""
    pairs: list[Pair] = []
    for name in tasks:
        task = TASKS.get(name)
        for text in PROBES:
            reaction = Reaction.parse(text)
            given = as_text(_WORDS) if task.query_label else task.given(reaction)
            prompt = prompted(Question(name, given))
            any_answer = next(iter(task.choices.values()), "50.0")  # a label is in no role
            target = vocabulary.encode(as_target(task, task.wanted(reaction) or any_answer))
            kept = [token for token in target if token != EOS_ID]
            pairs.append(Pair(tuple(vocabulary.encode(prompt)), tuple(kept)))
    return pairs


def deviation(reference: Seq2Seq, copy: Seq2Seq, pairs: Sequence[Pair]) -> float:
    """Return the largest difference of length-normalised scores (log-probability per token, natural logarithm)."""
    sources, targets = [pair.source for pair in pairs], [pair.target for pair in pairs]
    expected, found = reference.score(sources, targets), copy.score(sources, targets)
    lengths = [len(target) + 1 for target in targets]
    return max(abs(a - b) / n for a, b, n in zip(expected, found, lengths, strict=True))


def write_ctranslate2(network: Any, vocabulary: Words, folder: Path, precision: Precision) -> None:
    """Write a network to an existing folder: ``model.bin``, ``config.json``, ``shared_vocabulary.json``.

    Args:
        network: A Hugging Face T5 that decodes from padding and has one embedding per token of the vocabulary.
        vocabulary: Its tokens.
        folder: Where to write.
        precision: How weights are stored.

    Raises:
        MissingExtraError: torch or transformers is not installed.
    """
    try:
        import torch
        from ctranslate2.converters.transformers import T5Loader
    except ImportError as error:
        raise MissingExtraError("exporting a model", "train") from error
    loader = T5Loader()
    with torch.no_grad():
        spec = loader.get_model_spec(deepcopy(network))  # quantisation works in place
    spec.decoder.scale_outputs = network.config.d_model**-0.5 if network.config.scale_decoder_outputs else 1.0
    loader.set_vocabulary(spec, list(vocabulary.tokens))
    spec.config.bos_token = spec.config.decoder_start_token = PAD
    spec.config.eos_token, spec.config.unk_token = EOS, UNKNOWN
    spec.validate()
    spec.optimize(quantization=None if precision == "float32" else precision)
    spec.save(str(folder))
