"""The folder of a training stage is a model: it predicts, is evaluated and is benchmarked like any other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retort import Predictor
from retort.cli import app
from retort.errors import ModelError
from retort.inference.engines.multimodal import MultimodalEngine
from retort.inference.model_folder import ModelFolder
from retort.models.adapters import Policy
from retort.models.backbone import Seq2SeqConfig
from retort.models.checkpoint import CARD
from retort.models.graph_encoder import GraphEncoderConfig
from retort.models.molecule_reader import MoleculeReaderConfig
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.train_stages import TrainStagesConfig, train_stages
from retort.training.stages import Stage, StageTraining

QUERIES = ["CN.OCCBr", "CN.CBr", "CN.N#CCBr"]
ANSWERS = ["CNCCO", "CNC", "CNCC#N"]


def cli(*arguments: object) -> tuple[list[dict], int, str]:
    result = CliRunner().invoke(app, [*map(str, arguments), "--format", "json"])
    return [json.loads(line) for line in result.stdout.splitlines()], result.exit_code, result.output


def test_what_was_learned_is_answered_with_scores(stages: Path) -> None:
    found, code, output = cli("predict", "forward", *QUERIES, "--model", stages / "forward", "--top-k", 3)
    assert code == 0, output
    assert [row["candidates"][0]["smiles"] for row in found] == ANSWERS
    for row in found:
        scores = [candidate["score"] for candidate in row["candidates"]]
        assert scores == sorted(scores, reverse=True)
        assert all(score <= 0 for score in scores)
        assert {candidate["proposer"] for candidate in row["candidates"]} == {"language_model"}
        assert "training stage" in row["message"]
        assert row["model"].endswith("chain/forward")


def test_scores_are_length_normalised_log_probabilities(stages: Path) -> None:
    folder = stages / "forward"
    words = Vocabulary.load(folder / "vocabulary.json")
    engine = MultimodalEngine(folder, words)
    sources = [words.encode(f"<forward_prediction>{query}") for query in QUERIES]
    for source, answers in zip(
        sources, engine.generate(sources, beam_size=4, num_hypotheses=4, max_length=20), strict=True
    ):
        assert len({answer.tokens for answer in answers}) == len(answers) > 1
        totals = engine.score([source] * len(answers), [answer.tokens for answer in answers])
        for answer, total in zip(answers, totals, strict=True):
            assert answer.score == pytest.approx(total / (len(answer.tokens) + 1), abs=1e-5)
    best = [
        words.decode(answers[0].tokens)
        for answers in engine.generate(sources, beam_size=4, num_hypotheses=1, max_length=20)
    ]
    alone = [
        words.decode(engine.generate([s], beam_size=4, num_hypotheses=1, max_length=20)[0][0].tokens) for s in sources
    ]
    assert best == alone  # whoever shares the batch


def test_a_later_stage_knows_what_those_before_it_learned(stages: Path) -> None:
    model = Predictor.load(str(stages / "backward"))
    assert model.declines("retrosynthesis") == model.declines("forward") == ""
    assert "learned forward_prediction, retrosynthesis" in model.declines("reagents")
    assert Predictor.load(str(stages)).fingerprint == model.fingerprint  # a chain is its last stage
    earlier = Predictor.load(str(stages / "forward"))
    assert "it learned forward_prediction" in earlier.declines("retrosynthesis")
    found, code, _ = cli("predict", "retrosynthesis", "CCCNC", "--model", stages / "forward")
    assert (found[0]["status"], code) == ("no_answer", 1)
    found, _, _ = cli("predict", "retrosynthesis", "CCCNC", "--model", stages / "backward")
    assert found[0]["status"] in ("ok", "no_answer")


def test_rows_of_text_alone_are_asked_without_molecules(stages: Path) -> None:
    """A name has no graph; in one batch with molecules it is read as it is alone."""
    words = Vocabulary.load(stages / "forward" / "vocabulary.json")
    engine = MultimodalEngine(stages / "forward", words)
    texts = ["<forward_prediction><text>methyl bromide, O.C>N</text>", "<forward_prediction>CN.CBr"]
    sources, target = [words.encode(text) for text in texts], words.encode("CNC")[:-1]
    alone = [engine.score([source], [target])[0] for source in sources]
    assert engine.score(sources, [target, target]) == pytest.approx(alone, abs=1e-4)
    assert alone[0] < alone[1] < 0


def test_an_encoder_decoder_answers_too(stages: Path, tmp_path: Path) -> None:
    last = train_stages(
        TrainStagesConfig(
            output=tmp_path,
            rows_folder=stages.parent / "rows",
            stages=(Stage("forward", {"forward_prediction": 1.0}, Policy("all", encoders=True), 500),),
            language_model="seq2seq",
            seq2seq=Seq2SeqConfig(d_model=16, d_kv=8, d_ff=16, layers=1, decoder_layers=1, heads=2),
            reader=MoleculeReaderConfig(encoder=GraphEncoderConfig(layers=1, width=8)),
            training=StageTraining(places_per_batch=130, limit=64, evaluate_rows=4, precision="bf16"),
        ),
        lambda _: None,
    )
    words = Vocabulary.load(last / "vocabulary.json")
    engine, sources = MultimodalEngine(last, words), [words.encode(f"<forward_prediction>{query}") for query in QUERIES]
    for source, answers in zip(
        sources, engine.generate(sources, beam_size=3, num_hypotheses=2, max_length=6), strict=True
    ):
        assert len(answers) == 2
        assert answers[0].score >= answers[1].score
        assert engine.score([source], [answers[0].tokens])[0] == pytest.approx(
            answers[0].score * (len(answers[0].tokens) + 1), abs=1e-4
        )
    found, _, output = cli("predict", "forward", QUERIES[0], "--model", last)
    assert found[0]["status"] in ("ok", "no_answer"), output


def test_bad_queries_stop_nobody(stages: Path) -> None:
    long = "CN." + "C" * 70 + "Br"
    found, code, _ = cli("predict", "forward", "CN.CBr", "nonsense", long, "CN.OCCBr", "--model", stages / "forward")
    assert [row["status"] for row in found] == ["ok", "invalid_input", "no_answer", "ok"]
    assert "places and the language model reads 64" in found[2]["message"]
    assert code == 1


def test_it_is_evaluated_like_any_model(stages: Path, tmp_path: Path) -> None:
    rows = ["input,target", "CN.OCCBr,CNCCO", "CN.CBr,CNC", "CN.N#CCBr,CCO", "nonsense,CCO"]
    (tmp_path / "rows.csv").write_text("\n".join(rows) + "\n")
    (report,), code, output = cli(
        "evaluate", "forward", "--input", tmp_path / "rows.csv", "--model", stages / "forward"
    )
    assert code == 0, output
    assert report["n"] == 4
    assert report["metrics"]["exact_match@1"] == 0.5
    assert report["status_counts"]["invalid_input"] == 1


def test_without_torch_one_line_says_what_to_install(stages: Path) -> None:
    script = f"""
import sys
for name in ("torch", "transformers"):
    sys.modules[name] = None
from retort.cli import main
sys.argv = ["retort", "predict", "forward", "CN.CCBr", "--model", {str(stages / "forward")!r}]
raise SystemExit(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "[train]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_stage_is_refused(stages: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "forward"
    shutil.copytree(stages / "forward", copy)
    (copy / "molecule_reader.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="missing or damaged"):
        ModelFolder.open(str(copy))
    card = json.loads((stages / "forward" / CARD).read_text())
    shutil.copytree(stages / "forward", tmp_path / "mute")
    del card["mode"]
    card["config"]["rows"] = None
    (tmp_path / "mute" / CARD).write_text(json.dumps(card))
    with pytest.raises(ModelError, match="what it was shown of a molecule"):
        Predictor.load(str(tmp_path / "mute")).forward_prediction("CN.CCBr")
