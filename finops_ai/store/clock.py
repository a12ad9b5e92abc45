"""The one form in which a time is stored: text, UTC, ISO 8601 with microseconds and `Z`."""

from datetime import UTC, datetime


def utc_now(at: datetime | None = None) -> str:
    """Now, or the given aware time, as it is stored. Sorts as it reads."""
    moment = (at or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
