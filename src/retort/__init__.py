"""retort: language models for chemical reactions.

Importing this package is cheap on purpose: neither RDKit nor torch is loaded until something needs them.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retort.inference.predictor import Predictor

__all__ = ["Predictor", "__version__"]

try:
    __version__ = version("retort")
except PackageNotFoundError:  # run from a checkout on a machine where nothing is installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    """Load :class:`~retort.inference.predictor.Predictor` on first use."""
    if name == "Predictor":
        from retort.inference.predictor import Predictor

        return Predictor
    raise AttributeError(f"module 'retort' has no attribute {name!r}")
