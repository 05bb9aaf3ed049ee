"""The embedded model's weights as a Hugging Face folder, for peers."""

from pathlib import Path

from transformers import PreTrainedModel

from retort.models import checkpoint
from retort.prompting.vocabulary import Vocabulary

CHECKPOINT = Path(__file__).resolve().parent.parent / "checkpoints" / "retort-base"


def hugging_face(folder: Path) -> tuple[PreTrainedModel, Vocabulary]:
    """Write the network to ``folder`` in fp32; return it with its vocabulary."""
    loaded = checkpoint.load(CHECKPOINT)
    network = loaded.network.float().eval()
    network.save_pretrained(folder)
    return network, loaded.vocabulary
