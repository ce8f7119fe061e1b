"""One exception class per status code."""

from __future__ import annotations

import pickle

import pytest

import lensd
from lensd.errors import error_for

CODES = [code for code in lensd.StatusCode if code != lensd.StatusCode.OK]


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_every_code_has_its_class(code: lensd.StatusCode) -> None:
    error = error_for(code, "expected this, received that")
    assert type(error).__name__ == code.name.replace("_", " ").title().replace(" ", "")
    assert type(error) is getattr(lensd, type(error).__name__)
    assert isinstance(error, lensd.LensError)
    assert error.code is code
    assert str(error) == error.message == "expected this, received that"


def test_codes_are_those_of_grpc() -> None:
    assert [code.value for code in lensd.StatusCode] == list(range(17))
    assert lensd.NotFound.code.value == 5
    assert lensd.Unauthenticated.code.value == 16


def test_unknown_code() -> None:
    error = error_for(99, "from the future")
    assert type(error) is lensd.Unknown
    assert str(error) == "status code 99: from the future"


def test_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(lensd.NotFound("no model 'x'")))
    assert type(error) is lensd.NotFound
    assert error.message == "no model 'x'"


def test_pythons_own_kinds() -> None:
    assert issubclass(lensd.NotFound, KeyError)
    assert issubclass(lensd.InvalidArgument, ValueError)
