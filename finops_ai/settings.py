"""What the environment decides: where records live, which policy holds, who is asking.

Belongs here: every `FINOPS_AI_*` variable, its default, and the refusal of a setting that cannot work. Does not: the
policy's content (`policy`), opening anything (`store`, `orchestration`).
"""

import getpass
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_HOME = ".finops_ai"
DEFAULT_UI_URL = "http://127.0.0.1:3000"
DEFAULT_DESK_URL = "http://127.0.0.1:3300"
POSTGRES_DRIVER = "postgresql+psycopg2"


class SettingsError(Exception):
    """A setting is missing or cannot work. The message names the variable and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment. Every process of it (CLI, web UI, daemon, run worker) must see the same values."""

    home: Path  # absolute
    postgres_url: str | None = None  # with its driver named; None: SQLite below `home`
    production: bool = False
    policy_path: Path | None = None  # replaces the shipped policy key by key
    objects_url: str | None = None  # None: the folder `home/objects`; else any fsspec address
    user: str = ""  # who submits: an author may not approve
    trust_launchpad: bool = False  # an authenticating proxy stands before the web UI
    ui_url: str = DEFAULT_UI_URL  # where people reach the web UI: links lead there
    notify_urls: str = ""  # where alerts go, as apprise writes addresses; they hold secrets, so they are no policy
    desk_url: str = DEFAULT_DESK_URL  # where people reach the desk; it answers to this host name and its own machine's

    @property
    def inbox(self) -> Path:
        """Briefs dropped here are taken by the `inbox` sensor."""
        return self.home / "inbox"

    @property
    def published(self) -> Path:
        """The local target."""
        return self.home / "published"


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment once.

    Raises SettingsError: production without PostgreSQL (never a silent SQLite), an address that is not PostgreSQL's.
    """
    url = environ.get("FINOPS_AI_POSTGRES_URL") or None
    stage = environ.get("FINOPS_AI_ENV") or "development"
    if stage not in ("development", "production"):  # a misspelt "production" must not become a development machine
        raise SettingsError(f"FINOPS_AI_ENV is {stage!r}; it is development or production")
    production = stage == "production"
    if production and url is None:
        raise SettingsError("FINOPS_AI_ENV=production needs FINOPS_AI_POSTGRES_URL; SQLite is for one person's machine")
    policy = environ.get("FINOPS_AI_POLICY") or None
    return Settings(
        home=Path(environ.get("FINOPS_AI_HOME") or DEFAULT_HOME).expanduser().resolve(),
        postgres_url=_with_driver(url) if url else None,
        production=production,
        policy_path=Path(policy).expanduser().resolve() if policy else None,
        objects_url=environ.get("FINOPS_AI_OBJECTS") or None,
        user=environ.get("FINOPS_AI_USER") or _login_name(),
        ui_url=(environ.get("FINOPS_AI_UI_URL") or DEFAULT_UI_URL).rstrip("/"),
        desk_url=_desk_url(environ.get("FINOPS_AI_DESK_URL") or DEFAULT_DESK_URL),
        notify_urls=environ.get("FINOPS_AI_NOTIFY_URLS") or "",
        trust_launchpad=_trusts_proxy(environ.get("FINOPS_AI_LAUNCHPAD_IDENTITY") or "signature"),
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables a child process needs to see the same deployment from any working directory."""
    optional = {
        "FINOPS_AI_POSTGRES_URL": settings.postgres_url,
        "FINOPS_AI_ENV": "production" if settings.production else None,
        "FINOPS_AI_POLICY": str(settings.policy_path) if settings.policy_path else None,
        "FINOPS_AI_OBJECTS": settings.objects_url,
        "FINOPS_AI_NOTIFY_URLS": settings.notify_urls or None,
        "FINOPS_AI_LAUNCHPAD_IDENTITY": "proxy" if settings.trust_launchpad else None,
    }
    always = {
        "FINOPS_AI_HOME": str(settings.home),
        "DAGSTER_HOME": str(settings.home),
        "FINOPS_AI_USER": settings.user,
        "FINOPS_AI_UI_URL": settings.ui_url,
        "FINOPS_AI_DESK_URL": settings.desk_url,
    }
    return always | {name: value for name, value in optional.items() if value is not None}


def _trusts_proxy(identity: str) -> bool:
    if identity not in ("signature", "proxy"):
        raise SettingsError(f"FINOPS_AI_LAUNCHPAD_IDENTITY is {identity!r}; it is signature or proxy")
    return identity == "proxy"


def _desk_url(url: str) -> str:
    """A name with a `*` would be a pattern to the check of host names, and let every host through."""
    if not re.fullmatch(r"https?://([\w.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?(/[^\s?#]*)?", url):
        raise SettingsError(f"FINOPS_AI_DESK_URL is {url!r}; it must be http(s)://host, perhaps with a port and a path")
    return url.rstrip("/")


def _with_driver(url: str) -> str:
    """Name psycopg2: SQLAlchemy 2.1 reads a bare `postgresql://` as psycopg 3, which is not installed."""
    scheme, separator, rest = url.partition("://")
    if not separator or not re.fullmatch(r"postgres(ql)?(\+psycopg2)?", scheme):
        raise SettingsError(
            f"FINOPS_AI_POSTGRES_URL begins with {scheme!r}; it must be postgresql://user@host/database"
        )
    return f"{POSTGRES_DRIVER}://{rest}"


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container user without a passwd entry
        return f"uid-{os.getuid()}"
