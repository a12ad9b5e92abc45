"""What the environment decides, and which values are refused."""

from pathlib import Path

import pytest

from finops_ai.settings import SettingsError, environment_of, load_settings


def test_the_default_is_a_folder_here_and_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert (settings.home, settings.postgres_url, settings.production) == (tmp_path / ".finops_ai", None, False)


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"FINOPS_AI_ENV": "production"}, "FINOPS_AI_POSTGRES_URL"),
        ({"FINOPS_AI_ENV": "prod"}, "FINOPS_AI_ENV"),
        ({"FINOPS_AI_POSTGRES_URL": "mysql://h/d"}, "FINOPS_AI_POSTGRES_URL"),
        ({"FINOPS_AI_POSTGRES_URL": "nonsense"}, "FINOPS_AI_POSTGRES_URL"),
        ({"FINOPS_AI_LAUNCHPAD_IDENTITY": "yes"}, "FINOPS_AI_LAUNCHPAD_IDENTITY"),
        ({"FINOPS_AI_DESK_URL": "desk.example"}, "FINOPS_AI_DESK_URL"),
        ({"FINOPS_AI_DESK_URL": "http://*"}, "FINOPS_AI_DESK_URL"),
        ({"FINOPS_AI_DESK_URL": "http://*.example"}, "FINOPS_AI_DESK_URL"),
        ({"FINOPS_AI_DESK_URL": "javascript://h"}, "FINOPS_AI_DESK_URL"),
        ({"FINOPS_AI_DESK_URL": "http://h/?a=1"}, "FINOPS_AI_DESK_URL"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(environ: dict[str, str], names: str) -> None:
    """A misspelt `production` must not become a development machine."""
    with pytest.raises(SettingsError, match=names):
        load_settings(environ)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_an_address_names_its_driver(scheme: str) -> None:
    """SQLAlchemy 2.1 reads a bare `postgresql://` as another driver, which is not installed."""
    settings = load_settings({"FINOPS_AI_POSTGRES_URL": f"{scheme}://u:p%40ss@h:5/d?sslmode=require"})
    assert settings.postgres_url == "postgresql+psycopg2://u:p%40ss@h:5/d?sslmode=require"


def test_a_child_process_sees_the_same_deployment_from_any_folder(tmp_path: Path) -> None:
    environ = {
        "FINOPS_AI_HOME": str(tmp_path),
        "FINOPS_AI_ENV": "production",
        "FINOPS_AI_POSTGRES_URL": "postgresql://h/d",
        "FINOPS_AI_POLICY": str(tmp_path / "p.yaml"),
        "FINOPS_AI_USER": "ana",
        "FINOPS_AI_LAUNCHPAD_IDENTITY": "proxy",
        "FINOPS_AI_DESK_URL": "https://desk.example:8443/path/",
    }
    settings = load_settings(environ)
    assert load_settings(environment_of(settings)) == settings
