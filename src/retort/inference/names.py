"""Names of molecules, read by OPSIN where py2opsin is installed (extra ``[names]``; it needs Java).

A text is put to OPSIN only where it cannot be read as SMILES, so ``CO`` stays methanol. OPSIN knows systematic names
and many trivial ones (Lowe et al., J. Chem. Inf. Model. 2011, 51, 739); brand names it does not know. One call starts
Java once, for any number of names.
"""

import re
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

LONGEST = 500  # characters
HINT = "If it is a name: names are read with the extra [names], pip install 'retort[names]', and Java."
_WORD = re.compile(r"[a-z]*[adeghtuyikmv][a-z]*", re.IGNORECASE)
_NEVER = re.compile(r"[=#@\\/>*%~|\n\r\t]")  # characters of SMILES that no name has


def may_be_name(text: str) -> bool:
    """Tell whether a text that is no SMILES looks like a name: it has a word that atom symbols do not make."""
    if not text.strip() or len(text) > LONGEST or _NEVER.search(text):
        return False
    return any(len(word) > 3 for word in _WORD.findall(text))


def can_read_names() -> bool:
    """Tell whether OPSIN can be asked."""
    return find_spec("py2opsin") is not None and shutil.which("java") is not None


def read_names(names: Sequence[str]) -> dict[str, str]:
    """Return name -> SMILES for those that OPSIN knows; none where it cannot be asked."""
    if not names or not can_read_names():
        return {}
    opsin = import_module("py2opsin").py2opsin
    distinct = list(dict.fromkeys(names))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of every name that it does not know
        found = opsin([name.strip() for name in distinct], tmp_fpath=str(Path(folder) / "names.txt"))
    if not isinstance(found, list) or len(found) != len(distinct):
        return {}
    return {name: smiles for name, smiles in zip(distinct, found, strict=True) if smiles}
