"""What a suite of benchmarks is: parts, each with its rows, its figures, its baselines and what others published.

A suite is one file of ``suites/`` that binds ``SUITE``. It names data and tasks by their names and reads nothing;
:mod:`retort.recipes.suite` asks the models.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from retort.registry import Registry

Baseline = Literal["popularity", "nearest_reaction", "nearest_molecule", "nearest_text", "boosted_trees"]


@dataclass(frozen=True, slots=True)
class Anchor:
    """What somebody else published.

    Attributes:
        who: Name of the system.
        figures: Metric -> figure, as our reports have them: shares from 0 to 1.
        rows: Train and test rows, where they are not those of the part.
        source: Where the figures stand.
        comparable: Whether the same test rows were asked, by the same rules, of a model that had not seen them.
        recalled: Whether the figures were not checked against the source.
    """

    who: str
    figures: Mapping[str, float]
    source: str
    rows: str = ""
    comparable: bool = True
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Test rows of one task and source.

    Attributes:
        name: What tables call it; unique in all suites.
        task: Name of the task.
        source: Name of the source whose test rows are asked and whose train rows the baselines answer from.
        beside: Further sources of the same, as far as they have rows of the task.
        kind: Kind of the names whose test rows are asked, as :class:`retort.data.records.MoleculeRow` has it; every
            kind where it is empty. The baselines answer from all.
        shown: Metrics of the tables, the main one first.
        ordering: Name of a published ordering whose test rows are held out; empty where the source has one split.
        repeats: What a train row must not share with a test row.
        hold_out: Shares of products for validation and test, where no published split is here.
        baselines: Which stand beside every model.
        anchors: Published figures.
        note: What one must know of these rows.
    """

    name: str
    task: str
    source: str
    shown: tuple[str, ...]
    beside: tuple[str, ...] = ()
    kind: str = ""
    ordering: str = ""
    repeats: Literal["product", "reaction"] = "product"
    hold_out: tuple[float, float] | None = None
    baselines: tuple[Baseline, ...] = ("popularity", "nearest_reaction")
    anchors: tuple[Anchor, ...] = ()
    note: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source whose rows are read."""
        return (self.source, *self.beside)


@dataclass(frozen=True, slots=True)
class Suite:
    """Parts that are reported together.

    Attributes:
        name: Name of the file.
        summary: One line for lists.
        parts: In the order of the report.
    """

    name: str
    summary: str
    parts: tuple[Part, ...]


SUITES: Registry[Suite] = Registry("suite", "retort.evaluation.suites", "SUITE")
ALL = "all"


def suite_names() -> list[str]:
    """Return the names of all suites, ``all`` last."""
    return [*SUITES.names(), ALL]


def suite_named(name: str) -> Suite:
    """Return a suite; ``all`` holds the parts of all.

    Raises:
        UnknownNameError: There is no such suite.
    """
    if name != ALL:
        return SUITES.get(name)
    suites = [SUITES.get(each) for each in SUITES.names()]
    return Suite(ALL, "all parts of all suites", tuple(part for suite in suites for part in suite.parts))


def ranked(*percent: float | None) -> dict[str, float]:
    """Return top-1, 3, 5 and 10 in per cent as figures; None where one is not published."""
    pairs = zip((1, 3, 5, 10), percent, strict=False)
    return {f"exact_match@{k}": figure / 100 for k, figure in pairs if figure is not None}
