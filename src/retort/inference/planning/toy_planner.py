"""A model folder that plans in milliseconds: for tests, documentation and trying out a page without weights.

It knows seven hand-written reactions, answers with the template of the most similar of them, forwards and backwards,
and with their reagents. Among them are ester and acid, made from each other, so that a careless planner runs in a
circle. A plan of it is no chemistry.
"""

from pathlib import Path

from retort.chem.smiles import canonicalize, strip_maps
from retort.chem.templates import extract_template
from retort.inference.model_folder import seal
from retort.inference.training_answers import Kind, TrainingAnswers

NAME = "toy_planner"
TARGET = "CC(=O)NCc1ccccc1"  # from acetic acid and benzonitrile in two steps, from the ester in three
_PHENYL = "[c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1"
REACTIONS = (  # reactants>>product with atom maps, and reagents
    (f"[CH3:1][C:2](=[O:3])O.[NH2:4][CH2:5]{_PHENYL}>>[CH3:1][C:2](=[O:3])[NH:4][CH2:5]{_PHENYL}", "CCN(CC)CC.ClCCl"),
    (f"[CH3:1][C:2](=[O:3])Cl.[NH2:4][CH2:5]{_PHENYL}>>[CH3:1][C:2](=[O:3])[NH:4][CH2:5]{_PHENYL}", "CCN(CC)CC"),
    (f"[N:4]#[C:5]{_PHENYL}>>[NH2:4][CH2:5]{_PHENYL}", "[H][H].[Pd]"),
    (f"O=[C:5]([NH2:4]){_PHENYL}>>[NH2:4][CH2:5]{_PHENYL}", "C1CCOC1"),
    ("[CH3:1][C:2](=[O:3])[O:4]C>>[CH3:1][C:2](=[O:3])[OH:4]", "[Na+].[OH-]"),
    ("[CH3:1][C:2](=[O:3])O.[OH:4][CH3:5]>>[CH3:1][C:2](=[O:3])[O:4][CH3:5]", "O=S(=O)(O)O"),
    ("[CH3:1][C:2](=[O:3])O.[Cl:12]S(=O)Cl>>[CH3:1][C:2](=[O:3])[Cl:12]", "ClCCl"),
)


def write_toy_planner(folder: Path) -> Path:
    """Write the folder and return its path; what ``--model`` then names.

    Raises:
        OutputError: It cannot be written.
    """
    sides = [strip_maps(mapped).split(">>") for mapped, _ in REACTIONS]
    templates = [str(extract_template(mapped)) for mapped, _ in REACTIONS]
    reactions = [f"{canonicalize(reactants)}>>{canonicalize(product)}" for reactants, product in sides]
    rows = {
        "retrosynthesis": [(canonicalize(product), text) for (_, product), text in zip(sides, templates, strict=True)],
        "forward_prediction": [(canonicalize(given), text) for (given, _), text in zip(sides, templates, strict=True)],
        "reagent_prediction": [
            (text, canonicalize(used)) for text, (_, used) in zip(reactions, REACTIONS, strict=True)
        ],
    }
    for task, pairs in rows.items():
        TrainingAnswers.gather(_kind(task), task, pairs).save(folder / f"{task}.npz")
    proposers = {task: {"kind": _kind(task), "file": f"{task}.npz"} for task in rows}
    tasks = {task: {"trained": True, "proposers": [task]} for task in rows}
    classes = {"reaction_classification": {"trained": False, "reason": "a toy knows no classes"}}
    seal(folder, {"name": NAME, "release": "0", "proposers": proposers, "tasks": {**tasks, **classes}})
    return folder


def _kind(task: str) -> Kind:
    return "nearest_reaction" if task == "reagent_prediction" else "nearest_template"
