"""Scores of heads by name, which show themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lensd.arrays import Array

if TYPE_CHECKING:
    import pandas
    import xarray


class HeadTables:
    """Tables [layer, head] by name: as a frame, as labelled arrays, as heat maps."""

    def tables(self) -> Mapping[str, Array]:
        """Every table by its name, [layer, head]."""
        raise NotImplementedError

    def shares(self) -> Mapping[str, Array]:
        """Those of them that lie in 0…1: these are drawn, on one scale."""
        return self.tables()

    def to_pandas(self) -> pandas.DataFrame:
        """A row per head: layer, head and its scores. Needs the extra `lensd[pandas]`."""
        from lensd.views.heads_view import heads_frame

        return heads_frame(self.tables())

    def to_xarray(self) -> xarray.Dataset:
        """The scores on the axes layer and head. Needs the extra `lensd[xarray]`."""
        from lensd.views.heads_view import heads_dataset

        return heads_dataset(self.tables())

    def plot(self) -> Any:
        """Draws a matrix per score and returns matplotlib's axes, [score]. Needs the extra `lensd[plot]`."""
        from lensd.views.heads_view import plot_heads

        return plot_heads(self.shares())

    def _repr_html_(self) -> str:
        from lensd.views.heads_view import heads_html

        return heads_html(self._title(), self.shares(), self._remark)

    def _title(self) -> str:
        raise NotImplementedError

    def _remark(self, name: str, layer: int, head: int) -> str:  # noqa: ARG002
        """What a head's tip says behind its score."""
        return ""
