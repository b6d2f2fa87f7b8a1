"""claude-flow, a tool through which agents share tasks and memory, as a mirror of what happens here.

It is told and never asked: what tgewatch itself needs is in its own store. See `docs/hooks.md`.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.settings.claude_flow import ClaudeFlowSettings
from tgewatch.swarm.claude_flow.child import Children
from tgewatch.swarm.claude_flow.herald import Herald
from tgewatch.swarm.claude_flow.mirror import Mirror
from tgewatch.swarm.claude_flow.place import Place, find, line
from tgewatch.swarm.claude_flow.tool import Tool

log = logging.getLogger(__name__)

__all__ = ["Herald", "Mirror", "Place", "Tool", "find", "line", "mirror_from"]


def mirror_from(
    settings: ClaudeFlowSettings,
    *,
    folder: Path,
    state: Path,
    environ: Mapping[str, str],
    clock: Clock,
) -> Mirror | None:
    """Return a mirror for the claude-flow that is found from `folder`; None without one.

    Nothing is run before the first message.
    """
    around = dict(environ)

    def found() -> Place | None:
        return find(settings, folder=folder, state=state, path=around.get("PATH"))

    def connect(children: Children) -> Tool:
        place = found()
        if place is None:  # it was there when we began
            raise TransientError("claude-flow is gone", cause="absent")
        tool = Tool(place, children=children, clock=clock, around=around)
        if wrong := tool.probe():
            log.warning("claude_flow_forgets", extra={"why": wrong})
        return tool

    return None if found() is None else Mirror(connect, clock=clock, queue=settings.queue)
