"""Descriptions of molecules, both ways: SMILES to words and words to SMILES, the validation half of ChEBI-20.

Cut by a hash of the stereo-free molecule, as all names and descriptions are.
"""

from retort.evaluation.suite import Anchor, Part, Suite

_HALF = "test rows and 26,407 train rows of ChEBI-20, of which none are here"
_WORDS = "words of language models' tokenizers, METEOR with synonyms"
_MOLT5 = "Edwards et al. 2022"
_CHEMT5 = "Christofidellis et al. 2023"

SUITE = Suite(
    "captions",
    "molecules described in words and descriptions turned into molecules, ChEBI-20",
    (
        Part(
            "ChEBI-20 captions",
            "molecule_captioning",
            "chebi20",
            ("bleu_2", "bleu_4", "meteor_exact", "rouge_1", "rouge_2", "rouge_l", "accuracy"),
            baselines=("popularity", "nearest_molecule"),
            anchors=(
                Anchor(
                    "MolT5-large",
                    {"bleu_2": 0.594, "bleu_4": 0.508, "rouge_1": 0.654, "rouge_2": 0.510, "rouge_l": 0.594},
                    _MOLT5,
                    f"{_HALF}; {_WORDS}",
                    comparable=False,
                    recalled=True,
                ),
                Anchor(
                    "Text+Chem T5, augmented",
                    {"bleu_2": 0.625, "bleu_4": 0.542},
                    _CHEMT5,
                    f"{_HALF}; {_WORDS}",
                    comparable=False,
                    recalled=True,
                ),
            ),
        ),
        Part(
            "ChEBI-20 molecules",
            "text_to_molecule",
            "chebi20",
            (
                *("exact_match@1", "exact_match@3", "exact_match@5", "exact_match@10"),
                *("exact_match_stereo_free@1", "similarity@1", "validity@1"),
            ),
            baselines=("popularity", "nearest_text"),
            anchors=(
                Anchor("MolT5-large", {"exact_match@1": 0.311}, _MOLT5, _HALF, comparable=False, recalled=True),
                Anchor(
                    "Text+Chem T5, augmented", {"exact_match@1": 0.322}, _CHEMT5, _HALF, comparable=False, recalled=True
                ),
            ),
        ),
    ),
)
