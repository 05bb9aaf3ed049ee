"""Guided attention: show one cross-attention head where each target token stands in the source.

Most of a reaction's answer is copied from its question, and T5 has no positions in cross-attention, so a fresh network
needs millions of tokens before it finds out where to look. Tokens of runs that source and target share are aligned, and
one head of the middle decoder layer is drawn towards them by cross-entropy (Chen et al. 2016, arXiv:1607.01628; Garg
et al., EMNLP 2019, arXiv:1909.02074). No atom maps are needed: root-aligned spellings share long runs of text.

Legend: ``b`` examples, ``h`` heads, ``s`` source tokens, ``t`` target tokens.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher

import torch
from torch import Tensor

from retort.data.collate import Batch

SHORTEST_RUN = 3  # shorter common runs are as likely chance as copies
MOST_ROWS = 128  # aligning takes about a millisecond a row: the large batches of a GPU would wait for it


def align_batch(batch: Batch) -> Tensor:
    """Return for every target token the source position of the token it copies, -1 where there is none; [b, t].

    Of a larger batch, ``MOST_ROWS`` rows at equal distances are aligned; the others get -1.
    """
    alignment = torch.full(batch.labels.shape, -1, dtype=torch.long)
    rows = range(0, len(alignment), -(-len(alignment) // MOST_ROWS))
    for row in rows:
        for start, position, length in shared_runs(batch.source[row].tolist(), batch.labels[row].tolist()):
            alignment[row, position : position + length] = torch.arange(start, start + length)
    return alignment


def shared_runs(source: Sequence[int], target: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return ``(source start, target start, length)`` of the common runs of two token sequences, in rising order.

    Padding is 0 in a source and -100 in a target, so it never matches.
    """
    blocks = SequenceMatcher(None, source, target, autojunk=False).get_matching_blocks()
    return [(block.a, block.b, block.size) for block in blocks if block.size >= SHORTEST_RUN]


def guidance_loss(attention: Tensor, alignment: Tensor) -> Tensor:
    """Return the mean of ``-log`` of the first head's attention to the aligned source tokens, in nats; scalar.

    Args:
        attention: Cross-attention probabilities of one decoder layer; [b, h, t, s].
        alignment: Source positions, -1 where a token has none; [b, t].
    """
    aligned = alignment >= 0
    chosen = attention[:, 0].float().gather(2, alignment.clamp(min=0).unsqueeze(2)).squeeze(2)
    losses = -torch.log(chosen.clamp(min=1e-9)) * aligned
    return losses.sum() / aligned.sum().clamp(min=1)
