"""What syntheseus searches with: our retrosynthesis as its model of single steps, our stock as its inventory.

Molecules are asked in the batches that the search makes, and none twice. A proposal whose reactants lack heavy atoms of
the product, or contain the product itself, is no step: it is refused and counted.
"""

from collections import Counter
from collections.abc import Sequence

from syntheseus.interface.bag import Bag
from syntheseus.interface.models import BackwardReactionModel
from syntheseus.interface.molecule import Molecule
from syntheseus.interface.reaction import ReactionMetaData, SingleProductReaction
from syntheseus.search.mol_inventory import BaseMolInventory

from retort.chem.balance import missing_atoms
from retort.inference.planning.ordered import OrderedReaction
from retort.inference.planning.routes import cost_of, probability_of
from retort.inference.prediction import Candidate, Prediction
from retort.inference.predictor import Predictor
from retort.inference.stock import Stock

LACKS, RETURNS, UNREAD = "reactants lack atoms of the product", "product among the reactants", "query refused"


class Retrosynthesis(BackwardReactionModel):
    """Our retrosynthesis for syntheseus; ``num_calls()`` counts the molecules that were asked.

    Args:
        predictor: The model.
        top_k: Proposals per molecule.
        use_cache: Ask no molecule twice.
    """

    def __init__(self, predictor: Predictor, top_k: int, *, use_cache: bool = True) -> None:
        super().__init__(use_cache=use_cache, default_num_results=top_k)
        self._predictor = predictor
        self._candidates: dict[SingleProductReaction, Candidate] = {}
        self.batches = 0
        self.refused: Counter[str] = Counter()

    @property
    def asked(self) -> int:
        """Number of times that the search wanted a molecule's proposals, answered from the cache or not."""
        return self.num_calls(count_cache=True)

    def candidate(self, reaction: SingleProductReaction) -> Candidate:
        """Return the answer that a reaction comes from."""
        return self._candidates[reaction]

    def _get_reactions(self, inputs: list[Molecule], num_results: int) -> list[Sequence[SingleProductReaction]]:
        self.batches += 1
        answers = self._predictor.predict("retrosynthesis", [molecule.smiles for molecule in inputs], num_results)
        return [self._reactions(*pair) for pair in zip(inputs, answers, strict=True)]

    def _reactions(self, product: Molecule, answer: Prediction) -> list[SingleProductReaction]:
        self.refused[UNREAD] += answer.status == "invalid_input"
        found = []
        for candidate in answer.candidates:
            if why := _refusal(candidate.smiles, product.smiles):
                self.refused[why] += 1
                continue
            reaction = _reaction(product, candidate)
            self._candidates.setdefault(reaction, candidate)
            found.append(reaction)
        return found


class Inventory(BaseMolInventory):
    """Our stock for syntheseus.

    Args:
        stock: The stock.
        but: Canonical SMILES of a molecule that is to be made even where it is in stock; empty for none.
    """

    def __init__(self, stock: Stock, but: str = "") -> None:
        self._stock, self._but = stock, but
        self._known: dict[str, bool] = {}

    def is_purchasable(self, mol: Molecule) -> bool:
        """Tell whether a search may stop at a molecule."""
        if mol.smiles not in self._known:
            self._known[mol.smiles] = mol.smiles != self._but and mol.smiles in self._stock
        return self._known[mol.smiles]


def as_molecule(canonical: str) -> Molecule:
    """Return a molecule of syntheseus that keeps our spelling."""
    return Molecule(canonical, canonicalize=False, make_rdkit_mol=False)


def _reaction(product: Molecule, candidate: Candidate) -> SingleProductReaction:
    return OrderedReaction(
        reactants=Bag(as_molecule(smiles) for smiles in candidate.smiles.split(".")),
        product=product,
        metadata=ReactionMetaData(
            probability=probability_of(candidate), cost=cost_of(candidate), source=candidate.proposer
        ),
    )


def _refusal(reactants: str, product: str) -> str:
    """Return why a proposal is no step; empty where it is one."""
    if product in reactants.split("."):
        return RETURNS
    return LACKS if missing_atoms(reactants, product) else ""
