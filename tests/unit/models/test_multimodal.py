"""Language models of five families read molecules: padding, cache, order, text alone, and what reaches the encoder."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from retort.errors import ConfigError, DataError, ModelError
from retort.models.causal import CausalConfig, build_causal, load_language_model
from retort.models.graph_batch import GraphBatch
from retort.models.multimodal import MultimodalModel
from retort.models.multimodal_batch import MultimodalBatch
from retort.models.protocol import IGNORED
from retort.prompting.dialogue import OWN_TEMPLATE, Dialogue, EncodedRow, Turn, encode_question
from retort.prompting.molecules import MOLECULE

from .multimodal_cases import CAUSAL, FAMILIES, ROWS, TOKENS, VOCABULARY, batch, collator, model, row


@pytest.fixture(scope="module", params=FAMILIES)
def net(request: pytest.FixtureRequest) -> MultimodalModel:
    return model(request.param)


@pytest.fixture(scope="module", params=CAUSAL)
def causal(request: pytest.FixtureRequest) -> MultimodalModel:
    return model(request.param)


def logits_of(net: MultimodalModel, rows: list[EncodedRow], side: str = "right") -> list[Tensor]:
    """Return the logits at the tokens of each row, padding left out."""
    made = batch(net, rows, side=side)  # type: ignore[arg-type]
    with torch.no_grad():
        logits = net.logits(made)
    kept = made.mask if logits.shape[1] == made.mask.shape[1] else made.labels != IGNORED
    return [row[mask.bool()] for row, mask in zip(logits, kept, strict=True)]


@pytest.mark.parametrize("granularity", ["atom", "graph", "queries"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_on_rows_with_and_without_molecules(family: str, granularity: str) -> None:
    """Gradients reach every parameter of the reader, and the loss falls."""
    net = model(family, granularity).train()  # type: ignore[arg-type]
    made = batch(net, ROWS, granularity)  # type: ignore[arg-type]
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    losses = []
    for _ in range(6):
        loss = net(made)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    silent = {name for name, p in net.reader.named_parameters() if p.grad is None or not p.grad.any()}
    unused = {name for name in silent if "embedding_list" in name}  # columns or rows that no molecule here has
    assert silent == unused
    assert losses[-1] < losses[0]


def test_each_row_is_read_as_if_it_were_alone(net: MultimodalModel) -> None:
    together = logits_of(net, list(ROWS))
    for one, expected in zip(ROWS, together, strict=True):
        assert torch.allclose(logits_of(net, [one])[0], expected, atol=1e-4)


def test_padding_on_either_side_gives_the_same(net: MultimodalModel) -> None:
    for right, left in zip(logits_of(net, list(ROWS), "right"), logits_of(net, list(ROWS), "left"), strict=True):
        assert torch.allclose(right, left, atol=1e-4)


def test_the_molecule_and_the_order_of_molecules_matter(net: MultimodalModel) -> None:
    plain, other, swapped = (logits_of(net, [row(m)])[0] for m in (["CCO", "CCN"], ["CCO", "CCO"], ["CCN", "CCO"]))
    assert not torch.allclose(plain, other, atol=1e-3)
    assert not torch.allclose(plain, swapped, atol=1e-3)


def test_three_modes_of_one_row_are_three_inputs(net: MultimodalModel) -> None:
    graph, string, both = (row(["CCO", "O"], mode=mode) for mode in ("graph", "string", "both"))
    assert (len(graph.molecules), len(string.molecules), len(both.molecules)) == (2, 0, 2)
    last = [logits_of(net, [one])[0][-1] for one in (graph, string, both)]
    assert not torch.allclose(last[0], last[1], atol=1e-3)
    assert not torch.allclose(last[1], last[2], atol=1e-3)


def test_a_text_without_molecules_is_read_by_the_network_alone(causal: MultimodalModel) -> None:
    made = batch(causal, [ROWS[1]])
    with torch.no_grad():
        alone = causal.network(input_ids=made.ids).logits
        assert torch.allclose(causal.logits(made), alone, atol=1e-5)


def test_text_alone_gives_every_trained_parameter_a_gradient(net: MultimodalModel) -> None:
    """A process whose batch has no molecule takes part in the average of gradients all the same."""
    net.zero_grad()
    net(batch(net, [ROWS[1]])).backward()
    projector = list(net.reader.projector.parameters())
    assert projector
    assert all(p.grad is not None and not p.grad.any() for p in projector)
    net.zero_grad()


def test_the_loss_is_that_of_the_answers_alone(causal: MultimodalModel) -> None:
    made = batch(causal, list(ROWS))
    with torch.no_grad():
        loss, logits = causal(made), causal.logits(made)
        log_p = functional.log_softmax(logits, -1)
        terms = [
            log_p[b, s - 1, made.labels[b, s]]
            for b in range(len(ROWS))
            for s in range(1, made.labels.shape[1])
            if made.labels[b, s] != IGNORED
        ]
    assert len(terms) == sum(sum(one.learned) for one in ROWS)
    assert float(loss) == pytest.approx(-float(torch.stack(terms).mean()), rel=1e-4)
    assert float(causal.log_likelihoods(made).sum()) == pytest.approx(float(torch.stack(terms).sum()), rel=1e-4)


def test_nothing_to_learn_is_no_loss(net: MultimodalModel) -> None:
    made = batch(net, list(ROWS))
    nothing = replace(made, labels=torch.full_like(made.labels, IGNORED))
    assert net(nothing).item() == 0.0


def test_the_cache_changes_nothing(causal: MultimodalModel) -> None:
    """Tokens given one by one after a prefix with molecules have the logits of the whole row at once."""
    made = batch(causal, [ROWS[0]])
    width, answer = made.ids.shape[1], int((made.labels != IGNORED).sum())
    with torch.no_grad():
        whole = causal.logits(made)[0]
        embedded = causal.embed(made)
        start = width - answer
        seen = causal.network(inputs_embeds=embedded[:, :start], use_cache=True)
        steps, cache = [seen.logits[0, -1]], seen.past_key_values
        for place in range(start, width):
            seen = causal.network(input_ids=made.ids[:, place : place + 1], past_key_values=cache, use_cache=True)
            steps.append(seen.logits[0, -1])
            cache = seen.past_key_values
    assert torch.allclose(torch.stack(steps), whole[start - 1 :], atol=1e-4)


def questions(*molecules: list[str]) -> list[EncodedRow]:
    dialogues = [Dialogue((Turn("user", "<forward_prediction>" + MOLECULE * len(m)),), tuple(m)) for m in molecules]
    return [encode_question(dialogue, OWN_TEMPLATE, TOKENS) for dialogue in dialogues]


def greedy(net: MultimodalModel, question: EncodedRow, steps: int) -> list[int]:
    """Decode without a cache: the whole row is read again for every token."""
    answer: list[int] = []
    for _ in range(steps):
        made = batch(net, [question + EncodedRow((*answer, 0), (True,) * (len(answer) + 1))])
        with torch.no_grad():
            logits = net.logits(made)[0]
        place = len(answer) if logits.shape[0] == len(answer) + 1 else -2
        token = int(logits[place].argmax())
        if token == TOKENS.eos_id:
            break
        answer.append(token)
    return answer


def test_generation_is_what_reading_anew_for_every_token_gives(net: MultimodalModel) -> None:
    asked = questions(["CCO", "[Na+]", "c1ccccc1"], [], ["O"])
    found = net.generate(collator(side="left").question(asked), max_length=6)
    assert found == [greedy(net, question, 6) for question in asked]
    assert len({tuple(answer) for answer in found}) > 1


def test_a_wider_beam_finds_answers_at_least_as_likely(net: MultimodalModel) -> None:
    asked = questions(["CCO"], ["c1ccccc1", "O"])
    made = collator(side="left").question(asked)
    answers = net.generate(made, max_length=4, beam_size=4, answers=3)
    assert len(answers) == 6
    best, one = answers[::3], net.generate(made, max_length=4)

    def score(question: EncodedRow, answer: list[int]) -> float:
        ended = EncodedRow((*answer, TOKENS.eos_id)[:4], (True,) * min(4, len(answer) + 1))
        total = float(net.log_likelihoods(batch(net, [question + ended]))[0])
        return total / len(ended.ids)

    for question, wide, narrow in zip(asked, best, one, strict=True):
        assert score(question, wide) >= score(question, narrow) - 1e-4


def test_molecules_that_do_not_fill_their_places_are_an_error(causal: MultimodalModel) -> None:
    made = batch(causal, [ROWS[0]])
    short = MultimodalBatch(made.ids, made.mask, made.labels, GraphBatch.collate([]))
    with pytest.raises(DataError, match="0 molecules have 0 tokens, but there are 10 places"):
        causal.logits(short)


def test_a_card_that_cannot_be_built_is_refused(tmp_path: object) -> None:
    size = len(VOCABULARY)
    with pytest.raises(ConfigError, match="vocabulary_size is 0"):
        build_causal(CausalConfig())
    with pytest.raises(ConfigError, match="'no_such_family'"):
        build_causal(CausalConfig(family="no_such_family", vocabulary_size=size))
    with pytest.raises(ConfigError, match="'vit'"):
        build_causal(CausalConfig(family="vit", vocabulary_size=size))
    with pytest.raises(ConfigError, match="do not divide"):
        CausalConfig(width=250, heads=4)


def test_a_language_model_of_another_kind_is_refused(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    model("llama").network.save_pretrained(folder / "llama")
    with pytest.raises(ModelError, match="seq2seq language model"):
        load_language_model(folder / "llama", "seq2seq")
    with pytest.raises(ModelError, match="causal language model"):
        load_language_model(folder / "absent", "causal")
    assert load_language_model(folder / "llama", "causal").config.model_type == "llama"
