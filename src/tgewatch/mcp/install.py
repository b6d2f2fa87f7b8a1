"""The entry in a `.mcp.json`, by which other programs start the server."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tgewatch.errors import ConfigError

FILE = ".mcp.json"
NAME = "tgewatch"
SERVERS = "mcpServers"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """How the server is started."""

    command: str
    args: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in the file."""
        return {"type": "stdio", "command": self.command, "args": list(self.args)}


@dataclass(frozen=True, slots=True)
class Installed:
    """What becomes of a file."""

    content: bytes
    """The whole file."""
    change: str
    """added, replaced or unchanged."""
    others: tuple[str, ...]
    """Names of the entries that stay as they are."""


def entry_for(
    *,
    settings: Path | None,
    state: Path | None,
    allow_scan: bool,
    executable: str = sys.executable,
) -> Entry:
    """Return how to start this very program from any folder, with whatever PATH.

    The paths are absolute ones. Nothing secret is in it: secrets stay where the settings keep them.
    """
    script = Path(executable).with_name("tgewatch")
    start = (str(script),) if script.is_file() else (executable, "-m", "tgewatch")
    args = [*start[1:]]
    if settings is not None:
        args += ["--settings", str(settings)]
    if state is not None:
        args += ["--state", str(state)]
    args.append("mcp")
    if allow_scan:
        args.append("--allow-scan")
    return Entry(start[0], tuple(args))


def merged(
    existing: bytes | None, entry: Entry, *, where: str, name: str = NAME, force: bool = False
) -> Installed:
    """Return the file with `entry` under `name`, and everything else as it was.

    None begins a new file. Raises ConfigError when the file is not what it must be, and, without
    `force`, when the name stands for another program.
    """
    document = {} if existing is None or not existing.strip() else _parsed(existing, where)
    servers = document.setdefault(SERVERS, {})
    if not isinstance(servers, dict):
        raise _problem(f"{where}: {SERVERS!r} must be an object of servers by name")
    others = tuple(other for other in servers if other != name)
    before, after = servers.get(name), entry.as_json()
    if before == after and existing is not None:
        return Installed(existing, "unchanged", others)
    if before is not None and not force and not _ours(before):
        raise _problem(
            f"{where}: {name!r} starts another program ({_command(before)});"
            " choose another name with --name, or replace it with --force"
        )
    servers[name] = after if before is None or not isinstance(before, dict) else {**before, **after}
    text = json.dumps(document, indent=2, ensure_ascii=False)
    change = "added" if before is None else "replaced"
    return Installed(f"{text}\n".encode(errors="surrogatepass"), change, others)


def _parsed(content: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_number
        )
    except UnicodeDecodeError:
        raise _problem(f"{where}: is not UTF-8 text; nothing was changed") from None
    except json.JSONDecodeError as error:
        raise _problem(
            f"{where}:{error.lineno}: is not JSON ({error.msg}, column {error.colno});"
            " mend it first, nothing was changed"
        ) from None
    except (ValueError, RecursionError) as error:
        raise _problem(f"{where}: {error}; mend it first, nothing was changed") from None
    if not isinstance(found, dict):
        raise _problem(f"{where}: must be a JSON object; nothing was changed")
    return found


def _problem(text: str) -> ConfigError:
    return ConfigError([text])


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands twice: writing the file again would lose one of them."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key[:_SHOWN]!r} stands twice in one object")
        found[key] = value
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _ours(entry: Any) -> bool:
    """Return whether an entry starts this program's server, in whatever way."""
    if not isinstance(entry, Mapping):
        return False
    words = [str(entry.get("command", "")), *map(str, _list(entry.get("args")))]
    return "mcp" in words and any(Path(word).stem == "tgewatch" for word in words)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _command(entry: Any) -> str:
    """Return what an entry starts, without its arguments: others keep secrets there."""
    command = entry.get("command", "no command") if isinstance(entry, Mapping) else "no object"
    return " ".join(str(command).split())[:_SHOWN]
