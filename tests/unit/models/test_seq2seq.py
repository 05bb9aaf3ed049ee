"""The loss of an encoder-decoder, its ties, and its compiled form."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from retort.errors import ConfigError
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.protocol import IGNORED
from retort.models.seq2seq import Seq2SeqModel, shift_right

CARD = Seq2SeqConfig(d_model=16, d_kv=4, d_ff=32, layers=1, decoder_layers=1, heads=4, vocabulary_size=30)


def model() -> Seq2SeqModel:
    torch.manual_seed(0)
    return Seq2SeqModel(BACKBONES.get("t5").build(CARD)).train()


def batch(width: int = 9, seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    source = torch.randint(2, 30, (3, width), generator=random)
    source[0, 5:] = 0
    labels = torch.randint(2, 30, (3, 7), generator=random)
    labels[1, 4:] = IGNORED
    return source, (source != 0).long(), labels


@torch.no_grad()
def test_label_smoothing_spreads_a_share_over_all_tokens() -> None:
    """Szegedy et al. 2016: (1 - e) * -log p(right) + e * mean over the vocabulary of -log p, padding left out."""
    net = model()
    source, mask, labels = batch()
    log_p = functional.log_softmax(net.logits(source, mask, labels), -1)
    kept = labels != IGNORED
    right = -log_p.gather(2, labels.clamp(min=0)[..., None])[..., 0][kept].mean()
    spread = -log_p.mean(-1)[kept].mean()
    for share in (0.0, 0.1, 0.5):
        loss, attention = net(source, mask, labels, label_smoothing=share)
        assert attention is None
        assert float(loss) == pytest.approx(float((1 - share) * right + share * spread), rel=1e-5)


def test_decoder_inputs_are_the_labels_one_place_later() -> None:
    assert shift_right(torch.tensor([[5, 6, 1], [7, 1, IGNORED]])).tolist() == [[0, 5, 6], [0, 7, 1]]


def test_the_gradient_of_the_embeddings_comes_from_both_ends() -> None:
    """Tied weights are one tensor: no separate head is trained."""
    net = model()
    names = [name for name, _ in net.named_parameters()]
    assert [name for name in names if "lm_head" in name or "embed_tokens" in name] == []
    source, mask, labels = batch()
    net(source, mask, labels)[0].backward()
    gradient = net.network.shared.weight.grad
    never_in_the_input = [i for i in range(30) if i not in set(source.flatten().tolist() + labels.flatten().tolist())]
    assert never_in_the_input
    assert gradient[never_in_the_input].abs().sum() > 0  # from the head


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # torch's compiler looks there
def test_compiling_changes_no_result_and_no_name() -> None:
    plain, compiled = model(), model()
    compiled.compile_passes("eager")
    assert list(plain.state_dict()) == list(compiled.state_dict())
    for width, seed in ((9, 1), (13, 2)):
        results = []
        for net in (plain, compiled):
            net.zero_grad()
            loss, _ = net(*batch(width, seed), label_smoothing=0.1)
            loss.backward()
            results.append((float(loss.detach()), [p.grad.clone() for p in net.parameters() if p.grad is not None]))
        assert results[0][0] == pytest.approx(results[1][0], rel=1e-6)
        assert len(results[0][1]) > 10
        torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-5, atol=1e-6)


def test_an_unknown_compiler_is_refused() -> None:
    with pytest.raises(ConfigError, match="torch has no compiler 'inducter'"):
        model().compile_passes("inducter")


def test_a_card_with_untied_parts_does_not_exist() -> None:
    network = BACKBONES.get("t5").build(replace(CARD, layers=2))
    assert network.lm_head.weight is network.shared.weight is network.encoder.embed_tokens.weight
