"""Candidates from a sequence-to-sequence model, with test-time augmentation.

A question is asked in several spellings whose roots come from the query alone. An answer's probability is the mean over
these of the summed probabilities of the hypotheses that spell it: what is known of the marginal over spellings. It
orders answers better than votes by rank (docs/decisions/0010-long-training.md). Likewise a question may be asked under
several reaction types, each way with its probability, and then the mean is weighted by these:
``p(y | x) = sum over types of p(type | x) p(y | x, type)``.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from retort.chem.smiles import rooted_spellings
from retort.errors import ChemistryError
from retort.inference.conversion import compact
from retort.inference.proposer import Proposals, TypeRead, proposal_of
from retort.inference.questions import split_roles
from retort.models.protocol import EOS_ID, Hypothesis, Seq2Seq, Words
from retort.prompting.answers import read_answer
from retort.prompting.task import TASKS, Question, Unreadable
from retort.prompting.vocabulary import is_text


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a language model is asked.

    Attributes:
        augmentations: Spellings per question; 1 asks the canonical spelling only.
        beam_size: Beams per spelling; more where all spellings together could not give the candidates asked for.
        max_source_tokens: A longer prompt is not asked and counts as unreadable.
        max_target_tokens: A longer answer is cut off by the model and counts as unreadable.
        max_text_tokens: In the place of either limit where question or answer is a text, whose tokens are bytes.
    """

    augmentations: int = 1
    beam_size: int = 10
    max_source_tokens: int = 512
    max_target_tokens: int = 256
    max_text_tokens: int = 1024

    def longest_source(self, question: Question) -> int:
        """Return how many tokens of a question are read."""
        return self.max_text_tokens if is_text(question.given) else self.max_source_tokens

    def longest_target(self, question: Question) -> int:
        """Return how many tokens of an answer to a question are written."""
        return self.max_text_tokens if TASKS.get(question.task).free_text else self.max_target_tokens


@dataclass(frozen=True, slots=True)
class Way:
    """One way of asking a question.

    Attributes:
        question: What is asked.
        weight: Of its answers among those of all ways, 0..1: the probability of what it states beyond the query.
        type_read: The type it states, which its answers carry.
    """

    question: Question
    weight: float = 1.0
    type_read: TypeRead | None = None


@dataclass(frozen=True, slots=True)
class Ballot:
    """The answers to one spelling of one way of asking, with the hypotheses that spell them.

    Attributes:
        answers: An answer may stand there repeatedly.
        weight: Of the ballot, above 0.
        type_read: What its answers carry.
    """

    answers: Sequence[tuple[str, Hypothesis]]
    weight: float = 1.0
    type_read: TypeRead | None = None


class LanguageModel:
    """Proposes what a sequence-to-sequence model decodes by beam search.

    Args:
        model: What decodes and scores.
        vocabulary: Its tokens.
        decoding: How it is asked.
        name: What its candidates call their proposer.
        prompt: How questions are written.
    """

    def __init__(
        self,
        model: Seq2Seq,
        vocabulary: Words,
        decoding: Decoding,
        name: str = "language_model",
        prompt: Callable[[Question], str] = compact,
    ) -> None:
        self.name = name
        self._prompt = prompt
        self._model = model
        self._vocabulary = vocabulary
        self._decoding = decoding

    def propose(self, questions: Sequence[Question], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates per question; equal questions are asked once."""
        return self.propose_mixed([(Way(question),) for question in questions], top_k)

    def propose_mixed(self, rows: Sequence[Sequence[Way]], top_k: int) -> list[Proposals]:
        """Return up to ``top_k`` candidates per row, whose question is asked in one or several ways.

        Every spelling of every way is decoded with the same number of beams; equal questions are asked once. A
        candidate carries the type of the way that gives it most.
        """
        asked: dict[Question, list[tuple[int, ...]]] = {}
        too_long: dict[Question, str] = {}
        for question in dict.fromkeys(way.question for ways in rows for way in ways):
            try:
                asked[question] = self.sources(question)
            except ChemistryError as error:
                too_long[question] = error.message
        longest = max(map(self._decoding.longest_target, asked), default=0)
        found = self._generate({source for sources in asked.values() for source in sources}, top_k, longest)
        answers = {row: self._answers(row, asked, too_long, found, top_k) for row in dict.fromkeys(map(tuple, rows))}
        return [answers[tuple(row)] for row in rows]

    def _answers(
        self,
        ways: Sequence[Way],
        asked: Mapping[Question, Sequence[tuple[int, ...]]],
        too_long: Mapping[Question, str],
        found: Mapping[tuple[int, ...], Sequence[Hypothesis]],
        top_k: int,
    ) -> Proposals:
        unreadable = Counter(too_long[way.question] for way in ways if way.question in too_long)
        ballots = [
            Ballot(self._read(way.question, found[source], unreadable), way.weight / len(sources), way.type_read)
            for way in ways
            for sources in (asked.get(way.question, ()),)
            for source in sources
        ]
        ranked = rank_by_probability(ballots)[:top_k]
        kind_of_answer = TASKS.get(ways[0].question.task).answer_kind
        candidates = tuple(
            replace(proposal_of(kind_of_answer, answer, score, self.name), reaction_type=kind)
            for answer, score, kind in ranked
        )
        return Proposals(candidates, dict(unreadable))

    def score(self, pairs: Sequence[tuple[Question, str]]) -> list[tuple[float, int]]:
        """Return ``log p(answer | question)`` of every pair, summed over tokens, and the number of these tokens.

        Args:
            pairs: Question and answer, spelled as the model shall read them; ``</s>`` counts as a token.

        Returns:
            One ``(log-probability, tokens)`` per pair; nan where the question or the answer is longer than the
            model reads.
        """
        sources = [self._vocabulary.encode(self._prompt(question)) for question, _ in pairs]
        targets = [[i for i in self._vocabulary.encode(answer) if i != EOS_ID] for _, answer in pairs]
        limits = [(self._decoding.longest_source(q), self._decoding.longest_target(q)) for q, _ in pairs]
        fit = [i for i, (given, told) in enumerate(limits) if len(sources[i]) <= given and len(targets[i]) < told]
        scores = self._model.score([sources[i] for i in fit], [targets[i] for i in fit]) if fit else []
        found = dict(zip(fit, scores, strict=True))
        return [(found.get(i, math.nan), len(target) + 1) for i, target in enumerate(targets)]

    def sources(self, question: Question) -> list[tuple[int, ...]]:
        """Return the distinct encoded spellings of a question, canonical first.

        Raises:
            ChemistryError: The canonical spelling is longer than the model reads.
        """
        limit = self._decoding.longest_source(question)
        prompts = [
            self._prompt(replace(question, given=given))
            for given in spellings(question.given, self._decoding.augmentations)
        ]
        encoded = [tuple(self._vocabulary.encode(prompt)) for prompt in prompts]
        if len(encoded[0]) > limit:
            raise ChemistryError(f"the query has {len(encoded[0])} tokens and the language model reads {limit}")
        return [source for source in encoded if len(source) <= limit]

    def _generate(
        self, sources: Iterable[tuple[int, ...]], top_k: int, longest: int
    ) -> Mapping[tuple[int, ...], list[Hypothesis]]:
        """Decode sources of like length together, answers up to ``longest`` tokens."""
        ordered = sorted(sources, key=lambda source: (len(source), source))
        beams = max(self._decoding.beam_size, -(-top_k // self._decoding.augmentations))
        found = self._model.generate(ordered, beam_size=beams, num_hypotheses=beams, max_length=longest)
        return dict(zip(ordered, found, strict=True))

    def _read(
        self, question: Question, hypotheses: Sequence[Hypothesis], unreadable: Counter[str]
    ) -> list[tuple[str, Hypothesis]]:
        """Return the readable answers of one spelling with their hypotheses, and count the others."""
        readable: list[tuple[str, Hypothesis]] = []
        for hypothesis in hypotheses:
            answer = self._answer(question, hypothesis)
            if isinstance(answer, Unreadable):
                unreadable[answer.reason.partition(":")[0]] += 1
            else:
                readable.append((answer, hypothesis))
        return readable

    def _answer(self, question: Question, hypothesis: Hypothesis) -> str | Unreadable:
        longest = self._decoding.longest_target(question)
        if len(hypothesis.tokens) >= longest:
            return Unreadable(f"longer than {longest} tokens")
        return read_answer(TASKS.get(question.task), self._vocabulary.decode(hypothesis.tokens))


def spellings(given: str, count: int) -> list[str]:
    """Return up to ``count`` distinct spellings of a query, canonical first: roles side by side, words as they are.

    Args:
        given: Components joined by ``.``; roles separated by ``>``, which may stand twice (``reactants>>product``).
        count: How many are wanted; small molecules have fewer.
    """
    if is_text(given):
        return [given]
    choices = [rooted_spellings(role, count) if role else [""] for role in split_roles(given)]
    variants = (">".join(choice[i % len(choice)] for choice in choices) for i in range(count))
    return list(dict.fromkeys(variants))


def rank_by_probability(ballots: Sequence[Ballot]) -> list[tuple[str, float, TypeRead | None]]:
    """Merge the answers of several ballots, likeliest first.

    Returns:
        Each answer with its score, and the type under which it is likeliest. The score is the logarithm of its
        probability, the weighted mean over the ballots, over the length of its likeliest hypothesis, ``</s>`` included.
        Equal probabilities are ordered by text, so that the order of the ballots does not matter.
    """
    found: dict[str, list[tuple[float, int, TypeRead | None]]] = {}
    for ballot in ballots:
        for answer, hypothesis in ballot.answers:
            length = len(hypothesis.tokens) + 1
            weighted = hypothesis.score * length + math.log(ballot.weight)
            found.setdefault(answer, []).append((weighted, length, ballot.type_read))
    whole = math.log(math.fsum(ballot.weight for ballot in ballots)) if ballots else 0.0
    logs = {answer: _log_sum([log for log, *_ in ways]) - whole for answer, ways in found.items()}
    order = sorted(logs, key=lambda answer: (-round(logs[answer], 9), answer))
    best = {answer: max(ways, key=lambda way: way[:2]) for answer, ways in found.items()}
    return [(answer, logs[answer] / best[answer][1], best[answer][2]) for answer in order]


def _log_sum(logs: Sequence[float]) -> float:
    """Return the logarithm of a sum of numbers given by their logarithms, whatever their order."""
    highest = max(logs)
    return highest + math.log(math.fsum(math.exp(log - highest) for log in logs))
