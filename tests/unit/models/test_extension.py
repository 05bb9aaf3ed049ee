"""A larger vocabulary: known tokens keep what they had learnt, new ones start as the mean."""

import pytest
import torch

from retort.errors import ModelError
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.extension import Extension, extend_vocabulary
from retort.models.seq2seq import Seq2SeqModel
from retort.prompting.vocabulary import Vocabulary

OLD = Vocabulary.build(["[Na+].[Cl-]"], min_count=1)
NEW = Vocabulary.build(["[Na+].[Cl-].[Na+].[K+].[C@H].[nH]"] * 2 + ["[Zn+2]"], min_count=1)


def network() -> "torch.nn.Module":
    torch.manual_seed(0)
    card = Seq2SeqConfig(d_model=16, d_kv=4, d_ff=32, layers=1, decoder_layers=1, heads=4, vocabulary_size=len(OLD))
    return BACKBONES.get("t5").build(card)


def test_known_tokens_keep_their_scores() -> None:
    net = network()
    sources = torch.tensor([OLD.encode("<retrosynthesis>[Na+].CCO[Cl-]")])
    labels = torch.tensor([OLD.encode("CC[Cl-]")])
    before = Seq2SeqModel(net).eval().logits(sources, torch.ones_like(sources), labels)
    weight = net.shared.weight.detach().clone()
    found = extend_vocabulary(net, OLD, NEW)
    known = [token for token in NEW.tokens if token in OLD.ids]
    assert found == Extension(copied=len(known), new=len(NEW) - len(known))
    assert {"[K+]", "[nH]", "[Zn+2]"} <= set(NEW.tokens) - set(known)
    assert net.config.vocab_size == len(NEW)
    assert net.lm_head.weight is net.shared.weight is net.encoder.embed_tokens.weight
    sources = torch.tensor([NEW.encode("<retrosynthesis>[Na+].CCO[Cl-]")])
    labels = torch.tensor([NEW.encode("CC[Cl-]")])
    after = Seq2SeqModel(net).eval().logits(sources, torch.ones_like(sources), labels)
    old_ids, new_ids = [OLD.ids[t] for t in known], [NEW.ids[t] for t in known]
    torch.testing.assert_close(after[..., new_ids], before[..., old_ids])
    torch.testing.assert_close(net.shared.weight[NEW.ids["[K+]"]], weight.mean(0))


def test_lost_tokens_are_refused_and_spare_ones_are_not() -> None:
    lost = Vocabulary(tuple(token for token in NEW.tokens if token != "[Cl-]"))
    with pytest.raises(ModelError, match=r"1 tokens of the start model, among them \[Cl-\]"):
        extend_vocabulary(network(), OLD, lost)
    fewer = Vocabulary(tuple(token for token in OLD.tokens if token != "<reserved_31>"))
    assert extend_vocabulary(network(), OLD, fewer) == Extension(copied=len(OLD) - 1, new=0)
