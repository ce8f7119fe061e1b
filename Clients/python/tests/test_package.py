"""The package itself."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import requires, version

import pytest

import lensd


def test_import_leaves_the_heavy_packages_for_their_first_use() -> None:
    code = "import sys, lensd; print([name for name in ('numpy', 'torch', 'google.protobuf') if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_every_public_name_is_there() -> None:
    for name in lensd.__all__:
        assert getattr(lensd, name) is not None
    assert set(dir(lensd)) == set(lensd.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = lensd.nothing


def test_version() -> None:
    assert lensd.__version__ == version("lensd")


def test_needs_only_numpy_and_protobuf() -> None:
    needed = [each for each in requires("lensd") or [] if "extra ==" not in each]
    assert sorted(needed) == ["numpy>=1.24", "protobuf>=4.21"]
