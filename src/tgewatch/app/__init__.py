"""Composition root: settings in, a running program out; the only package that names adapters."""

from tgewatch.app.archive import open_archive
from tgewatch.app.crew import Crew, Role, role_of
from tgewatch.app.hooks import Hooks, open_hooks
from tgewatch.app.loop import run_loop
from tgewatch.app.program import Program, Tap, Untapped, open_program
from tgewatch.app.web import Web, open_web

__all__ = [
    "Crew",
    "Hooks",
    "Program",
    "Role",
    "Tap",
    "Untapped",
    "Web",
    "open_archive",
    "open_hooks",
    "open_program",
    "open_web",
    "role_of",
    "run_loop",
]
