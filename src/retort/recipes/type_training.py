"""How an encoder learns between two rounds: a language model is trained to say the type from the input.

Every round starts from one named checkpoint, never from what an earlier round or cell has learned, so that an encoder
depends on the labels of one round and on nothing else. The target is one type token; the rows are those of the fit
part, and the valid part is watched.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retort.config import as_dict
from retort.data.collate import PreparedFolder
from retort.data.in_memory import write_folder
from retort.elicitation.annotating import Parts
from retort.elicitation.checks import Labels
from retort.elicitation.self_feedback import Encoder
from retort.errors import ModelError
from retort.models import checkpoint
from retort.models.annotator import type_tokens
from retort.models.pooling import Tokens
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.entry import UnfinishedError
from retort.training.config import TrainingConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, eq=False)
class TypeTraining:
    """The update of self-feedback: call it with labels and the number of the round.

    Attributes:
        start: Model folder every training starts from.
        sources: Token ids of the inputs; targets are not known here.
        parts: Which of them are trained on, and which are watched.
        types: Number of types.
        task: Whose inputs they are.
        training: The loop.
        output: Receives one folder per round.
    """

    start: Path
    sources: Sequence[Tokens]
    parts: Parts
    types: int
    task: str
    training: TrainingConfig
    output: Path

    def __call__(self, labels: Labels, number: int) -> "Encoder[PreTrainedModel]":
        """Train on labels [n], or take up what an earlier call has trained.

        Raises:
            DataError: No row fits the limits of the training.
            ModelError: The start is damaged.
            UnfinishedError: A signal ended the training; the same call goes on with it.
        """
        from retort.models.device import pick_device

        folder = self.output / f"learn-{number}"
        start = checkpoint.load(self.start)
        card = self._card(labels)
        if not _is_trained(folder / "final", card):
            self._train(folder, start, labels, card)
        network = checkpoint.load(folder / "final").network
        return Encoder(network.to(pick_device(self.training.device)), folder / "final")

    def _card(self, labels: Labels) -> dict[str, Any]:
        return {
            "config": {"training": as_dict(self.training), "model": {"backbone": self._backbone}},
            "parents": [checkpoint.weights_sha256(self.start)],
            "tokens_before": checkpoint.tokens_total(self.start),
            "prepared": {"labels_sha256": sha256(labels.tobytes()).hexdigest(), "types": self.types},
        }

    @property
    def _backbone(self) -> str:
        return str(checkpoint.read_card(self.start).get("config", {}).get("model", {}).get("backbone", "t5"))

    def _train(self, folder: Path, start: checkpoint.Checkpoint, labels: Labels, card: dict[str, Any]) -> None:
        from retort.training.loop import Run

        data = self._write_rows(folder / "rows", start.vocabulary, labels)
        prepared = PreparedFolder.open(data)
        with Run(start.network, start.vocabulary, prepared, self.training, folder, card).interruptible() as run:
            result = run.fit()
        if result.outcome == "stopped":
            raise UnfinishedError(f"the training of round {folder.name} was stopped.", "The same command goes on.")

    def _write_rows(self, folder: Path, vocabulary: Vocabulary, labels: Labels) -> Path:
        tokens = type_tokens(vocabulary, self.types)
        with checkpoint.replacing(folder) as temporary:
            splits = {
                name: {
                    self.task: [
                        [(np.asarray(self.sources[row]), [tokens[labels[row]], vocabulary.eos_id])]
                        for row in rows.tolist()
                    ]
                }
                for name, rows in (("train", self.parts.fit), ("valid", self.parts.valid))
            }
            write_folder(temporary, vocabulary, splits)
        return folder


def _is_trained(folder: Path, card: dict[str, Any]) -> bool:
    """Tell whether a folder holds what a training with this card ends in."""
    if not folder.is_dir():
        return False
    try:
        found = checkpoint.read_card(folder)
    except ModelError:
        return False
    return all(found.get(key) == value for key, value in json.loads(json.dumps(card)).items())
