"""Self-feedback: rounds that can be compared, a reason to stop, the best one kept, and no round made twice."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retort.elicitation.checks import Labels, TooFewRowsError
from retort.elicitation.frozen import FrozenTypes
from retort.elicitation.information import InformationConfig, UsableInformation
from retort.elicitation.planted import planted_reactions
from retort.elicitation.rounds import FeedbackConfig, Round, reason_to_stop
from retort.elicitation.selection import Cell
from retort.elicitation.self_feedback import Encoder, Feedback, TrainRows, self_feedback
from retort.elicitation.vectors import Origin, TextVectors
from retort.errors import ConfigError, DataError, UnknownNameError

ROWS, TYPES = 300, 4
PLANTED = planted_reactions(ROWS, TYPES)
CONFIG = FeedbackConfig(starts=2, hold_out=(0.1, 0.2), folds=3)
QUICK = InformationConfig(input_size=8, target_size=4, folds=3, inner_folds=2, draws=20)
CELL = Cell("difference", TYPES)


def embed(blur: float) -> TextVectors:
    """Stand in for an encoder that blurs outputs so much; what it tells apart falls with it."""
    noise = np.random.default_rng(int(10 * blur)).standard_normal(PLANTED.outputs.shape)
    outputs = (PLANTED.outputs + blur * noise).astype(np.float32)
    return TextVectors(PLANTED.inputs, outputs, None, Origin(f"blur {blur}", "planted"))


def data(rows: int = ROWS) -> TrainRows[float]:
    criterion = UsableInformation(PLANTED.inputs, PLANTED.outputs, QUICK)
    return TrainRows("forward_prediction", np.arange(rows) + 7, np.arange(rows), embed, criterion, {"data": "planted"})


class Learning:
    """An encoder that learns: its blur after each round is given beforehand; it keeps what it was taught."""

    def __init__(self, *blurs: float) -> None:
        self.blurs, self.taught = blurs, dict[int, Labels]()

    def __call__(self, labels: Labels, number: int) -> Encoder[float]:
        self.taught[number] = labels
        return Encoder(self.blurs[number], Path(f"weights-{number}"))


def run(output: Path, update: Learning | None = None, start: float = 5.0, **changes: float) -> Feedback:
    config = replace(CONFIG, **changes)
    return self_feedback(CELL, data(), Encoder(start, Path("start")), config, output, update=update, say=print)


def test_one_round_finds_what_was_planted_and_leaves_frozen_types(tmp_path: Path) -> None:
    done = run(tmp_path, start=0.0)
    types = FrozenTypes.load(done.folder)
    assert (done.best, done.stop) == (0, "all rounds are done: 1")
    assert types.train.rows.tolist() == list(range(7, ROWS + 7))
    assert types.card.encoder_sha256 == "blur 0.0"
    assert types.card.encoder == "start"
    assert types.of_known(embed(0.0)).tolist() == types.train.labels.tolist()
    first = done.rounds[0]
    assert sum(first.sizes) == ROWS
    assert first.entropy > 0.95
    assert first.agreement is None
    assert first.held_out["rows"] == 60
    assert first.held_out["accuracy"] > first.held_out["majority"]
    assert first.information > 2 * first.standard_error


def test_the_best_round_is_kept_with_the_encoder_that_made_it(tmp_path: Path) -> None:
    learning = Learning(0.0, 40.0)
    done = run(tmp_path, learning, rounds=5)
    assert [r.encoder_sha256 for r in done.rounds] == ["blur 5.0", "blur 0.0", "blur 40.0"]
    assert done.best == 1
    assert done.stop == "the criterion has not risen for 1 round(s)"
    kept = FrozenTypes.load(done.folder).card
    assert (kept.encoder_sha256, kept.encoder) == ("blur 0.0", "weights-0")
    assert kept.report["information"] == max(r.information for r in done.rounds)


def test_each_round_is_taught_the_labels_of_the_one_before_and_keeps_its_numbers(tmp_path: Path) -> None:
    learning = Learning(0.5, 1.0)
    done = run(tmp_path, learning, start=0.0, rounds=3, patience=9, settled=1.1)
    labels = [FrozenTypes.load(tmp_path / f"round-{i}").train.labels for i in range(3)]
    assert [learning.taught[i].tolist() for i in range(2)] == [part.tolist() for part in labels[:2]]
    for number in (1, 2):
        assert done.rounds[number].unchanged == pytest.approx((labels[number] == labels[number - 1]).mean())
        assert done.rounds[number].unchanged > 0.95  # type: ignore[operator]
        assert done.rounds[number].agreement > 0.9  # type: ignore[operator]
    majorities = {r.held_out["rows"] for r in done.rounds}
    assert majorities == {60}


def test_settled_types_end_the_loop(tmp_path: Path) -> None:
    done = run(tmp_path, Learning(0.0, 0.0, 0.0), start=0.0, rounds=4)
    assert len(done.rounds) == 2
    assert done.stop.startswith("the types have settled: agreement 1.000")
    assert done.best == 0


def test_an_encoder_that_does_not_learn_has_one_round(tmp_path: Path) -> None:
    assert run(tmp_path, None, rounds=4).stop == "the encoder does not learn"


def test_a_loop_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", Learning(2.0, 0.0), rounds=3, settled=1.1, patience=9)

    class Interrupted(Learning):
        def __call__(self, labels: Labels, number: int) -> Encoder[float]:
            if number == 1:
                raise KeyboardInterrupt
            return super().__call__(labels, number)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", Interrupted(2.0), rounds=3, settled=1.1, patience=9)
    again = Learning(2.0, 0.0)
    rest = run(tmp_path / "cut", again, rounds=3, settled=1.1, patience=9)
    assert list(again.taught) == [1]
    assert rest.rounds == whole.rounds
    for name in ("train.npz", "probe.npz", "clustering.npz"):
        first, second = (np.load(tmp_path / side / "round-2" / name) for side in ("whole", "cut"))
        assert all(first[key].tobytes() == second[key].tobytes() for key in first.files)


def test_the_rounds_of_another_loop_are_refused(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(ConfigError, match="other settings"):
        run(tmp_path, seed=1)
    (tmp_path / "round-0.json").write_text("{", "utf-8")
    with pytest.raises(ConfigError, match="cannot read"):
        run(tmp_path)


def test_a_round_that_fails_later_is_told_and_the_best_is_kept(tmp_path: Path) -> None:
    class Failing(Learning):
        def __call__(self, labels: Labels, number: int) -> Encoder[float]:
            raise DataError("no row fits the limits.")

    done = run(tmp_path, Failing(), rounds=3)
    assert (done.best, done.stop) == (0, "round 1 failed: no row fits the limits.")


def test_rows_that_make_no_types_are_refused(tmp_path: Path) -> None:
    few = Cell("difference", ROWS + 1)
    with pytest.raises(TooFewRowsError):
        self_feedback(few, data(), Encoder(0.0), CONFIG, tmp_path, say=print)
    with pytest.raises(UnknownNameError, match="Did you mean 'difference'"):
        self_feedback(Cell("diference", 3), data(), Encoder(0.0), CONFIG, tmp_path, say=print)
    with pytest.raises(ConfigError, match="no loop"):
        FeedbackConfig(rounds=0)


def test_records_are_plain_json(tmp_path: Path) -> None:
    run(tmp_path)
    stored = json.loads((tmp_path / "round-0.json").read_text("utf-8"))
    assert stored["settings"]["data"] == "planted"
    assert stored["settings"]["feedback"]["hold_out"] == [0.1, 0.2]


def test_a_random_projection_comes_before_the_texts_are_combined(tmp_path: Path) -> None:
    config = replace(CONFIG, projection="random", kept=2)
    done = self_feedback(Cell("dot_product", 3), data(), Encoder(0.0), config, tmp_path, say=print)
    types = FrozenTypes.load(done.folder)
    assert types.projection.label == "random 2 of 16, seed 0"
    assert types.clustering.centroids.shape == (3, 1)
    assert types.of_known(embed(0.0)).tolist() == types.train.labels.tolist()


def test_reasons_to_stop() -> None:
    def done(information: float, agreement: float | None = 0.5) -> Round:
        return Round(0, "", None, (1,), 0.0, agreement, None, information, 0.0, {}, 0.0, 0)

    config = FeedbackConfig(rounds=9, patience=2)
    assert reason_to_stop([], config, learns=False) == ""
    assert reason_to_stop([done(1.0, None), done(0.9)], config, learns=True) == ""
    assert "not risen for 2" in reason_to_stop([done(1.0, None), done(0.9), done(0.8)], config, learns=True)
    assert reason_to_stop([done(1.0, None), done(0.9), done(1.1)], config, learns=True) == ""
