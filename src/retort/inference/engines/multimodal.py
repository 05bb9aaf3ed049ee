"""Run the folder of a training stage: a language model that reads molecules as graphs, by torch.

It answers the same prompts as every other engine. A prompt's text is taken back to a question, its molecules are shown
as the stage was trained to see them (graph, spelling or both), and beam search continues the dialogue. Scores are those
of the protocol: answers are read back by the model, their end included, and ordered by what that gives.

Legend: a *place* is what a token takes in a sequence: a word of the vocabulary, or one token of a molecule.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retort.chem.graphs import molecular_graph
from retort.errors import ChemistryError, MissingExtraError
from retort.inference.stage_folder import limit_of, mode_of
from retort.models.protocol import Hypothesis
from retort.prompting.dialogue import Dialogue, EncodedRow, Turn, encode_question
from retort.prompting.molecules import mentioned
from retort.prompting.task import Question
from retort.prompting.vocabulary import TEXT_OPEN, Vocabulary

if TYPE_CHECKING:
    from retort.models.multimodal_batch import Collator

_BATCH = 8
_WHOLE = 1_000_000  # no row is cut here: what is too long was refused before
_MARKS = re.compile(rf"(?:(?!{TEXT_OPEN})<[a-z]\w*>)*")


class MultimodalEngine:
    """A multimodal model as :class:`retort.models.protocol.Seq2Seq`, in float32.

    Args:
        folder: Folder of a stage.
        vocabulary: Ids and tokens of the model.
        longest_answer: Tokens of an answer at most, for which room is kept among the network's positions.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        ModelError: The folder is no multimodal model, or does not say what it was shown.
    """

    def __init__(self, folder: Path, vocabulary: Vocabulary, longest_answer: int = 256) -> None:
        try:
            from transformers.utils.logging import disable_progress_bar

            from retort.models.device import pick_device
            from retort.models.multimodal_checkpoint import load_multimodal

            disable_progress_bar()  # standard error is for our own words
            stored = load_multimodal(folder)
        except ImportError as error:
            raise MissingExtraError("running a model that reads graphs", "train") from error
        self.model = stored.model.to(pick_device())
        self._tokens, self._template = stored.tokens, stored.template
        self._vocabulary = vocabulary
        self._mode, self._limit = mode_of(stored.card, str(folder)), limit_of(stored.card, str(folder))
        positions = getattr(self.model.network.config, "max_position_embeddings", None)
        if positions is not None:
            self._limit = min(self._limit, positions - longest_answer)

    def prompt(self, question: Question) -> str:
        """Return the prompt of a question that the model can read.

        Raises:
            ChemistryError: A molecule has no graph, or the question takes more places than the model was trained on.
        """
        row = self._row(question.prompt)
        places = len(row.ids) - len(row.molecules)
        places += sum(self.model.reader.config.tokens(len(molecular_graph(smiles))) for smiles in row.molecules)
        if places > self._limit:
            raise ChemistryError(f"the query takes {places} places and the language model reads {self._limit}")
        return question.prompt

    def generate(
        self, sources: Sequence[Sequence[int]], *, beam_size: int, num_hypotheses: int, max_length: int
    ) -> list[list[Hypothesis]]:
        """Return the best hypotheses of every source, best first (see :class:`retort.models.protocol.Seq2Seq`)."""
        found: list[list[Hypothesis]] = []
        for start in range(0, len(sources), _BATCH):
            rows = [self._row(self._vocabulary.decode(source)) for source in sources[start : start + _BATCH]]
            batch = self._collator(rows).question(rows).to(self.model.network.device)
            said = self.model.generate(batch, max_length=max_length, beam_size=beam_size, answers=beam_size)
            for i, row in enumerate(rows):
                own = dict.fromkeys(tuple(answer) for answer in said[i * beam_size : (i + 1) * beam_size])
                found.append(self._ranked(row, list(own))[:num_hypotheses])
        return found

    def score(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[float]:
        """Return ``log p(target + </s> | source)`` of every pair, natural logarithm, summed over tokens."""
        rows = [self._row(self._vocabulary.decode(source)) for source in sources]
        return self._log_likelihoods([self._answered(row, target) for row, target in zip(rows, targets, strict=True)])

    def _ranked(self, row: EncodedRow, answers: Sequence[tuple[int, ...]]) -> list[Hypothesis]:
        """Return answers to a question by falling length-normalised log-probability."""
        totals = self._log_likelihoods([self._answered(row, answer) for answer in answers])
        scored = [Hypothesis(a, total / (len(a) + 1)) for a, total in zip(answers, totals, strict=True)]
        return sorted(scored, key=lambda hypothesis: -hypothesis.score)

    def _log_likelihoods(self, rows: Sequence[EncodedRow]) -> list[float]:
        from retort.training.stages import collated

        found: list[float] = []
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            found += self.model.log_likelihoods(
                collated(self.model, self._collator(part, answered=True), part)
            ).tolist()
        return found

    def _row(self, text: str) -> EncodedRow:
        """Return the encoded question of a prompt."""
        marks = _MARKS.match(text)
        head = marks.group() if marks else ""
        given = text.removeprefix(head)
        shown, molecules = (given, ()) if given.startswith(TEXT_OPEN) else mentioned(given, self._mode)
        dialogue = Dialogue((Turn("user", head + shown),), molecules, "query")
        return encode_question(dialogue, self._template, self._tokens)

    def _answered(self, row: EncodedRow, answer: Sequence[int]) -> EncodedRow:
        said = (*answer, self._vocabulary.eos_id)
        return row + EncodedRow(said, (True,) * len(said))

    def _collator(self, rows: Sequence[EncodedRow], *, answered: bool = False) -> "Collator":
        """Return what makes batches of rows, none of which it cuts; questions are padded on the left."""
        from retort.models.multimodal_batch import Collator

        graphs = {smiles: molecular_graph(smiles) for row in rows for smiles in row.molecules}
        count: Callable[[int], int] = self.model.reader.config.tokens
        return Collator(graphs, count, self._vocabulary.pad_id, _WHOLE, "right" if answered else "left")
