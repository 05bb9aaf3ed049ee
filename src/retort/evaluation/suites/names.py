"""Names and structures: systematic, common and patent names to SMILES, and SMILES to systematic names.

Molecules are held out by a hash of the stereo-free molecule, alike in all sources, so that none that is asked about
stands in the train rows under another name. The formula is no part: from a structure it is counted, and what becomes of
name -> formula is ``formula_match`` of the answers.
"""

from retort.evaluation.suite import Part, Suite

_SHOWN = (
    *("exact_match@1", "exact_match@3", "exact_match@5", "exact_match@10"),
    *("exact_match_stereo_free@1", "formula_match@1", "similarity@1", "validity@1"),
)
_ALL = ("chebi20", "names_calebbell", "names_ord")

SUITE = Suite(
    "names",
    "names to SMILES by kind of name (systematic, common, patents), SMILES to systematic names",
    (
        Part(
            "Systematic names",
            "name_conversion",
            "names_pubchem",
            _SHOWN,
            beside=_ALL,
            kind="iupac",
            baselines=("popularity", "nearest_text"),
            note="Most structures of PubChem324k lack the stereochemistry that their names state.",
        ),
        Part(
            "Common names",
            "name_conversion",
            "names_pubchem",
            _SHOWN,
            beside=_ALL,
            kind="trivial",
            baselines=("popularity", "nearest_text"),
            note="No source marks trade names, so they have no part of their own.",
        ),
        Part(
            "Patent names",
            "name_conversion",
            "names_pubchem",
            _SHOWN,
            beside=_ALL,
            kind="patent",
            baselines=("popularity", "nearest_text"),
            note="Systematic, common and trade names as patents write them; a text miner resolved them, some wrongly.",
        ),
        Part(
            "Names of molecules",
            "molecule_naming",
            "names_pubchem",
            ("accuracy", "accuracy@3", "accuracy@5", "accuracy@10", "bleu_2", "rouge_l"),
            beside=("chebi20", "names_calebbell"),
            kind="iupac",
            baselines=("popularity", "nearest_molecule"),
            note="Right is the name that the data have, letter by letter; other right names count as wrong.",
        ),
    ),
)
