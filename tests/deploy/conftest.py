"""What is deployed, read as the tools read it."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
import yaml

import tgewatch
from tgewatch.cli import app
from tgewatch.clock import SystemClock
from tgewatch.metrics.export import registry
from tgewatch.metrics.intake import Intake
from tgewatch.metrics.measures import measures
from tgewatch.metrics.recorder import Recorder

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SOURCE = Path(tgewatch.__file__).parent


def yaml_of(path: str) -> Any:
    return yaml.safe_load((DEPLOY / path).read_text(encoding="utf-8"))


def dashboard() -> Any:
    return json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))


def understood(arguments: list[str]) -> None:
    """Raise unless the command line takes these arguments; runs nothing."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("tgewatch", list(arguments), resilient_parsing=False)
    while hasattr(command, "get_command"):
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        found = command.get_command(context, rest[0])
        assert found is not None, f"there is no command {rest[0]!r}"
        context = found.make_context(rest[0], rest[1:], parent=context)
        command = found


def exported_names() -> set[str]:
    """Return the names of samples that `/metrics` can hold."""
    found = set()
    for family in registry(_recorded()).collect():
        ends = {"counter": ("_total",), "summary": ("_count", "_sum")}.get(family.type, ("",))
        found |= {family.name + end for end in ends}
    return found


def _recorded() -> Recorder:
    recorder = Recorder(clock=SystemClock())
    recorder.count("polls")
    recorder.gauge("memory_megabytes", 1.0)
    recorder.observe("poll", 1.0, "engine", failed=True)
    return recorder


def recorded_words() -> dict[str, set[str]]:
    """Return label → the values that the program's own code gives it.

    Found in the source: the first words of `count`, `gauge` and `observe`, and what `Intake`,
    `measures` and `levels` return. Names of channels, pools and kinds are not in it.
    """
    words: dict[str, set[str]] = {"what": set(), "operation": set()}
    for path in SOURCE.rglob("*.py"):
        for call in _calls(ast.parse(path.read_text(encoding="utf-8"))):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else _name(call.func)
            first = call.args[0] if call.args else None
            if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
                continue
            if name in {"count", "gauge"}:
                words["what"].add(first.value)
            elif name in {"observe", "timer"}:
                words["operation"].add(first.value)
    words["what"] |= _levels(SOURCE / "swarm" / "opening.py")
    pools, tiers = (dict), (dict)
    words["what"] |= set(Intake(_recorded(), pools=pools, tiers=tiers).take())
    words["measure"] = set(measures(_recorded().record()))
    return words


def _levels(path: Path) -> set[str]:
    """Return the keys of what `levels` returns."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "levels"]
    dicts = [n for one in found for n in ast.walk(one) if isinstance(n, ast.Dict)]
    return {str(k.value) for one in dicts for k in one.keys if isinstance(k, ast.Constant)}


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def selectors(query: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each metric of a query with the labels that it must equal."""
    for name, labels in re.findall(r"\b(tgewatch_\w+|up)\b(?:\{([^}]*)\})?", query):
        pairs = re.findall(r'(\w+)\s*=\s*"([^"]*)"', labels)
        yield name, dict(pairs)
