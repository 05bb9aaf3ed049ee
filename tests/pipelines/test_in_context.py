"""A language model without knowledge is asked with examples: no row is lost, killed runs go on, texts are read anew."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from retort.data.labelled import LabelledSource
from retort.data.shots import ShotPool, Solved
from retort.errors import ConfigError, DataError, UsageError
from retort.evaluation import predictions as files
from retort.inference.questions import ask
from retort.models.causal import CausalConfig
from retort.models.generation import PromptTokens
from retort.models.generation_settings import Decoding
from retort.models.tokenizer import ForeignTokens
from retort.prompting.in_context import in_context_text
from retort.prompting.task import TASKS
from retort.prompting.template import own_library
from retort.recipes.in_context import InContextConfig, ShotsChoice, _Prompts, in_context, reread
from retort.recipes.in_context_rows import AskedRow, RowsChoice
from retort.recipes.random_causal import RandomCausalConfig, random_causal

CARD = CausalConfig(width=16, inner_width=32, layers=1, heads=2, key_value_heads=2, positions=900)
ROWS = {
    "forward_prediction": [(f"{'C' * n}Br.N", f"{'C' * n}N") for n in range(1, 9)],
    "reaction_classification": [(f"{'C' * n}O>>{'C' * (n - 1)}C=O", "oxidations") for n in range(1, 9)],
    "yield_prediction": [(f"{'C' * n}Br.N>O>{'C' * n}N", f"{10 * n}.5") for n in range(1, 9)],
}
BROKEN = {
    "forward_prediction": ("C1CC", "CCO"),
    "reaction_classification": ("CCO", "12"),
    "yield_prediction": ("", "7"),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_causal(RandomCausalConfig(tmp_path_factory.mktemp("model") / "tiny", CARD))


def table(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("input", "target"), *rows])
    return path


@pytest.fixture(params=sorted(ROWS))
def config(request: pytest.FixtureRequest, model: Path, tmp_path: Path) -> InContextConfig:
    rows = ROWS[request.param]
    asked = table(tmp_path / "asked.csv", [*rows[:3], BROKEN[request.param], rows[3]])
    pool = table(tmp_path / "pool.csv", [*rows, BROKEN[request.param]])
    return InContextConfig(
        model,
        request.param,
        RowsChoice(asked),
        ShotsChoice(RowsChoice(pool), 2),
        tmp_path / "out",
        repeats=2,
        decoding=Decoding(max_new_tokens=10, batch_size=2, device="cpu"),
    )


def test_every_row_is_kept_and_told_of(config: InContextConfig) -> None:
    found = json.loads(in_context(config, lambda text: None).read_text())
    assert found["pool"] == {"rows": 8, "unreadable": 1}
    assert not found["chat"]
    assert len(found["repeats"]) == 2
    for repeat, one in enumerate(found["repeats"]):
        rows = files.read(config.output / f"repeat-{repeat}.jsonl").rows
        assert one["n"] == len(rows) == 5
        assert [row.status for row in rows].count("invalid_input") == one["status_counts"]["invalid_input"] == 1
        assert [row.raw is None for row in rows] == [False, False, False, True, False]
        assert sum(one["outcomes"].values()) == 5
        assert one["shots"] == {"shown": 8, "dropped": 0, "rows_with_dropped": 0, "rows_too_long": 0}
    for name, over in found["over_repeats"].items():
        assert over["by_repeat"] == [one["metrics"][name] for one in found["repeats"]]
        assert over["mean"] == pytest.approx(sum(over["by_repeat"]) / 2)
        assert over["sd"] == pytest.approx(abs(over["by_repeat"][0] - over["by_repeat"][1]) / 2**0.5)


def test_an_interrupted_run_goes_on_to_the_same_bytes(config: InContextConfig) -> None:
    path = in_context(config, lambda text: None)
    names = [config.output / f"repeat-{repeat}.jsonl" for repeat in range(2)]
    whole = [name.read_bytes() for name in (path, *names)]
    torn = whole[1].splitlines(keepends=True)
    names[0].write_bytes(b"".join(torn[:4]) + torn[4][:9])  # header, three rows and a torn one: within a batch
    names[1].unlink()
    path.unlink()
    in_context(config, lambda text: None)
    assert [name.read_bytes() for name in (path, *names)] == whole


def test_reading_again_gives_the_first_figures(config: InContextConfig) -> None:
    in_context(config, lambda text: None)
    first = files.read(config.output / "repeat-0.jsonl")
    assert reread(TASKS.get(config.task), first) == first


def test_the_size_of_a_batch_changes_no_answer(config: InContextConfig, tmp_path: Path) -> None:
    in_context(config, lambda text: None)
    other = replace(config, output=tmp_path / "other", decoding=replace(config.decoding, batch_size=5))
    in_context(other, lambda text: None)
    first, second = (files.read(folder / "repeat-0.jsonl") for folder in (config.output, other.output))
    assert [row.raw for row in first.rows] == [row.raw for row in second.rows]
    assert first.header == second.header


def test_an_answer_is_scored_as_it_is_read(config: InContextConfig) -> None:
    """What the texts say is written into the file; the figures follow without the network."""
    report = in_context(config, lambda text: None)
    good = {"forward_prediction": "The product is NC.", "reaction_classification": "8", "yield_prediction": "10.5 %"}
    path = config.output / "repeat-0.jsonl"
    kept = files.read(path)
    said = [good[config.task], "no idea at all"]
    texts = [replace(row, raw=text) for row, text in zip(kept.rows[:2], said, strict=True)]
    path.unlink()
    with files.PredictionWriter(path, kept.header) as writer:
        for row in [*texts, *kept.rows[2:]]:
            writer.write(row)
    found = json.loads(in_context(config, lambda text: None).read_text())["repeats"][0]
    again = reread(TASKS.get(config.task), files.read(path)).rows
    assert again[0].status == "ok"
    assert (again[1].status, again[1].candidates) == ("no_answer", ())
    assert found["status_counts"]["ok"] >= 1
    assert report.is_file()
    name = {"forward_prediction": "exact_match@1", "reaction_classification": "accuracy"}.get(config.task)
    assert name is None or found["metrics"][name] == pytest.approx(0.2)


def test_another_run_is_not_continued(config: InContextConfig) -> None:
    in_context(config, lambda text: None)
    with pytest.raises(UsageError, match="model"):
        in_context(replace(config, instruction=1), lambda text: None)


def test_what_does_not_fit_is_counted(config: InContextConfig, tmp_path: Path) -> None:
    """A token is a byte: the longest question fits alone, and then not even the shortest does."""
    task = TASKS.get(config.task)
    words = own_library().of(task.name)[0].text
    alone = [len(in_context_text(task, words, [], ask(task, query).given)) for query, _ in ROWS[task.name][:4]]
    for longest, fit in ((max(alone), True), (min(alone) - 1, False)):
        short = replace(config.decoding, max_prompt_tokens=longest)
        one = replace(config, output=tmp_path / str(longest), decoding=short)
        told = json.loads(in_context(one, lambda text: None).read_text())["repeats"][0]
        assert told["shots"] == {
            "shown": 0,
            "dropped": 8,
            "rows_with_dropped": 4,
            "rows_too_long": 0 if fit else 4,
        }
        assert fit or told["status_counts"]["no_answer"] == 4


def test_the_least_similar_examples_are_dropped_first(config: InContextConfig) -> None:
    task = TASKS.get("forward_prediction")
    pool = [Solved("CCCCCBr.N", "CCCCCN"), Solved("c1ccccc1", "Oc1ccccc1"), Solved("CCCCCl.N", "CCCCN")]
    tokens = PromptTokens(ForeignTokens.load(config.model))
    chosen = replace(config, task=task.name, shots=replace(config.shots, number=3, choice="text"), repeats=1)
    prompts = _Prompts(chosen, task, ShotPool(task, pool, "text"), tokens)
    row = AskedRow("CCCCCCBr.N", "CCCCCCN", "CCCCCCBr.N", "CCCCCCN")
    whole = prompts.of(row, 0, 10_000)
    assert (whole.shots, whole.dropped) == (3, 0)
    less = prompts.of(row, 0, len(whole.tokens) - 1)
    assert (less.shots, less.dropped) == (2, 1)
    assert "c1ccccc1" not in tokens.decode(less.tokens)
    assert tokens.decode(less.tokens).index("CCCCCl.N") < tokens.decode(less.tokens).index("CCCCCBr.N")


def test_repeats_that_cannot_differ_are_refused(config: InContextConfig) -> None:
    for same in (replace(config.shots, choice="text"), replace(config.shots, number=0)):
        with pytest.raises(ConfigError, match="the same"):
            replace(config, shots=same)


def test_rows_come_from_one_place() -> None:
    with pytest.raises(ConfigError, match="table or"):
        RowsChoice()
    with pytest.raises(ConfigError, match="no part"):
        RowsChoice(source=LabelledSource("uspto_50k"), part="valid")


def test_an_unknown_wording_is_refused(config: InContextConfig) -> None:
    with pytest.raises(ConfigError, match="instruction 12"):
        in_context(replace(config, instruction=12), lambda text: None)


def test_a_pool_without_a_readable_row_is_refused(config: InContextConfig, tmp_path: Path) -> None:
    pool = RowsChoice(table(tmp_path / "bad.csv", [BROKEN[config.task]]))
    with pytest.raises(DataError, match="empty"):
        in_context(replace(config, shots=replace(config.shots, pool=pool)), lambda text: None)
