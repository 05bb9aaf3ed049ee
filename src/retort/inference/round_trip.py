"""The round trip: another model is asked the other way round, and may come back to where the question started.

The oracle is fixed and named: the template rankers of the embedded model, whatever model answers. Each has a network
and templates of its own and answers one direction alone, so it never judges its own weights; no re-ranker looks at
it (docs/decisions/0018-evidence.md). It has learned from the same kind of patents as what it judges: that it agrees
is a second opinion, not a measurement.

- Retrosynthesis, reagents, catalysts, solvents, conditions: the forward ranker is given all precursors of the
  candidate, and agrees at the rank at which it answers the product.
- Forward prediction: the retrosynthesis ranker is given the candidate, and agrees at the first rank whose molecules
  all stand in the query, for it proposes reactants and no reagents.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from retort.chem.reaction import Reaction
from retort.chem.smiles import without_stereo
from retort.inference.loading import load_proposers
from retort.inference.model_folder import DEFAULT_MODEL, ModelFolder
from retort.inference.pooling import POOL, Asked, pools
from retort.inference.prediction import RoundTrip
from retort.inference.proposer import Proposer
from retort.inference.questions import ADDING, canonical_given
from retort.prompting.task import Question

FORWARD, BACKWARD = "forward_templates", "retrosynthesis_templates"
JUDGES = {"retrosynthesis": FORWARD, "forward_prediction": BACKWARD, **dict.fromkeys(ADDING, FORWARD)}
"""Task -> the proposer of the embedded model that judges its candidates."""


@dataclass(frozen=True)
class Oracle:
    """One direction's judge.

    Attributes:
        name: Model, release and proposer.
        proposer: Who is asked.
        backward: It proposes precursors; otherwise products.
    """

    name: str
    proposer: Proposer
    backward: bool

    @classmethod
    def load(cls, judge: str) -> "Oracle":
        """Load a proposer of ``JUDGES`` from the embedded model.

        Raises:
            ModelError: The embedded model is missing or damaged.
        """
        folder = ModelFolder.open(DEFAULT_MODEL)
        name = f"{folder.card.name} {folder.card.release}/{judge}"
        return cls(name, load_proposers(folder, [judge], None)[judge], judge == BACKWARD)

    def judge(self, reactions: Sequence[Reaction]) -> list[RoundTrip | None]:
        """Return the verdict on each reaction; None where the oracle has no answer."""
        questions = [self._question(reaction) for reaction in reactions]
        distinct = list(dict.fromkeys(questions))
        said = pools(distinct, [Asked(self.name, self.proposer)], 1.0, POOL)
        answers = {pool.question: [proposal.smiles for proposal in pool.merged[:POOL]] for pool in said}
        pairs = zip(reactions, questions, strict=True)
        return [self._verdict(reaction, answers[question]) for reaction, question in pairs]

    def _question(self, reaction: Reaction) -> Question:
        asked = reaction.products if self.backward else reaction.precursors
        return Question("retrosynthesis" if self.backward else "forward_prediction", canonical_given(".".join(asked)))

    def _verdict(self, reaction: Reaction, answers: Sequence[str]) -> RoundTrip | None:
        if not answers:
            return None
        goal = canonical_given(".".join(reaction.precursors if self.backward else reaction.products))
        for exact in (True, False):
            for rank, answer in enumerate(answers, start=1):
                if self._agrees(answer, goal) if exact else self._agrees(without_stereo(answer), without_stereo(goal)):
                    return RoundTrip(self.name, rank, len(answers), exact)
        return RoundTrip(self.name, None, len(answers), exact=False)

    def _agrees(self, answer: str, goal: str) -> bool:
        return Counter(answer.split(".")) <= Counter(goal.split(".")) if self.backward else answer == goal
