"""Settings: where they come from, what wins, what is refused."""

from pathlib import Path

import pytest

from retort.errors import ConfigError, InputFileError
from retort.serving.settings import ServeConfig, load_settings, read_key

KEY = "k" * 16


def test_the_default_listens_on_this_machine_alone() -> None:
    settings = load_settings(None, {}, [], {})
    assert settings == ServeConfig()
    assert settings.host == "127.0.0.1"
    assert "localhost" in settings.hosts


def test_the_later_the_stronger(tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text('port = 1\nmax_top_k = 1\nmax_rows = 1\nmodel = "a"\nmax_batch = 7\n')
    environment = {"RETORT_SERVE_MAX_TOP_K": "2", "RETORT_SERVE_MAX_ROWS": "2", "RETORT_SERVE_MODEL": "b", "HOME": "x"}
    settings = load_settings(file, environment, ["max_rows=3"], {"model": "c", "host": None})
    assert (settings.port, settings.max_top_k, settings.max_rows, settings.model) == (1, 2, 3, "c")
    assert (settings.max_batch, settings.host) == (7, "127.0.0.1")


@pytest.mark.parametrize(
    ("environment", "overrides", "words"),
    [
        ({"RETORT_SERVE_PROT": "1"}, [], "unknown key 'prot'.*port"),
        ({}, ["max_rows=none"], "max_rows"),
        ({}, ["max_rows=0"], "max_rows must be above 0"),
        ({}, ["timeout_seconds=-1"], "timeout_seconds"),
        ({}, ["port=70000"], "no port 70000"),
        ({}, ["api_key=secret"], "unknown key 'api_key'"),
    ],
)
def test_what_does_not_fit_is_named(environment: dict[str, str], overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_settings(None, environment, overrides, {})


def test_other_addresses_are_called_by_any_name_unless_told() -> None:
    assert ServeConfig(host="0.0.0.0").hosts == ()
    assert ServeConfig(host="0.0.0.0", allowed_hosts=("lab",)).hosts == ("lab",)


def test_jobs_are_kept_below_the_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert ServeConfig().job_folder == Path("state/retort/jobs")
    assert ServeConfig(jobs=Path("here")).job_folder == Path("here")


def test_the_key_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}file\n")
    assert read_key(ServeConfig(), {}) is None
    assert read_key(ServeConfig(), {"RETORT_API_KEY": KEY}) == KEY
    assert read_key(ServeConfig(api_key_file=file), {"RETORT_API_KEY": KEY}) == f"{KEY}file"
    with pytest.raises(ConfigError, match="too short"):
        read_key(ServeConfig(), {"RETORT_API_KEY": "short"})
    with pytest.raises(ConfigError, match="too short"):
        read_key(ServeConfig(), {"RETORT_API_KEY": ""})  # an empty key is a mistake, not a wish for none
    with pytest.raises(InputFileError, match="cannot read the API key"):
        read_key(ServeConfig(api_key_file=tmp_path / "none"), {})
