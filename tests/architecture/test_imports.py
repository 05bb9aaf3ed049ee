"""What may be loaded when: a cheap package, a core without torch, training code without chemistry."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HEAVY = ["torch", "rdkit", "transformers", "ctranslate2", "polars", "pydantic", "numpy", "tokenizers"]
SERVERS = ["fastapi", "starlette", "uvicorn", "prometheus_client", "mcp", "mcp_types", "anyio"]


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def loaded_after(program: str) -> set[str]:
    """Heavy libraries in ``sys.modules`` once a program has run in a fresh interpreter."""
    done = run(
        f"""
import sys
{textwrap.dedent(program)}
import json
print(json.dumps([name for name in {HEAVY + SERVERS!r} if name in sys.modules]))
"""
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def blocked(names: list[str], program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in an interpreter that refuses to import the named libraries."""
    return run(
        f"""
import sys


class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} (blocked by the test)", name=name)


sys.meta_path.insert(0, Block())
{textwrap.dedent(program)}
"""
    )


def below(source_root: Path, *folders: str) -> list[str]:
    """Dotted names of all modules in folders of the package."""
    paths = [path for folder in folders for path in sorted((source_root / folder).rglob("*.py"))]
    dotted = [".".join(path.relative_to(source_root.parent).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in dotted]


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import retort") == set()


def test_foundation_and_text_modules_load_nothing_heavy() -> None:
    program = """
        import retort.config, retort.errors, retort.registry
        import retort.chem.tokens, retort.chem.reaction
        import retort.prompting.answers, retort.prompting.task, retort.prompting.vocabulary
        import retort.prompting.reaction_types, retort.prompting.rendering, retort.prompting.selection
        import retort.prompting.extraction
        from retort.prompting.task import TASKS
        from retort.prompting.template import own_library
        [TASKS.get(name) for name in TASKS.names()]
        own_library()
    """
    assert loaded_after(program) == set()


def test_help_loads_neither_torch_nor_rdkit() -> None:
    program = """
        from retort.cli import main
        sys.argv = ["retort", "--help"]
        try:
            main()
        except SystemExit as leaving:
            assert not leaving.code, leaving.code
    """
    heavy = {"torch", "rdkit", "transformers", "ctranslate2", "polars", "pydantic"}
    assert loaded_after(program) & {*heavy, *SERVERS} == set()


@pytest.mark.parametrize(
    ("command", "missing"), [("serve", "fastapi"), ("serve", "uvicorn"), ("serve", "prometheus_client"), ("mcp", "mcp")]
)
def test_a_server_without_its_extra_says_which_to_install(command: str, missing: str) -> None:
    done = blocked([missing], f"from retort.cli import main; sys.argv = ['retort', {command!r}]; main()")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"error: `retort {command}` needs the extra [{command}]. Install it with: pip install 'retort[{command}]'.\n"
    )


def test_evaluation_loads_no_torch() -> None:
    program = """
        import retort.evaluation.baselines, retort.evaluation.scoring, retort.evaluation.upstream
        import retort.evaluation.captions, retort.evaluation.classification, retort.evaluation.molecule_tables
        import retort.evaluation.ranking, retort.evaluation.regression, retort.evaluation.selectivity
        from retort.evaluation.metric import METRICS
        [METRICS.get(name) for name in METRICS.names()]
    """
    assert loaded_after(program) & {"torch", "transformers", "polars", "pydantic"} == set()


@pytest.mark.parametrize("name", ["protocol", "toy", "ranker", "annotator", "pooling", "checkpoint"])
def test_core_parts_of_models_load_without_torch(name: str) -> None:
    done = blocked(["torch", "transformers", "accelerate"], f"import retort.models.{name}")
    assert done.returncode == 0, done.stderr


def test_predicting_loads_without_torch(source_root: Path) -> None:
    names = [n for n in below(source_root, "inference") if not n.endswith(("engines.transformers", "export"))]
    assert "retort.inference.predictor" in names
    done = blocked(["torch", "transformers", "accelerate"], f"import {', '.join(names)}")
    assert done.returncode == 0, done.stderr


def test_training_code_loads_without_chemistry(source_root: Path) -> None:
    names = [*below(source_root, "models", "training"), "retort.data.collate"]
    assert len(names) >= 5
    done = blocked(["rdkit", "polars", "pydantic"], f"import {', '.join(names)}")
    assert done.returncode == 0, done.stderr


def test_elicitation_loads_without_heavy_libraries(source_root: Path) -> None:
    names = below(source_root, "elicitation")
    assert len(names) >= 5
    done = blocked(["torch", "transformers", "sklearn", "scipy", "rdkit", "polars"], f"import {', '.join(names)}")
    assert done.returncode == 0, done.stderr


def test_frozen_types_are_read_with_numpy_alone(tmp_path: Path) -> None:
    program = """
        from pathlib import Path
        import numpy as np
        from retort.elicitation.clustering import Clustering
        from retort.elicitation.projection import Projection, random_projection
        folder = Path(FOLDER)
        random_projection(4, 2).save(folder / "projection")
        Clustering(np.eye(2, dtype=np.float32), 0, 1, 0.0).save(folder / "types")
        vectors = Projection.load(folder / "projection").apply(np.eye(4))
        assert Clustering.load(folder / "types").assign(vectors).shape == (4,)
    """.replace("FOLDER", repr(str(tmp_path)))
    done = blocked(["torch", "transformers", "sklearn", "scipy", "rdkit", "polars", "pydantic"], program)
    assert done.returncode == 0, done.stderr


def test_the_block_blocks() -> None:
    done = blocked(["rdkit"], "import retort.chem.smiles")
    assert done.returncode == 1
    assert "blocked by the test" in done.stderr
