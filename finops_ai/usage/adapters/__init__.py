"""The formats that are read, by name: a module each, loaded when a file of it is read.

Belongs here: the registry. Does not: any format. To add one: a module with
`read(log: LogFile, options: Options) -> Iterator[Item]`, its line here, and its row in the contract test.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module

from finops_ai.usage.reading import Item, LogFile, Options, UsageError

Adapter = Callable[[LogFile, Options], Iterator[Item]]

FORMATS: Mapping[str, str] = {  # name → module
    "openai": "openai",
    "anthropic": "anthropic",
    "litellm": "litellm",
    "langfuse": "langfuse",
    "otel": "otel",
    "bedrock": "bedrock",
    "azure-apim": "azure_apim",
    "focus": "focus",
    "csv": "plain_csv",
    "azure-trace": "azure_trace",
    "mooncake": "mooncake",
    "aider": "aider",
}


_OPTIONS = {"mapping": "csv", "start": "mooncake"}  # that one format alone takes


def adapter(name: str) -> Adapter:
    """Raises UsageError for a name that is not in FORMATS."""
    if name not in FORMATS:
        raise UsageError([{"field": "format", "reason": f"{name!r} is not a format; there are: {', '.join(FORMATS)}"}])
    found: Adapter = import_module(f"{__name__}.{FORMATS[name]}").read
    return found


def check_options(name: str, options: Options) -> None:
    """Raises UsageError for an option that this format does not take: it would be passed over in silence."""
    for option, takes in _OPTIONS.items():
        if getattr(options, option) and name != takes:
            raise UsageError([{"field": option, "reason": f"only the format {takes} takes it, not {name}"}])
