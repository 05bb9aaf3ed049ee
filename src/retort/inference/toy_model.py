"""A model folder without weights: for tests, documentation and trying out a batch or a server in milliseconds.

It answers retrosynthesis and forward prediction with the query's own molecules and one, two, ... waters beside them
(see :class:`retort.models.toy.ToySeq2Seq`), and says that reagent prediction is not trained.
"""

from pathlib import Path

from retort.inference.model_folder import seal
from retort.inference.questions import membership_key, write_seen
from retort.prompting.task import TASKS
from retort.prompting.vocabulary import Vocabulary

NAME = "toy"
SEEN = "CC(=O)NCc1ccccc1"  # the one molecule that is "in the training data" for retrosynthesis
STEREO_NOTE = "Stereochemistry was not in the training data of this task."


def write_toy_model(folder: Path) -> Path:
    """Write the folder and return its path; what ``--model`` then names.

    Raises:
        OSError: It cannot be written.
    """
    inner = folder / "language_model"
    inner.mkdir(parents=True)
    Vocabulary.build(()).save(inner / "vocabulary.json")
    write_seen(folder / "seen" / "retrosynthesis.npy", [membership_key(TASKS.get("retrosynthesis"), SEEN)])
    language_model = {"kind": "language_model", "folder": "language_model", "engine": "toy"}
    seal(
        folder,
        {
            "name": NAME,
            "release": "0",
            "proposers": {"language_model": language_model},
            "tasks": {
                "retrosynthesis": {
                    "trained": True,
                    "proposers": ["language_model"],
                    "seen": "seen/retrosynthesis.npy",
                },
                "forward_prediction": {"trained": True, "proposers": ["language_model"], "stereo_note": STEREO_NOTE},
                "reagent_prediction": {"trained": False, "reason": "a toy knows no reagents"},
            },
        },
    )
    return folder
