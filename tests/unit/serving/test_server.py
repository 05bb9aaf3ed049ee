"""A server that cannot start says why, before it listens; nothing is left held."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retort.cli import app
from retort.errors import ModelError, RetortError, UsageError
from retort.serving.jobs import JobStore
from retort.serving.server import serve
from retort.serving.settings import ServeConfig


def refused(settings: ServeConfig, kind: type[RetortError], words: str) -> None:
    with pytest.raises(kind, match=words):
        serve(settings, lambda text: None)


def test_a_taken_port_is_named(settings: ServeConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(replace(settings, port=port), UsageError, f"cannot listen on 127.0.0.1:{port}")


def test_an_address_that_is_none_is_named(settings: ServeConfig) -> None:
    refused(replace(settings, host="256.0.0.1", port=0), UsageError, "cannot listen on 256.0.0.1:0")


def test_a_folder_of_another_server_is_named(settings: ServeConfig) -> None:
    store = JobStore(settings.job_folder)
    refused(replace(settings, port=0), UsageError, "another server keeps its jobs")
    store.close()


def test_a_damaged_model_is_found_before_the_first_query(settings: ServeConfig, tmp_path: Path) -> None:
    from retort.inference.toy_model import write_toy_model

    folder = write_toy_model(tmp_path / "damaged")
    (folder / "language_model" / "vocabulary.json").write_text("{}")
    refused(replace(settings, port=0, model=str(folder)), ModelError, "damaged")


@pytest.mark.parametrize("command", ["serve", "mcp"])
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["max_rows=many"], "error: settings of the server: max_rows"),
        (["max_row=1"], "error: settings of the server: unknown key 'max_row'. Did you mean 'max_rows'?"),
        (["--model", "no-such-model"], "error: there is no model 'no-such-model'."),
        (["--config", "none.toml"], "error: cannot read configuration 'none.toml'"),
    ],
)
def test_wrong_settings_are_one_line(
    command: str, words: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("RETORT_SERVE_PORT", "0")
    result = CliRunner().invoke(app, [command, *words])
    assert result.exit_code in (1, 2)
    assert result.stdout == ""
    assert result.stderr.startswith(reason)
    assert result.stderr.count("\n") == 1


def test_the_help_names_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    for command, options in (("serve", ("--host", "--port", "--model", "--jobs", "--config")), ("mcp", ("--model",))):
        text = CliRunner().invoke(app, [command, "--help"]).stdout
        assert [option for option in options if option not in text] == []
