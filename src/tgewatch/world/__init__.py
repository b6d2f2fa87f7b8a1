"""The simulated web behind demo and bench; shares no code with the clients.

Everything in it follows from a seed: projects with a life of a week, the outlets that write about
them, the faults of their servers. Truth is known, and every request is logged, so a client is
measured from the other side.
"""

from tgewatch.world.log import Log
from tgewatch.world.plan import Entry, Outlet, Plan, Truth, make_plan
from tgewatch.world.server import WorldServer

__all__ = ["Entry", "Log", "Outlet", "Plan", "Truth", "WorldServer", "make_plan"]
