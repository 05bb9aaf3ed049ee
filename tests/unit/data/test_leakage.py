"""The leak rule: planted overlaps are found in each kind, and nothing else is touched."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

from retort.data.clean import Clean, clean, clean_molecule
from retort.data.leakage import KeyRow, LeakRule, apply_leak_rule
from retort.data.records import MoleculeRow, RawRow
from retort.data.source import SOURCES

BENCHMARKS = frozenset({"bench", "other"})


def row(source: str, part: str, reaction: str) -> Clean:
    result = clean(RawRow(f"{source}:{part}:{reaction}", part, reaction), source)
    assert isinstance(result, Clean)
    return result


PROTECTED = row("bench", "test", "CC(=O)Cl.C[C@H](N)O>>CC(=O)N[C@@H](C)O")


def outcome(*rows: Clean) -> dict[str, str]:
    _, dropped, _ = apply_leak_rule([PROTECTED, *rows], BENCHMARKS)
    return {dropped_row.record.id: reason for dropped_row, reason in dropped}


def test_the_same_product_without_stereo_is_found_across_sources() -> None:
    leak = row("patents", "train", "CC(=O)O.CC(N)O>>CC(=O)NC(C)O")
    assert outcome(leak) == {leak.record.id: "same product as a protected test row"}


def test_the_same_reactants_are_found_across_sources() -> None:
    leak = row("patents", "train", "NC(C)O.ClC(C)=O>>CC(=O)OC(C)N")
    assert outcome(leak) == {leak.record.id: "same reactants as a protected test row"}


def test_a_protected_product_beside_a_counter_ion_is_found() -> None:
    leak = row("patents", "train", "CC(=O)O.CC(N)O>>CC(=O)NC(C)O.[Na+]")
    assert leak.record.id in outcome(leak)


def test_a_published_train_set_is_kept_and_its_overlap_counted() -> None:
    own = row("bench", "train", "CC(=O)O.CC(N)O>>CC(=O)NC(C)O")
    kept, dropped, report = apply_leak_rule([PROTECTED, own], BENCHMARKS)
    assert not dropped
    assert own in kept
    assert report.kept_inside == {"bench: same product as its own test": 1}


def test_the_train_set_of_another_benchmark_is_not_spared() -> None:
    foreign = row("other", "train", "CC(=O)O.CC(N)O>>CC(=O)NC(C)O")
    assert foreign.record.id in outcome(foreign)


def test_own_held_out_rows_yield_to_a_published_train_set() -> None:
    train = row("bench", "train", "CCO.CC(=O)O>>CCOC(C)=O")
    held_out = row("patents", "test", "CCO.CC(=O)Cl>>CCOC(C)=O")
    kept, dropped, _ = apply_leak_rule([train, held_out], BENCHMARKS)
    assert kept == [train]
    assert dropped == [(held_out, "held-out row overlaps a published train set")]


def test_own_held_out_rows_protect_against_other_sources() -> None:
    held_out = row("patents", "test", "CCO.CC(=O)Cl>>CCOC(C)=O")
    leak = row("journals", "train", "CCO.CC(=O)O>>CCOC(C)=O")
    assert leak.record.id in outcome(held_out, leak)


def test_published_valid_and_test_rows_always_stay() -> None:
    twin = row("other", "test", "CC(=O)Cl.CC(N)O>>CC(=O)NC(C)O")
    valid = row("other", "valid_a", "CC(=O)Cl.CC(N)O>>CC(=O)NC(C)O")
    assert outcome(twin, valid) == {}


def test_unrelated_rows_stay() -> None:
    assert outcome(row("patents", "train", "CCBr.N>>CCN")) == {}


def judged(rule: LeakRule, *rows: Clean) -> list[str | None]:
    keys = [KeyRow(row.record.source, row.record.split, row.keys.products, row.keys.reactants) for row in rows]
    for key in keys:
        rule.learn(key)
    protected = [rule.protect(key) for key in keys]
    return [why or rule.judge(key) for why, key in zip(protected, keys, strict=True)]


def test_a_molecule_leaks_as_product_main_product_or_reactant_set() -> None:
    def molecule(smiles: str) -> Clean:
        result = clean_molecule(MoleculeRow(smiles, "all", smiles), "molecules")
        assert isinstance(result, Clean)
        return replace(result, record=replace(result.record, split="train"))

    test = row("bench", "test", "CC(=O)Cl.CC(N)O>>CC(=O)NC(C)O.[Na+]")
    smiles = {
        "C[C@@H](O)NC(C)=O": "same product as a protected test row",  # the main product, stereo aside
        "CC(=O)NC(C)O.Cl": "same product as a protected test row",  # beside another counter ion
        "CC(N)O.ClC(C)=O": "same reactants as a protected test row",
        "CC(N)O": None,  # one of two reactants
        "CCCC": None,
    }
    report = judged(LeakRule(BENCHMARKS), test, *map(molecule, smiles))
    assert dict(zip(smiles, [why and why.removeprefix("leak: ") for why in report[1:]], strict=True)) == smiles


def test_inside_a_split_by_reaction_only_the_same_reaction_leaks() -> None:
    test = row("yields", "test", "CCBr.N>>CCN")
    same, product, reactants = (
        row("yields", "train", text) for text in ("N.CCBr>O>CCN", "CCCl.N>>CCN", "CCBr.N>>CCNCC")
    )
    rule = LeakRule(frozenset(), by_reaction=frozenset({"yields"}))
    assert judged(rule, test, same, product, reactants) == [None, "same product as a protected test row", None, None]
    assert rule.report.kept_inside.total() == 2
    assert judged(LeakRule(frozenset()), test, product) == [None, "same product as a protected test row"]


def test_a_published_split_may_protect_nothing_elsewhere_but_stays_whole() -> None:
    test = row("aside", "test", "CCBr.N>>CCN")
    own, foreign = row("aside", "train", "CCCl.N>>CCN"), row("patents", "train", "CCI.N>>CCN")
    rule = LeakRule(frozenset({"aside"}), unprotected=frozenset({"aside"}))
    assert judged(rule, test, own, foreign) == [None, None, None]
    assert rule.report.protected == {}


def test_own_held_out_rows_do_not_yield_to_a_published_train_set_that_is_no_benchmark() -> None:
    train, held_out = row("aside", "train", "CCCl.N>>CCN"), row("patents", "test", "CCI.N>>CCN")
    rule = LeakRule(frozenset({"aside"}), unprotected=frozenset({"aside"}))
    assert judged(rule, train, held_out) == ["same product as a protected test row", None]


def test_uspto_full_loses_its_overlap_with_the_uspto_50k_test_set(data_root: Path) -> None:
    """On real rows: what is left of USPTO-full shares no product and no reactant set with the benchmark's test rows."""

    def rows(name: str, part: str, wanted: str, most: int) -> list[Clean]:
        raw = (row for row in SOURCES.get(name).read(data_root) if row.split == wanted)
        results = [clean(row, name) for row in islice(raw, most)]
        good = [result for result in results if isinstance(result, Clean)]
        return [replace(row, record=replace(row.record, split=part)) for row in good]

    test = rows("uspto_50k", "test", "test", 5_007)
    train = rows("uspto_full", "train", "valid", 2_000)
    assert len(test) == 5_007
    kept, dropped, report = apply_leak_rule([*test, *train], frozenset({"uspto_50k"}))
    assert len(dropped) >= 5
    assert sum(report.dropped.values()) == len(dropped)
    products = {key for row in test for key in row.keys.products}
    reactants = {row.keys.reactants for row in test}
    left = [row for row in kept if row.record.source == "uspto_full"]
    assert len(left) + len(dropped) == len(train)
    assert all(products.isdisjoint(row.keys.products) and row.keys.reactants not in reactants for row in left)
