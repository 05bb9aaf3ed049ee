"""Continuing texts: batches change nothing, chance repeats itself, and the answer is the network's own."""

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from retort.errors import ConfigError, ModelError  # noqa: E402
from retort.models.causal import CausalConfig, load_language_model  # noqa: E402
from retort.models.generation import PromptTokens, TextModel, longest_prompt  # noqa: E402
from retort.models.generation_settings import Decoding  # noqa: E402
from retort.models.tokenizer import ForeignTokens  # noqa: E402
from retort.recipes.random_causal import RandomCausalConfig, random_causal  # noqa: E402

CARD = CausalConfig(width=32, inner_width=64, layers=2, heads=4, key_value_heads=2, positions=96)
CHAT = "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}{% endfor %}"
CHAT += "{% if add_generation_prompt %} [me]{% endif %}"
TEXTS = ["CC(=O)Cl.NCc1ccccc1", "C", "Input: CCO\nOutput:", "c1ccc2[nH]ccc2c1>>N"]
GREEDY = Decoding(max_new_tokens=12, device="cpu")
DRAWN = replace(GREEDY, temperature=1.0, top_p=0.9, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_causal(RandomCausalConfig(tmp_path_factory.mktemp("model") / "tiny", CARD))


@pytest.fixture(scope="module")
def tokens(folder: Path) -> PromptTokens:
    return PromptTokens(ForeignTokens.load(folder))


def said(folder: Path, tokens: PromptTokens, decoding: Decoding, size: int) -> list[tuple[tuple[int, ...], float]]:
    model = TextModel(load_language_model(folder, "causal"), tokens.tokens, decoding)
    prompts = [tokens.encode(text) for text in TEXTS]
    found = [
        continuation
        for start in range(0, len(prompts), size)
        for continuation in model.continued(prompts[start : start + size], range(start, len(prompts))[:size])
    ]
    return [(one.tokens, one.score) for one in found]


def test_the_tokenizer_is_lossless(tokens: PromptTokens) -> None:
    for text in [*TEXTS, "ä 63 %", "1. acylation\n2. oxidation"]:
        assert tokens.decode(tokens.encode(text)) == text.strip()


@pytest.mark.parametrize("decoding", [GREEDY, DRAWN], ids=["greedy", "drawn"])
def test_batches_change_no_answer(folder: Path, tokens: PromptTokens, decoding: Decoding) -> None:
    """Prompts of unlike lengths are padded on the left; every row still sees its own text alone."""
    alone = said(folder, tokens, decoding, 1)
    for size in (2, 3, 4):
        together = said(folder, tokens, decoding, size)
        assert [answer for answer, _ in together] == [answer for answer, _ in alone]
        assert [score for _, score in together] == pytest.approx([score for _, score in alone], abs=1e-5)


@pytest.mark.parametrize("decoding", [GREEDY, DRAWN], ids=["greedy", "drawn"])
def test_a_second_run_is_bit_identical(folder: Path, tokens: PromptTokens, decoding: Decoding) -> None:
    assert said(folder, tokens, decoding, 3) == said(folder, tokens, decoding, 3)


def test_a_greedy_answer_is_the_networks_own(folder: Path, tokens: PromptTokens) -> None:
    """Parity with ``generate`` of transformers; the score is the mean log-probability by teacher forcing."""
    network = load_language_model(folder, "causal")
    for text, (answer, score) in zip(TEXTS, said(folder, tokens, GREEDY, 4), strict=True):
        prompt = torch.tensor([tokens.encode(text)])
        own = network.generate(prompt, max_new_tokens=12, do_sample=False, pad_token_id=0)[
            0, prompt.shape[1] :
        ].tolist()
        assert list(answer) == [token for token in own if token != 1]
        with torch.no_grad():
            log_p = network(torch.cat([prompt, torch.tensor([own])], dim=1)).logits.log_softmax(-1)[0]
        expected = log_p[prompt.shape[1] - 1 : -1].gather(1, torch.tensor(own)[:, None]).mean()
        assert score == pytest.approx(float(expected), abs=1e-5)


def test_seeds_draw_differently_and_a_tiny_nucleus_is_greedy(folder: Path, tokens: PromptTokens) -> None:
    answers = {tuple(said(folder, tokens, replace(DRAWN, seed=seed), 4)) for seed in range(3)}
    assert len(answers) == 3
    nucleus = said(folder, tokens, replace(DRAWN, top_p=1e-9), 4)
    assert [answer for answer, _ in nucleus] == [answer for answer, _ in said(folder, tokens, GREEDY, 4)]


def test_a_chat_template_wraps_the_text_as_one_turn(tmp_path: Path) -> None:
    folder = random_causal(RandomCausalConfig(tmp_path / "chat", CARD, chat_template=CHAT))
    tokens = PromptTokens(ForeignTokens.load(folder))
    assert tokens.chat
    assert tokens.decode(tokens.encode("CCO")) == "[user] CCO [me]"


def test_prompts_leave_room_for_the_answer(folder: Path, tmp_path: Path) -> None:
    assert longest_prompt(folder, GREEDY) == 96 - 12
    assert longest_prompt(folder, replace(GREEDY, max_prompt_tokens=20)) == 20
    with pytest.raises(ModelError, match="no place"):
        longest_prompt(folder, replace(GREEDY, max_new_tokens=96))
    with pytest.raises(ModelError, match="how long"):
        longest_prompt(tmp_path, GREEDY)


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.5}, {"batch_size": 0}, {"max_prompt_tokens": -1}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Decoding(**wrong)  # type: ignore[arg-type]


def test_a_vocabulary_of_its_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="bytes"):
        random_causal(RandomCausalConfig(tmp_path / "tiny", replace(CARD, vocabulary_size=300)))
