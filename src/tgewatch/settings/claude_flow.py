"""What agents that share claude-flow are told."""

from pathlib import Path

from pydantic import Field, field_validator

from tgewatch.settings.section import Section
from tgewatch.settings.units import Seconds


class ClaudeFlowSettings(Section):
    """`[claude_flow]`."""

    enabled: bool = True
    """Tell claude-flow of rounds and their metrics, where it is found. Never waited for."""
    command: str = ""
    """The executable. Empty looks for `node_modules/.bin/claude-flow` beside the settings file, then for
    `claude-flow` and `ruflo` on PATH. It is never downloaded."""
    root: Path | None = None
    """Folder that agents run claude-flow in, to share its memory. Without one, the tool works in a
    folder of its own in the state folder."""
    namespace: str = Field(default="tgewatch", pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")
    """Of the tool's memory."""
    keep: Seconds = Field(default=86_400.0, gt=0)
    """Seconds for which stored metrics count."""
    every: Seconds = Field(default=600.0, ge=60)
    """Seconds between the metrics that an endless watch stores."""
    queue: int = Field(default=64, ge=8, le=10_000)
    """Messages at most that wait for the tool; beyond that the oldest are left out."""
    drain: Seconds = Field(default=5.0, ge=0, le=60)
    """Seconds at most that a program which has ended waits for the tool to hear the rest."""

    @field_validator("command")
    @classmethod
    def _is_installed(cls, command: str) -> str:
        if Path(command).name in {"npx", "npm", "pnpm", "yarn", "bunx", "bun"}:
            raise ValueError(
                "must be claude-flow itself, not what downloads it: install it once, and name"
                " node_modules/.bin/claude-flow"
            )
        return command
