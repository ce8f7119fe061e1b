"""Results as pandas' tables and xarray's labelled arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from lensd.extras import extra

if TYPE_CHECKING:
    import pandas
    import xarray


def frame(columns: Mapping[str, Any]) -> pandas.DataFrame:
    """A table of equally long columns. Raises `FailedPrecondition` without the extra `lensd[pandas]`."""
    return cast("pandas.DataFrame", extra("pandas", "pandas").DataFrame(dict(columns)))


def labelled(
    values: Any,
    dimensions: Sequence[str],
    coordinates: Mapping[str, Any] | None = None,
    name: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> xarray.DataArray:
    """An array with names. Raises `FailedPrecondition` without the extra `lensd[xarray]`."""
    array = extra("xarray", "xarray").DataArray
    named = array(plain(values), dims=list(dimensions), coords=dict(coordinates or {}), name=name, attrs=attributes)
    return cast("xarray.DataArray", named)


def dataset(
    variables: Mapping[str, tuple[Sequence[str], Any]],
    coordinates: Mapping[str, Any],
    attributes: Mapping[str, Any],
) -> xarray.Dataset:
    """Arrays of (dimensions, values). Raises `FailedPrecondition` without the extra `lensd[xarray]`."""
    given = {name: (list(dimensions), plain(values)) for name, (dimensions, values) in variables.items()}
    together = extra("xarray", "xarray").Dataset(given, coords=dict(coordinates), attrs=dict(attributes))
    return cast("xarray.Dataset", together)


def plain(values: Any) -> Any:
    """Values as NumPy has them, of a torch tensor too, wherever it lives; without `.lengths`."""
    import numpy as np

    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values).view(np.ndarray)
