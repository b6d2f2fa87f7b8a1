"""Every cause that fetching can give is in the docs, and the docs name no other."""

import re
from pathlib import Path

import tgewatch
from tgewatch.fetch import failures

SRC = Path(tgewatch.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "fetching.md"
MODULES = ["fetch/client", "fetch/connector", "fetch/decompress", "fetch/failures"]
MODULES += ["fetch/politeness", "fetch/transport", "rules/redirects", "rules/urls"]


def given() -> set[str]:
    text = "".join((SRC / f"{module}.py").read_text(encoding="utf-8") for module in MODULES)
    written = re.findall(r'cause="(\w+)"|_senseless\(.*"(\w+)"\)|return "(\w+)"', text)
    tables = {cause for _, cause in failures._KINDS} | set(failures._ERRNO.values())
    return {name for groups in written for name in groups if name} | tables


def documented() -> set[str]:
    rows = DOCS.read_text(encoding="utf-8").split("## Causes")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?`) \|", rows, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_cause_is_documented_and_no_other():
    numbered = {name for name in documented() if name.startswith("http_")}

    assert documented() - numbered == given()
    assert {"http_4xx", "http_5xx", "http_429"} <= numbered
