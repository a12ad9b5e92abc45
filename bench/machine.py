"""The machine and the versions that a figure was taken on.

Belongs here: facts about where a measurement ran. Does not: measuring anything.
"""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("dagster", "dagster-postgres", "great-expectations", "SQLAlchemy")


def machine() -> dict[str, str]:
    """Cores, processor and the load before the measurement began: a busy machine makes every figure larger."""
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": _processor(),
        "load average (1, 5, 15 min)": ", ".join(f"{load:.2f}" for load in os.getloadavg()),
        "system": platform.platform(terse=True),
    }


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Of what the figures depend on; PostgreSQL adds its own once it runs."""
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
