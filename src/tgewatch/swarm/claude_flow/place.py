"""Where claude-flow is, where it works, and what of our surroundings it may see."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tgewatch.settings.claude_flow import ClaudeFlowSettings

NAMES = ("claude-flow", "ruflo")
OWN = "claude-flow"
"""Folder in the state folder."""
SEEN = frozenset(
    {
        "HOME",
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "LC_CTYPE",
        "NODE_EXTRA_CA_CERTS",
        "PATH",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
    }
)
"""Variables that are passed on. All others, and every token among them, are not; nor are proxies,
whose addresses hold passwords."""
TOLD: Mapping[str, str] = MappingProxyType(
    {
        "RUFLO_DAEMON_AUTOSTART": "0",  # 3.x: no process that outlives the command
        "CLAUDE_FLOW_AUTO_UPDATE": "false",  # 3.x: no npm install in the folder
        "RUFLO_FUNNEL": "0",  # 3.x: no promotion among the output
        "NO_COLOR": "1",
        "NO_UPDATE_NOTIFIER": "1",
        "npm_config_offline": "true",
        "npm_config_update_notifier": "false",
        "npm_config_yes": "false",
    }
)
_STUB = "#!/bin/sh\nexit 1\n"


@dataclass(frozen=True, slots=True)
class Place:
    """The command, and the folder that it works in."""

    command: Path
    root: Path
    """The tool's working folder; all it keeps is in it."""
    own: bool
    """Whether nobody else works there."""
    folder: Path
    """Ours, for what the tool must not find in a shared root."""
    namespace: str = "tgewatch"

    def prepare(self) -> None:
        """Make the folders, and the npx that says no. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(parents=True, exist_ok=True)
        stub = self.folder / "bin" / "npx"
        if not os.access(stub, os.X_OK):
            stub.parent.mkdir(exist_ok=True)
            draft = stub.with_name(f".npx.{os.getpid()}")
            draft.write_text(_STUB, encoding="ascii")
            draft.chmod(0o755)
            draft.replace(stub)

    def environment(self, around: Mapping[str, str]) -> dict[str, str]:
        """Return what the command sees: little of what is around, and what it shall not do.

        The first npx that it finds does nothing: claude-flow 2 has npx fetch another package in
        the background, whose processes stay behind.
        """
        seen = {name: value for name, value in around.items() if name in SEEN}
        path = (str(self.folder / "bin"), seen.get("PATH", os.defpath))
        return {**seen, **TOLD, "PATH": os.pathsep.join(path)}


def find(
    settings: ClaudeFlowSettings, *, folder: Path, state: Path, path: str | None
) -> Place | None:
    """Return where claude-flow is: as told, in the project at `folder`, or on `path`; or None.

    Nothing is run and nothing is downloaded. Without process groups (Windows) there is none.
    """
    if not settings.enabled or sys.platform == "win32":
        return None
    command = _command(settings.command, folder, path or "")
    if command is None:
        return None
    own = state.absolute() / OWN
    root = settings.root.absolute() if settings.root is not None else own
    return Place(command, root, settings.root is None, own, settings.namespace)


def line(settings: ClaudeFlowSettings, *, folder: Path, state: Path, path: str | None) -> str:
    """Return what there is, in one line for a person. Nothing is run."""
    if not settings.enabled:
        return "off: [claude_flow] enabled = true tells it of rounds"
    if sys.platform == "win32":
        return "off: needs process groups, which Windows lacks"
    place = find(settings, folder=folder, state=state, path=path)
    if place is not None:
        return f"{place.command}, working in {place.root}"
    if settings.command:
        return f"{settings.command} is not there: correct [claude_flow] command"
    return "not found, so nobody is told of rounds: install it, or set [claude_flow] command"


def _command(told: str, folder: Path, path: str) -> Path | None:
    if os.sep in told:
        return _executable(folder / Path(told).expanduser())
    if not told and (local := _executable(folder / "node_modules" / ".bin" / NAMES[0])):
        return local
    for name in (told,) if told else NAMES:
        if found := shutil.which(name, path=path):
            return Path(found).absolute()
    return None


def _executable(path: Path) -> Path | None:
    return path.absolute() if path.is_file() and os.access(path, os.X_OK) else None
