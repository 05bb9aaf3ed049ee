"""The lean pass of T5 computes what Hugging Face's modules compute."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.seq2seq import Seq2SeqModel, shift_right
from retort.models.t5_pass import T5Pass, fits

CARD = Seq2SeqConfig(d_model=32, d_kv=8, d_ff=48, layers=3, decoder_layers=2, heads=4, vocabulary_size=60)


def model(card: Seq2SeqConfig = CARD) -> Seq2SeqModel:
    """Build a network as far from its start as a trained one, position biases included."""
    torch.manual_seed(0)
    network = BACKBONES.get("t5").build(card)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return Seq2SeqModel(network).train()


def batch(rows: int, source_width: int, target_width: int) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(rows)
    source = torch.randint(2, 60, (rows, source_width), generator=random)
    source[0, 5:] = 0
    labels = torch.randint(2, 60, (rows, target_width), generator=random)
    labels[1, 4:] = -100
    return source, (source != 0).long(), labels


def gradients(net: Seq2SeqModel) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("sizes", [(3, 9, 7), (2, 40, 70), (5, 300, 12)])
def test_loss_and_gradients_are_those_of_hugging_face(sizes: tuple[int, int, int], smoothing: float) -> None:
    net = model()
    expected, _ = net(*batch(*sizes), label_smoothing=smoothing)
    expected.backward()
    reference = gradients(net)
    assert len(reference) == len(list(net.parameters()))
    net.zero_grad()
    source, mask, labels = batch(*sizes)
    loss = T5Pass(net.network).loss(source, mask, shift_right(labels), labels, smoothing)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-6)
    for name, gradient in gradients(net).items():
        assert float((gradient - reference[name]).norm() / reference[name].norm()) < 2e-5, name


def test_padding_changes_nothing() -> None:
    net = model()
    source, mask, labels = batch(3, 9, 7)
    wide = torch.nn.functional.pad(source, (0, 6)), torch.nn.functional.pad(mask, (0, 6))
    long = torch.nn.functional.pad(labels, (0, 5), value=-100)
    a = T5Pass(net.network).loss(source, mask, shift_right(labels), labels)
    b = T5Pass(net.network).loss(*wide, shift_right(long), long)
    assert float(a.detach()) == pytest.approx(float(b.detach()), rel=1e-6)


def test_dropout_acts_in_training_alone() -> None:
    net = model(replace(CARD, dropout=0.3))
    source, mask, labels = batch(3, 9, 7)

    def losses() -> set[float]:
        return {float(T5Pass(net.network).loss(source, mask, shift_right(labels), labels).detach()) for _ in range(3)}

    assert len(losses()) == 3
    net.eval()
    (loss,) = losses()
    assert loss == pytest.approx(float(net(source, mask, labels)[0].detach()), rel=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # torch's compiler looks there
def test_one_compiled_function_serves_all_layers_and_lengths() -> None:
    torch.compiler.reset()
    net, graphs = model(), []

    def counting(graph: torch.fx.GraphModule, _: object) -> object:
        graphs.append(graph)
        return graph.forward

    compiled = T5Pass(net.network, counting)
    for sizes in ((3, 9, 7), (4, 16, 24), (5, 40, 16)):
        source, mask, labels = batch(*sizes)
        loss = compiled.loss(source, mask, shift_right(labels), labels)
        assert float(loss.detach()) == pytest.approx(float(net(source, mask, labels)[0].detach()), rel=1e-5)
    assert len(graphs) == 3  # the encoder layer, the decoder layer, the loss


def test_other_networks_are_left_to_hugging_face() -> None:
    assert fits(model().network)
    assert not fits(model(replace(CARD, feed_forward="relu")).network)
