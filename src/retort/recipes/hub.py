"""What a Hugging Face folder needs beside its weights: a tokenizer that is ours, token by token, and a card."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from retort import __version__
from retort.prompting.task import TASKS
from retort.prompting.vocabulary import BYTES, EOS, PAD, SPECIAL, UNKNOWN, Vocabulary

_PIECES = r"<0x[0-9A-F]{2}>|\[[^\[\]]+\]|Br|Cl|%\([0-9]+\)|%[0-9]{2}|->|<-|."  # as retort.chem.tokens splits SMILES
_OPEN, _CLOSE = "\ue000", "\ue001"  # stand for the brackets of atoms that are tokens while the others are spelled
_SPELLED = 0xE100  # plus a character: this character, to be spelled as a byte
_PRINTABLE = [chr(code) for code in range(33, 127) if chr(code) not in "[]"]


def write_tokenizer(vocabulary: Vocabulary, folder: Path) -> None:
    """Write the files from which ``transformers.AutoTokenizer`` loads this vocabulary, ids unchanged.

    SMILES are split as :mod:`retort.chem.tokens` splits them, special tokens stand for themselves, and a bracket atom
    that is no token is spelled in bytes. The bytes between ``<text>`` and ``</text>`` need :class:`Vocabulary`.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    def replaced(pattern: str, text: str) -> normalizers.Replace:
        return normalizers.Replace(Regex(pattern), text)

    tokenizer = Tokenizer(models.WordLevel(vocabulary.ids, unk_token=UNKNOWN))
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIAL])
    tokenizer.normalizer = normalizers.Sequence([replaced(*rule) for rule in _rules(vocabulary)])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECES), behavior="isolated")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {EOS}", special_tokens=[(EOS, vocabulary.eos_id)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": EOS,
        "unk_token": UNKNOWN,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", "utf-8")


def _rules(vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """Yield (pattern, text) in the order in which they turn unknown bracket atoms into the names of bytes.

    The brackets of known atoms are set aside, every character before a bracket that is left and closes is spelled, and
    the brackets are put back.
    """
    known = [re.escape(token[1:-1]) for token in vocabulary.tokens if token.startswith("[") and token.endswith("]")]
    if known:
        yield rf"\[(?=(?:{'|'.join(known)})\])", _OPEN
        yield f"(?<={'|'.join(_OPEN + content for content in known)})\\]", _CLOSE
    for character in _PRINTABLE:
        yield f"{re.escape(character)}(?=[^\\[\\]{_OPEN}{_CLOSE}]*\\])", chr(_SPELLED + ord(character))
    for bracket in "[]":
        yield re.escape(bracket), BYTES[ord(bracket)]
    yield _OPEN, "["
    yield _CLOSE, "]"
    for character in _PRINTABLE:
        yield chr(_SPELLED + ord(character)), BYTES[ord(character)]


def write_page(folder: Path, name: str, tasks: Sequence[str], provenance: Mapping[str, Any]) -> None:
    """Write ``README.md`` with the header that model hubs read.

    Args:
        folder: The Hugging Face folder.
        name: Of the model.
        tasks: Tasks that it answers.
        provenance: Where the weights come from, as ``model.json`` holds it.
    """
    header = [
        "---",
        "library_name: transformers",
        "pipeline_tag: text-generation",
        "license: other",
        "license_name: not-stated",
        "language: [en]",
        "tags: [chemistry, smiles, reaction-prediction, t5, retort, " + ", ".join(_dashed(tasks)) + "]",
        "---",
    ]
    lines = [*header, "", f"# {name}", "", *_use(tasks), "", *_limits(), "", *_origin(provenance)]
    (folder / "README.md").write_text("\n".join([*lines, ""]), "utf-8")


def _dashed(tasks: Sequence[str]) -> list[str]:
    return [task.replace("_", "-") for task in tasks]


def _use(tasks: Sequence[str]) -> Iterator[str]:
    example = TASKS.get(tasks[0]).query_help.partition("e.g. ")[2].partition(" ")[0].rstrip(".,")
    yield f"A T5 encoder-decoder for chemical reactions, written by retort {__version__}. It loads without retort:"
    yield from ("", "```python", "from transformers import AutoModelForSeq2SeqLM, AutoTokenizer", "")
    yield 'folder = "."  # or the name of the repository'
    yield "tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForSeq2SeqLM.from_pretrained(folder)"
    yield f'question = tokenizer("<{tasks[0]}>{example}", return_tensors="pt")'
    yield "answers = model.generate(**question, num_beams=10, num_return_sequences=5, max_new_tokens=256)"
    yield "print(tokenizer.batch_decode(answers, skip_special_tokens=True))"
    yield from ("```", "", "| prompt | question |", "|---|---|")
    yield from (f"| `<{task}>` and the query | {TASKS.get(task).summary} |" for task in tasks)


def _limits() -> Iterator[str]:
    yield "Queries are canonical RDKit SMILES without atom maps, components joined by `.` and roles by `>`. Answers are"
    yield "SMILES as the network writes them: unread, unmerged, without the calibrated confidence that `retort` adds."
    yield "The tokenizer is that of retort, token by token, bracket atoms that are no token in bytes; spans between"
    yield "`<text>` and `</text>` need retort. Say here under which licence the weights are published."


def _origin(provenance: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Where it comes from", "")
    metrics = provenance.get("metrics") or {}
    for task, found in (metrics.get("tasks") or {}).items():
        if found:
            yield (
                f"- Watched validation rows of {task}: {found['rows']:,}, loss {found['loss']:.4f} nats per token, "
                f"{found['token_accuracy']:.1%} of tokens and {found['row_accuracy']:.1%} of rows right when taught."
            )
    position, prepared = provenance.get("position") or {}, provenance.get("prepared") or {}
    if "tokens" in position:
        yield f"- Trained on {position['tokens']:,} tokens in {position['step']:,} steps."
    yield from (f"- {name.replace('_', ' ')}: `{value}`" for name, value in prepared.items())
    yield from (f"- parent weights: `{value}`" for value in provenance.get("parents") or ())
