"""The audit: one planted duplicate per category is found, and nothing else is."""

import json
import lzma
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from retort.cli import app
from retort.data.audit import CATEGORIES
from retort.errors import InputFileError, UnknownNameError, UsageError
from retort.recipes.audit import Audit, AuditRequest, audit

Row = tuple[str, str]

# Forward questions of the first side; acetanilides of distinct amines, an ester, a sulfonamide, a long product.
FIRST: list[Row] = [
    ("CC(=O)Cl.NCc1ccccc1", "CC(=O)NCc1ccccc1"),
    ("OCC.CC(=O)O", "CCOC(C)=O"),
    ("CS(=O)(=O)Cl.Nc1ccncc1", "CS(=O)(=O)Nc1ccncc1"),
    ("CCCCCCCCCCBr.Oc1ccc(-c2ccccc2)cc1", "CCCCCCCCCCOc1ccc(-c2ccccc2)cc1"),
]
CLEAN: list[Row] = [("CCN.O=C=NC", "CCNC(=O)NC"), ("C1CCNCC1.BrCC#N", "N#CCN1CCCCC1")]
# category -> a row of the second side that is in the first in this category, and the others it must be in by nature.
PLANTED: dict[str, tuple[Row, set[str]]] = {
    "same_reaction": (("NCc1ccccc1.CC(=O)Cl", "CC(=O)NCc1ccccc1"), {"same_product", "same_reactants"}),
    "same_product": (("CC(=O)OC(C)=O.NCc1ccccc1", "CC(=O)NCc1ccccc1"), set()),
    "same_reactants": (("CC(=O)Cl.NCc1ccccc1", "CC(=O)c1ccc(CN)cc1"), set()),
    "near_duplicate": (("CCCCCCCCCCCBr.Oc1ccc(-c2ccccc2)cc1", "CCCCCCCCCCCOc1ccc(-c2ccccc2)cc1"), set()),
}


def write(path: Path, rows: Sequence[Row], columns: Row = ("input", "target")) -> str:
    lines = [",".join(("id", *columns)), *(f"{i},{left},{right}" for i, (left, right) in enumerate(rows, 1))]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def found(done: Audit) -> dict[str, int]:
    """Return category -> rows, of the only pair, without those that found nothing."""
    (pair,) = done.pairs
    return {name: finding.rows for name, finding in pair.findings.items() if finding is not None and finding.rows}


@pytest.mark.parametrize("category", PLANTED)
def test_a_planted_duplicate_is_found_in_its_category_alone(tmp_path: Path, category: str) -> None:
    row, implied = PLANTED[category]
    names = (write(tmp_path / "a.csv", FIRST), write(tmp_path / "b.csv", [CLEAN[0], row, CLEAN[1]]))
    done = audit(AuditRequest(names, ("forward",)))
    assert found(done) == dict.fromkeys(implied | {category}, 1)
    finding = done.pairs[0].findings[category]
    assert finding is not None
    assert finding.examples == ("b.csv:2",)


def test_a_reversed_task_is_found(tmp_path: Path) -> None:
    turned = ("CC(=O)NCc1ccccc1", "NCc1ccccc1.CC(=O)Cl")
    names = (write(tmp_path / "a.csv", FIRST), write(tmp_path / "b.csv", [("CCNC(=O)NC", "CCN.O=C=NC"), turned]))
    reaction = {"same_reaction": 1, "same_product": 1, "same_reactants": 1}
    assert found(audit(AuditRequest(names, ("forward", "retro")))) == reaction | {"reversed_task": 1}
    assert found(audit(AuditRequest((names[1], names[0]), ("retro", "forward")))) == reaction | {"reversed_task": 1}
    same = write(tmp_path / "c.csv", [FIRST[0]])
    assert found(audit(AuditRequest((names[0], same), ("forward",)))) == reaction


def test_a_molecule_is_found_in_texts_and_lists(tmp_path: Path) -> None:
    reactions = write(tmp_path / "a.csv", FIRST)
    molecules = write(tmp_path / "b.csv", [("CCCCCC", "hexane"), ("c1ccccc1CNC(C)=O", "an amide")], ("smiles", "name"))
    texts = tmp_path / "c.jsonl"
    lines = ["Benzene is not CCOC(C)=O.", "No molecule here, Coco.", "In CO we trust: CS(=O)(=O)Nc1ccncc1"]
    texts.write_text("\n".join(json.dumps({"text": line}) for line in lines))
    done = audit(AuditRequest((reactions, molecules, str(texts)), ("forward",)))
    rows = {(p.first.name, p.second.name): p.findings["same_molecule"] for p in done.pairs}
    assert rows[reactions, molecules] is not None
    assert rows[reactions, molecules].examples == ("b.csv:2",)
    assert rows[reactions, str(texts)] is not None
    assert rows[reactions, str(texts)].examples == ("c.jsonl:1", "c.jsonl:3")
    assert rows[molecules, str(texts)] is not None
    assert rows[molecules, str(texts)].rows == 0
    assert done.collections[2].unreadable == {"text without a molecule": 1}


def test_a_clean_pair_has_no_finding(tmp_path: Path) -> None:
    names = (write(tmp_path / "a.csv", FIRST), write(tmp_path / "b.csv", CLEAN))
    done = audit(AuditRequest(names, ("forward",), fail_on=("all", "unreadable")))
    assert found(done) == {}
    assert done.failures == ()


def test_reagents_among_the_precursors_do_not_hide_a_reaction(tmp_path: Path) -> None:
    mixed = write(tmp_path / "a.csv", [("CCN(CC)CC.CC(=O)Cl.ClCCl.NCc1ccccc1", "CC(=O)NCc1ccccc1")])
    apart = write(tmp_path / "b.csv", [("CC(=O)Cl.NCc1ccccc1", "CC(=O)NCc1ccccc1")], ("reactants", "products"))
    other = write(tmp_path / "c.csv", [("CC(=O)O.NCc1ccccc1", "CC(=O)NCc1ccccc1")], ("reactants", "products"))
    expected = {"same_reaction": 1, "same_product": 1}
    assert found(audit(AuditRequest((mixed, apart), ("forward",)))) == expected
    assert found(audit(AuditRequest((apart, mixed), ("forward",)))) == expected
    assert found(audit(AuditRequest((mixed, other), ("forward",)))) == {"same_product": 1}


def test_a_product_beside_a_counter_ion_is_the_same_product(tmp_path: Path) -> None:
    names = (
        write(tmp_path / "a.csv", [("CC(=O)Cl.NCc1ccccc1", "CC(=O)NCc1ccccc1")]),
        write(tmp_path / "b.csv", [("CC(=O)OC.NCc1ccccc1", "CC(=O)NCc1ccccc1.Cl")]),
    )
    assert found(audit(AuditRequest(names, ("forward",)))) == {"same_product": 1}


def test_unreadable_rows_are_counted(tmp_path: Path) -> None:
    rows = [*CLEAN, ("C1CC", "CC"), ("CC", ""), ("", "CC")]
    names = (write(tmp_path / "a.csv", FIRST), write(tmp_path / "b.csv", rows))
    done = audit(AuditRequest(names, ("forward",), fail_on=("unreadable",)))
    second = done.collections[1]
    assert len(second) == 2
    assert sum(second.unreadable.values()) == 3
    assert done.failures == (f"3 rows of {names[1]} are unreadable",)


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "csv.xz"])
def test_every_kind_of_table_is_read(tmp_path: Path, kind: str) -> None:
    table = pl.DataFrame({"reaction": [f"{left}>>{right}" for left, right in FIRST]})
    path = tmp_path / f"b.{kind}"
    if kind == "parquet":
        table.write_parquet(path)
    elif kind == "jsonl":
        table.write_ndjson(path)
    else:
        text = table.write_csv(separator="\t" if kind == "tsv" else ",")
        path.write_bytes(lzma.compress(text.encode()) if kind.endswith("xz") else text.encode())
    first = write(tmp_path / "a.csv", FIRST)
    expected = dict.fromkeys(("same_reaction", "same_product", "same_reactants"), len(FIRST))
    assert found(audit(AuditRequest((first, str(path)), ("forward",)))) == expected


def test_the_task_may_stand_in_the_name_of_the_file(tmp_path: Path) -> None:
    first = write(tmp_path / "a.forward_prediction.csv", FIRST)
    second = write(tmp_path / "b.retrosynthesis.csv", [("CC(=O)NCc1ccccc1", "CC(=O)Cl.NCc1ccccc1")])
    assert found(audit(AuditRequest((first, second))))["reversed_task"] == 1


def test_any_number_of_processes_finds_the_same(tmp_path: Path) -> None:
    rows = [(f"{'C' * i}Br.O{'C' * j}", f"{'C' * i}O{'C' * j}") for i in range(1, 60) for j in range(1, 60)]
    names = (write(tmp_path / "a.csv", rows[::2]), write(tmp_path / "b.csv", rows[::3]))
    one, two = (audit(AuditRequest(names, ("forward",), workers=workers)).as_dict() for workers in (1, 2))
    assert one == two
    assert one["findings"][0]["category"] == "same_reaction"
    assert one["findings"][0]["rows"] >= len(rows) // 6


def test_a_category_that_nothing_can_be_checked_for_is_not_passed(tmp_path: Path) -> None:
    columns = ("reactants", "products")
    names = (write(tmp_path / "a.csv", FIRST, columns), write(tmp_path / "b.csv", CLEAN, columns))
    done = audit(AuditRequest(names, fail_on=("all",)))
    assert done.pairs[0].findings["reversed_task"] is None
    assert done.pairs[0].findings["same_molecule"] is None
    with pytest.raises(UsageError, match="reversed_task cannot be checked"):
        audit(AuditRequest(names, fail_on=("reversed_task",)))


@pytest.mark.parametrize(
    ("inputs", "more", "error", "message"),
    [
        (("a.csv",), {}, UsageError, "nothing to compare"),
        (("a.csv", "a.csv"), {}, UsageError, "named twice"),
        (("a.csv", "uspto_5k:test"), {}, InputFileError, "neither a file"),
        (("a.csv", "table"), {}, UsageError, "a file of your own"),
        (("a.csv", "uspto_50k:exam"), {}, UsageError, "no split 'exam'"),
        (("a.csv", "b.csv"), {}, UsageError, "of which task"),
        (("a.csv", "c.csv"), {"tasks": ("forward",)}, InputFileError, "no column that can be audited"),
        (("a.csv", "b.csv"), {"tasks": ("forward",) * 3}, UsageError, "3 tasks for 2 inputs"),
        (("a.csv", "b.csv"), {"fail_on": ("same_produkt",)}, UnknownNameError, "same_product"),
    ],
)
def test_wrong_requests_say_what_is_wrong(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    inputs: tuple[str, ...],
    more: dict[str, tuple[str, ...]],
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("a.csv"), FIRST)
    write(Path("b.csv"), CLEAN)
    write(Path("c.csv"), CLEAN, ("left", "right"))
    with pytest.raises(error, match=message):
        audit(AuditRequest(inputs, **more))


@pytest.fixture
def retort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run ``retort audit`` beside leaking tables ``a`` and ``b`` and a clean one ``c``."""
    monkeypatch.chdir(tmp_path)
    write(Path("a.forward_prediction.csv"), FIRST)
    write(Path("b.forward_prediction.csv"), [FIRST[0], CLEAN[0]])
    write(Path("c.forward_prediction.csv"), CLEAN)

    def run(*arguments: str) -> Result:
        words = [f"{word}.forward_prediction.csv" if word in {"a", "b", "c"} else word for word in arguments]
        result = CliRunner().invoke(app, ["audit", *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def test_json_is_one_object_with_every_category(retort: Callable[..., Result]) -> None:
    result = retort("a", "b", "--format", "json", "--examples", "1")
    done = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [(i["rows"], i["unreadable"]) for i in done["inputs"]] == [(4, {}), (2, {})]
    assert [row["category"] for row in done["findings"]] == [name for name in CATEGORIES if name != "same_molecule"]
    names = {"first": "a.forward_prediction.csv", "second": "b.forward_prediction.csv"}
    assert done["findings"][1] == {
        **names,
        "category": "same_product",
        "rows": 1,
        "share": 0.5,
        "within_split": 0,
        "examples": ["b.forward_prediction.csv:1"],
    }
    assert done["not_applicable"] == [{**names, "category": "same_molecule"}]
    assert done["failures"] == []


def test_the_table_has_a_line_per_category(retort: Callable[..., Result]) -> None:
    result = retort("a", "b")
    lines = result.stdout.splitlines()
    assert [line.split()[2] for line in lines[1 : len(CATEGORIES) + 1]] == list(CATEGORIES)
    assert "50.00%" in lines[2]
    assert lines[-1] == "b.forward_prediction.csv: 2 rows"


def test_the_exit_code_serves_automatic_checks(retort: Callable[..., Result]) -> None:
    assert retort("a", "b").exit_code == 0
    failed = retort("a", "b", "--fail-on", "same_product,same_reaction")
    assert failed.exit_code == 1
    assert failed.stdout.count("FAILED same_") == 2
    assert retort("a", "b", "--fail-on", "near_duplicate").exit_code == 0
    assert retort("a", "c", "--fail-on", "all,unreadable").exit_code == 0
    wrong = retort("a", "c", "--fail-on", "product")
    assert wrong.exit_code == 2
    assert "did you mean" in wrong.stderr.lower()
