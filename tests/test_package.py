"""What is installed is what was built."""

import os
from importlib.metadata import requires, version
from pathlib import Path

import pytest

import tgewatch

INSTALLED = os.environ.get("TGEWATCH_TEST_INSTALLED", "")


def test_the_version_is_that_of_the_package():
    assert version("tgewatch").count(".") == 2


def test_every_dependency_has_a_lower_bound():
    bare = [line for line in requires("tgewatch") or [] if ">=" not in line]

    assert bare == []


@pytest.mark.skipif(not INSTALLED, reason="runs from the wheel only in `make test-wheel`")
def test_the_wheel_is_what_is_tested():
    here = Path(tgewatch.__file__).resolve()

    assert here.is_relative_to(Path(INSTALLED).resolve())
