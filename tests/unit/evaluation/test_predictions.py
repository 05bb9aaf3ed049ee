"""The file of predictions: what is written is read, torn lines are cut off, other people's files are left alone."""

import json
import lzma
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from retort.errors import DataError, InputFileError, OutputError, UsageError
from retort.evaluation.predictions import Candidate, Header, Prediction, PredictionWriter, read, resume

HEADER = Header(task="retrosynthesis", model="toy", top_k=5)


def row(index: int, query: str = "CCO") -> Prediction:
    candidates = (Candidate("C.CO", -0.25, "language_model"), Candidate("CCBr.O", None, "template_ranker"))
    return Prediction(index, query, "C=C.O", "ok", "", candidates)


def write(path: Path, rows: int) -> Path:
    with PredictionWriter(path, HEADER) as writer:
        for index in range(rows):
            writer.write(row(index))
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    unanswered = Prediction(1, "C1CC é\u2028\n", "", "invalid_input", "cannot read", ())
    with PredictionWriter(path, HEADER) as writer:
        writer.write(row(0))
        writer.write(unanswered)
    found = read(path)
    assert found.header == HEADER
    assert found.rows == (row(0), unanswered)


def test_lines_have_the_contract_keys(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in write(tmp_path / "p.jsonl", 1).read_text().splitlines()]
    assert lines[0] == {
        "format": "retort-predictions",
        "version": 1,
        "task": "retrosynthesis",
        "model": "toy",
        "top_k": 5,
    }
    assert set(lines[1]) == {"index", "query", "target", "status", "message", "candidates"}
    assert set(lines[1]["candidates"][0]) == {"smiles", "score", "proposer"}


@pytest.mark.parametrize("kind", ["smiles", "text", "value"])
def test_the_text_that_an_answer_was_read_out_of_may_stand_beside_it(tmp_path: Path, kind: str) -> None:
    """It is a key of the rows that have it, in both versions; an empty text is one."""
    path, header = tmp_path / "p.jsonl", Header("t", "m", 1, kind)  # type: ignore[arg-type]
    found = {"smiles": ("C", ""), "text": ("", "C"), "value": ("", "")}[kind]
    read_out = Candidate(found[0], -1.0, "in_context", found[1], value=7.0 if kind == "value" else None)
    rows = (
        Prediction(0, "q", "t", "ok", "", (read_out,), "It is C.\n"),
        Prediction(1, "q", "t", "no_answer", "empty answer", (), ""),
        Prediction(2, "q", "t", "invalid_input", "cannot read", ()),
    )
    with PredictionWriter(path, header) as writer:
        for one in rows:
            writer.write(one)
    assert read(path).rows == rows
    assert resume(path, header, [("q", "t")] * 3) == 3
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["version"] == (1 if kind == "smiles" else 2)
    assert [line.get("raw") for line in lines[1:]] == ["It is C.\n", "", None]
    assert "raw" not in lines[3]


def test_every_row_is_on_disk_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with PredictionWriter(path, HEADER) as writer:
        for index in range(3):
            writer.write(row(index))
            assert len(path.read_text().splitlines()) == index + 2


def test_compressed_files_are_read(tmp_path: Path) -> None:
    plain = write(tmp_path / "p.jsonl", 2)
    packed = tmp_path / "p.jsonl.xz"
    packed.write_bytes(lzma.compress(plain.read_bytes()))
    assert read(packed) == read(plain)
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(InputFileError, match=r"p\.jsonl\.xz"):
        read(packed)


def test_compressed_files_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="plain"):
        PredictionWriter(tmp_path / "p.jsonl.xz", HEADER)


def test_resuming_at_any_byte_gives_the_uninterrupted_file(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.jsonl", 3).read_bytes()
    path = tmp_path / "torn.jsonl"
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        done = resume(path, HEADER)
        with PredictionWriter(path, HEADER) as writer:
            for index in range(done, 3):
                writer.write(row(index))
        assert path.read_bytes() == whole, f"cut at byte {cut}"


def test_resuming_counts_only_complete_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", 2)
    assert resume(tmp_path / "absent.jsonl", HEADER) == 0
    assert resume(path, HEADER) == 2
    path.write_bytes(path.read_bytes()[:-1])
    assert resume(path, HEADER) == 1


def test_resuming_refuses_another_input(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", 2)
    same = [("CCO", "C=C.O")] * 4
    assert resume(path, HEADER, same) == 2
    for other in ([("CCO", "C=C.O"), ("CCN", "C=C.O")], same[:1]):
        with pytest.raises(UsageError, match=r"row 1 .*another input"):
            resume(path, HEADER, other)
    assert len(read(path).rows) == 2


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (Header("forward_prediction", "toy", 5), "task 'retrosynthesis', not 'forward_prediction'"),
        (Header("retrosynthesis", "base", 5), "model 'toy', not 'base'"),
        (Header("retrosynthesis", "toy", 10), "top_k 5, not 10"),
    ],
)
def test_resuming_refuses_another_run(tmp_path: Path, other: Header, named: str) -> None:
    path = write(tmp_path / "p.jsonl", 2)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=named):
        resume(path, other)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"input,target\nCCO,C\n", b"my notes", b"{}\n", b"\xff\xfe\x00"])
def test_resuming_leaves_foreign_files_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is not a file of predictions"):
        resume(path, HEADER)
    assert path.read_bytes() == content


def test_reading_refuses_what_is_incomplete(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", 3)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines)[:-1])
    with pytest.raises(DataError, match="line 4: the line is torn"):
        read(path)
    path.write_bytes(lines[0] + lines[1] + lines[3])
    with pytest.raises(DataError, match="line 3: row 2 stands where row 1 belongs"):
        read(path)
    path.write_bytes(lines[0] + b'{"index": 0}\n')
    with pytest.raises(DataError, match=r"line 2: damaged row \('candidates'\)"):
        read(path)
    path.write_bytes(lines[0] + lines[1].replace(b'"ok"', b'"fine"'))
    with pytest.raises(DataError, match="unknown status 'fine'"):
        read(path)
    path.write_bytes(lines[0].replace(b'"version": 1', b'"version": 3'))
    with pytest.raises(InputFileError, match="version 1"):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(InputFileError, match="not a file of predictions"):
        read(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"absent\.jsonl.*No such file"):
        read(tmp_path / "absent.jsonl")
    with pytest.raises(OutputError, match=r"p\.jsonl.*No such file"):
        PredictionWriter(tmp_path / "absent" / "p.jsonl", HEADER)


def test_a_score_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    with PredictionWriter(tmp_path / "p.jsonl", HEADER) as writer:
        bad = Prediction(0, "C", "C", "ok", "", (Candidate("C", float("nan"), "x"),))
        with pytest.raises(ValueError, match="JSON"):
            writer.write(bad)
    assert read(tmp_path / "p.jsonl").rows == ()


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="this system knows no limit on file sizes")
def test_a_full_disk_is_one_error_and_keeps_the_rows_before(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    program = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from retort.errors import OutputError
        from retort.evaluation.predictions import Candidate, Header, Prediction, PredictionWriter
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
        try:
            with PredictionWriter(Path(sys.argv[1]), Header("retrosynthesis", "toy", 5)) as writer:
                for index in range(100):
                    writer.write(Prediction(index, "CCO", "C=C.O", "no_answer", "", ()))
        except OutputError as error:
            print(error)
    """)
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"cannot write {str(path)!r}: File too large.")
    assert 5 < resume(path, HEADER) < 100
