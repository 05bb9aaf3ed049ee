"""Foreign T5-type folders, tiny and random, in the format of each kind: exported with a prompt card, they answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retort.errors import ConfigError, ModelError, RetortError, UnknownNameError, UsageError
from retort.inference.foreign_vocabulary import ForeignVocabulary
from retort.inference.predictor import Predictor
from retort.prompting.task import Question

torch = pytest.importorskip("torch", reason="needs the extra [train]")

from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration  # noqa: E402

from retort.inference.engines.ctranslate2 import CTranslate2Engine  # noqa: E402
from retort.recipes.export import export  # noqa: E402

ATOMS = ["C", "c", "N", "n", "O", "o", "Cl", "Br", "F", "S", "B", "=", "#", "(", ")", ".", "1", "2", "3", "[", "]"]
ATOMS += ["+", "-", "@", "H", "K", "Na", "Li", ">", "l", "r", "a", "i", "[O-]", "[Na+]", "[K+]", "[C@@H]", "[N+]"]
WORDS = ["Product:", "Reactants:", "Reagents:"]
QUERY = "CC(=O)Nc1ccc(O)cc1"

# Prompts as the pages of these models describe them.
T5CHEM = """
split = "characters"
vocabulary = "vocab.txt"
[tasks.retrosynthesis]
prompt = "Reactants:{products}"
[tasks.forward_prediction]
prompt = "Product:{precursors}"
"""
REACTION_T5 = """
strip = "."
[tasks.forward_prediction]
prompt = "REACTANT:{reactants}REAGENT:{reagents}"
empty = " "
"""
TEXT_CHEM_T5 = """
[tasks.forward_prediction]
prompt = "Predict the product of the following reaction: {precursors}"
[tasks.retrosynthesis]
prompt = "Predict the reaction that produces the following product: {products}"
"""
MOLT5 = """
[tasks.retrosynthesis]
prompt = "{products}"
"""


def network(size: int, *, untied: bool, pad: int = 0, eos: int = 1) -> Any:
    torch.manual_seed(7)
    card = T5Config(
        vocab_size=size,
        d_model=32,
        d_kv=16,
        d_ff=64,
        num_layers=1,
        num_heads=2,
        feed_forward_proj="gated-gelu" if untied else "relu",
        pad_token_id=pad,
        eos_token_id=eos,
        decoder_start_token_id=pad,
    )
    found: Any = T5ForConditionalGeneration(card)
    with torch.no_grad():
        found.shared.weight[eos].mul_(3.0)
    return found


def save(folder: Path, found: Any, *, untied: bool) -> None:
    found.save_pretrained(folder)
    if untied:  # as T5 1.1 and its kin are stored
        from safetensors.torch import load_file, save_file

        state = load_file(folder / "model.safetensors")
        torch.manual_seed(8)
        state["lm_head.weight"] = torch.randn_like(state["shared.weight"])
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))


def t5chem(folder: Path) -> Path:
    """Split by characters, a list of tokens, padding and end in other places."""
    tokens = ["<s>", "</s>", "<unk>", "<pad>", "<mask>", *dict.fromkeys("".join(ATOMS)), *WORDS]
    save(folder, network(len(tokens) + 5, untied=False, pad=3, eos=1), untied=False)
    (folder / "vocab.txt").write_text("\n".join(tokens))
    (folder / "prompt.toml").write_text(T5CHEM)
    return folder


def with_tokenizer(folder: Path, prompts: str, *, untied: bool) -> Path:
    """Like SentencePiece: a mark for blanks, pieces of SMILES and of words."""
    pieces = ["▁", *ATOMS, "CC", "cc", "REACTANT:", "REAGENT:", "Predict", "the", "product", "of", "following", ":"]
    scores = [(token, 0.0) for token in ("<pad>", "</s>", "<unk>")]
    scores += [(piece, -float(place)) for place, piece in enumerate(dict.fromkeys(pieces), 1)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    folder.mkdir()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", extra_special_tokens=[]
    )
    fast.save_pretrained(folder)
    save(folder, network(len(scores) + 9, untied=untied), untied=untied)
    (folder / "prompt.toml").write_text(prompts)
    return folder


KINDS: dict[str, Callable[[Path], Path]] = {
    "t5chem": t5chem,
    "reaction_t5": lambda folder: with_tokenizer(folder, REACTION_T5, untied=True),
    "text_chem_t5": lambda folder: with_tokenizer(folder, TEXT_CHEM_T5, untied=False),
    "molt5": lambda folder: with_tokenizer(folder, MOLT5, untied=True),
}


@pytest.fixture(params=KINDS)
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return KINDS[request.param](tmp_path / request.param)


def test_each_kind_is_exported_and_answers(foreign: Path) -> None:
    done = export(foreign, output=foreign.with_name("model"))
    assert done.float32 < 1e-4
    predictor = Predictor.load(str(done.folder))
    for task in done.tasks:
        (answer,) = predictor.predict(task, [QUERY], top_k=3)
        assert answer.status in ("ok", "no_answer")
        assert answer.candidates or answer.unreadable
        assert all(candidate.proposer == "language_model" for candidate in answer.candidates)
    assert predictor.reagent_prediction("CC>>CCO").message.startswith("not trained")


def test_scores_are_those_of_the_network_in_its_own_ids(foreign: Path) -> None:
    done = export(foreign, output=foreign.with_name("model"))
    folder = done.folder / "language_model"
    words = ForeignVocabulary.load(folder)
    theirs: Any = T5ForConditionalGeneration.from_pretrained(foreign)
    names = [*_own_tokens(foreign, words)]
    own = {"<pad>": theirs.config.pad_token_id, "</s>": theirs.config.eos_token_id}
    prompt = words.card.prompt(Question(done.tasks[0], QUERY))
    source, answers = words.encode(prompt), [words.encode(text)[:-1] for text in ("CCO", "CC(=O)Cl.Nc1ccc(O)cc1", "")]
    engine = CTranslate2Engine(folder, words, compute_type="float32", threads=1)
    found = engine.score([source] * len(answers), answers)
    for answer, score in zip(answers, found, strict=True):
        ids = [
            [own.get(words.tokens[i], names.index(words.tokens[i])) for i in side] for side in (source, [*answer, 1])
        ]
        with torch.no_grad():
            loss = theirs(input_ids=torch.tensor([ids[0]]), labels=torch.tensor([ids[1]])).loss
        assert score / len(ids[1]) == pytest.approx(-float(loss), abs=0.1)  # weights in int8


def _own_tokens(foreign: Path, words: ForeignVocabulary) -> list[str]:
    """Return the tokens in the order of the foreign folder."""
    if (foreign / "vocab.txt").is_file():
        listed = (foreign / "vocab.txt").read_text().splitlines()
    else:
        fast = PreTrainedTokenizerFast.from_pretrained(foreign)
        listed = fast.convert_ids_to_tokens(range(len(fast)))
    return [*listed, *(f"<unused_{i}>" for i in range(len(words) - len(listed)))]


def test_prompts_are_written_as_the_cards_say(tmp_path: Path) -> None:
    folder = with_tokenizer(tmp_path / "a", REACTION_T5, untied=False)
    words = ForeignVocabulary.load(export(folder, output=tmp_path / "model").folder / "language_model")
    separated = Question("forward_prediction", "CCO.CC(=O)O>OS(=O)(=O)O")
    assert words.card.prompt(separated) == "REACTANT:CCO.CC(=O)OREAGENT:OS(=O)(=O)O"
    assert words.card.prompt(Question("forward_prediction", "CCO")) == "REACTANT:CCOREAGENT: "
    assert words.card.answer(" C C ( = O ) O . ") == "CC(=O)O"
    assert words.decode(words.encode("CC(=O)OCC")) == "CC(=O)OCC"


def test_characters_and_atoms_keep_words_whole(tmp_path: Path) -> None:
    folder = t5chem(tmp_path / "a")
    words = ForeignVocabulary.load(export(folder, output=tmp_path / "model").folder / "language_model")
    ids = words.encode("Reactants:CCl")
    assert [words.tokens[i] for i in ids] == ["Reactants:", "C", "C", "l", "</s>"]
    by_atom = ForeignVocabulary(
        type(words.card)({"retrosynthesis": words.card.tasks["retrosynthesis"]}, split="atoms", vocabulary="x"),
        ["<pad>", "</s>", "<unk>", *ATOMS, *WORDS],
    )
    found = [by_atom.tokens[i] for i in by_atom.encode("Reactants:CCl.[Pd]")]
    assert found == ["Reactants:", "C", "Cl", ".", "<unk>", "</s>"]


@pytest.mark.parametrize(
    ("prompts", "error", "message"),
    [
        ('[tasks.retrosynthesis]\nprompt = "{product}"', ConfigError, "Did you mean 'products'"),
        ('[tasks.retrosynthesys]\nprompt = "x"', UnknownNameError, "retrosynthesis"),
        ('[tasks.reaction_classification]\nprompt = "x"', ConfigError, "no molecules"),
        ("[tasks]", ConfigError, "names no task"),
        ('split = "atoms"\n[tasks.retrosynthesis]\nprompt = "x"', ConfigError, "do not go together"),
        ('prefix = "x"\n[tasks.retrosynthesis]\nprompt = "x"', ConfigError, "unknown key 'prefix'"),
        ('split = "atoms"\nvocabulary = "no.txt"\n[tasks.retrosynthesis]\nprompt = "x"', RetortError, "no.txt"),
    ],
)
def test_a_wrong_card_is_refused(prompts: str, error: type[Exception], message: str, tmp_path: Path) -> None:
    folder = with_tokenizer(tmp_path / "a", prompts, untied=False)
    with pytest.raises(error, match=message):
        export(folder, output=tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_what_cannot_be_asked_says_what_to_do(tmp_path: Path) -> None:
    folder = with_tokenizer(tmp_path / "a", MOLT5, untied=False)
    with pytest.raises(ModelError, match="retort export"):
        Predictor.load(str(folder))
    with pytest.raises(UsageError, match="Hugging Face folder already"):
        export(folder, "hf", output=tmp_path / "model")
    (folder / "prompt.toml").unlink()
    with pytest.raises(ModelError, match=r"needs a prompt\.toml"):
        Predictor.load(str(folder))
    (folder / "prompt.toml").write_text(MOLT5)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="cannot read a tokenizer"):
        export(folder, output=tmp_path / "model")
