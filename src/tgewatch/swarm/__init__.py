"""What instances share: one Redis or Valkey, and what each does for itself while it is gone."""

from tgewatch.swarm.link import Link, Script
from tgewatch.swarm.opening import Shared, Swarm, open_swarm, swarm_line

__all__ = ["Link", "Script", "Shared", "Swarm", "open_swarm", "swarm_line"]
