"""The activations of one pass, fetched when they are first touched."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lensd.activations import ActivationSource, PassHandle
from lensd.arrays import Array
from lensd.axis_slice import Slice, SliceInput
from lensd.errors import InvalidArgument, NotFound
from lensd.hook_names import resolve, resolve_key
from lensd.padded import Lengths
from lensd.residual_stacks import ResidualStacks
from lensd.sliced_source import SlicedSource, cut

if TYPE_CHECKING:
    import pandas
    import xarray

    from lensd.page import AttentionPage

Key: TypeAlias = str | tuple[str, int | None] | tuple[str, int | None, str | None]
NamesFilter: TypeAlias = str | Iterable[str] | Callable[[str], bool] | None


class HookNames(Collection[str]):
    """The hook points of a model by their full names, in the order in which a pass reaches them."""

    def __init__(self, names: Iterable[tuple[str, bool]], layer_count: int) -> None:
        """`names` are pairs of a name and whether the point is computed only when it is named."""
        self._on_demand = dict(names)
        self.layer_count = layer_count

    def __contains__(self, name: object) -> bool:
        return name in self._on_demand

    def __iter__(self) -> Iterator[str]:
        return iter(self._on_demand)

    def __len__(self) -> int:
        return len(self._on_demand)

    def with_usual(self, suffixes: Collection[str], is_usual: bool) -> HookNames:
        """The same, where points of every block cost extra or not."""
        return HookNames(
            (
                (name, not is_usual if name.startswith("blocks.") and name.split(".", 2)[2] in suffixes else on_demand)
                for name, on_demand in self._on_demand.items()
            ),
            self.layer_count,
        )

    def selected(self, names_filter: NamesFilter) -> list[str]:
        """What a filter keeps: `None` everything and a predicate what it likes, of the points that are not on demand.

        A name or several may be on demand and may be short forms. Raises `NotFound` with near names.
        """
        if isinstance(names_filter, str):
            return [resolve(names_filter, self, self.layer_count)]
        if names_filter is not None and not callable(names_filter):
            named = {resolve(name, self, self.layer_count) for name in names_filter}
            return [name for name in self if name in named]
        usual = [name for name, on_demand in self._on_demand.items() if not on_demand]
        return usual if names_filter is None else [name for name in usual if names_filter(name)]


class CachedPoints:
    """The hook points of a cache, and the pass that their activations come from."""

    def __init__(
        self, source: PassHandle | ActivationSource, points: HookNames, names_filter: NamesFilter, lengths: Lengths
    ) -> None:
        """`lengths` [batch] are the tokens of each prompt. Raises `NotFound` for a filter's name that is no point."""
        self.lengths = lengths
        self.has_batch_dim = True
        self._points = points
        self._names = set(points.selected(names_filter))
        self._is_filtered = names_filter is not None
        self._origin = source

    @property
    def run_id(self) -> str | None:
        """The run's id in the session, for `lensctl query` and `Client.query`; `None` for an unrecorded pass."""
        return self._origin.run_id

    @property
    def origin(self) -> object:
        """The pass that it reads from."""
        return self._origin

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, (str, tuple)):
            return False
        try:
            return resolve_key(key, self._points, self._points.layer_count) in self._names
        except NotFound:
            return False

    def __iter__(self) -> Iterator[str]:
        names = set(self._names)
        return iter([name for name in self._points if name in names])

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"ActivationCache({len(self)} activations of {len(self.lengths)} prompts)"

    def _name(self, key: Key) -> str:
        name = resolve_key(key, self._points, self._points.layer_count)
        if self._is_filtered and name not in self._names:
            raise NotFound(f"{name} is not in this cache: names_filter left it out")
        return name

    def _check_sole(self) -> None:
        if len(self.lengths) != 1:
            raise InvalidArgument(
                f"the batch axis of {len(self.lengths)} prompts cannot be removed; expected one prompt"
            )


class ActivationCache(CachedPoints, ResidualStacks, Mapping[Key, Array]):
    """Activations by hook point: `cache["blocks.0.attn.hook_z"]`, `cache["z0"]`, `cache["z", 0]`, `cache["z", -1]`.

    A value has shape `[batch, …]`, right-padded with `.lengths` where prompts differ in length; without the batch
    after `remove_batch_dim`. It is fetched when first touched and then kept. `keys()` are the points that
    `names_filter` kept; without a filter all but those that cost extra (`result`, `q_input`, …), which can be
    fetched by name all the same and are among the keys from then on. Safe from several threads.

    What the residual stream is made of, by layer, head and neuron, comes from `ResidualStacks`.
    """

    def __init__(
        self,
        source: ActivationSource,
        points: HookNames,
        names_filter: NamesFilter,
        lengths: Lengths,
        gradients: Mapping[str, Array] | None = None,
        model: Any = None,
        page: Callable[[], AttentionPage] | None = None,
    ) -> None:
        """`lengths` [batch] are the tokens of each prompt, `gradients` what is there beside the activations.

        `model` is the `Model` of the pass, whose weights the analyses read; `page` makes the page of the attention
        patterns, where there is one of this very pass. Raises `NotFound` for a filter's name that is no point.
        """
        super().__init__(source, points, names_filter, lengths)
        self.page = page
        self._source = source
        self._model = model
        self._gradients = dict(gradients or {})
        self._values: dict[str, Array] = dict(self._gradients)

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: hook functions and pages belong to this process, and the activations do not need them."""
        model = self._model
        return {**self.__dict__, "_model": model if model is None else model.without_hooks(), "page": None}

    @property
    def source(self) -> ActivationSource:
        """The pass that it reads from."""
        return self._source

    def __getitem__(self, key: Key) -> Array:
        """The activation. Raises `NotFound` (a `KeyError`) where the cache has no such point."""
        name = self._name(key)
        if name not in self._values:
            # Two threads may fetch the same values; the first ones stay.
            self._values.setdefault(name, self._source.read(name))
            self._names.add(name)
        value = self._values[name]
        return value if self.has_batch_dim else value[0]

    def sliced(self, batch: SliceInput = None, pos: SliceInput = None) -> ActivationCache:
        """The same pass with some prompts (an integer drops the batch axis) and some positions only."""
        prompts, positions = Slice.unwrap(batch), Slice.unwrap(pos)
        if prompts.mode == positions.mode == "identity":
            return self
        if not self.has_batch_dim and prompts.mode != "identity":
            raise InvalidArgument("this cache has no batch axis to slice")
        part = copy(self)
        part.lengths = np.array([len(positions.indices(int(each))) for each in prompts.apply(self.lengths)], np.int64)
        part.page = None
        part._names = set(self._names)
        part._source = SlicedSource(self._source, prompts, positions)
        part._gradients = {name: cut(value, name, prompts, positions) for name, value in self._gradients.items()}
        part._values = {name: cut(value, name, prompts, positions) for name, value in self._values.items()}
        return part.remove_batch_dim() if Slice(batch).mode == "int" else part

    def apply_slice_to_batch_dim(self, batch_slice: SliceInput) -> ActivationCache:
        """The same pass with some prompts only; an integer drops the batch axis."""
        return self.sliced(batch=batch_slice)

    def keep(self, name: str, value: Array) -> None:
        """Puts an activation into the cache, with its batch axis where the cache has one."""
        self._values[name] = value if self.has_batch_dim else value[None]
        self._names.add(name)

    def slice(self, key: Key, index: Any) -> Array:
        """A part of an activation, cut by the daemon: `cache.slice("pattern0", np.s_[3, -1])` is head 3's last row.

        `index` is NumPy's basic indexing on each prompt's own shape, without batch and padding.
        """
        value = self._source.read(self._name(key), index)
        return value if self.has_batch_dim else value[0]

    def to_xarray(self, key: Key) -> xarray.DataArray:
        """An activation with the names of its axes, such as batch, head, pos, source. Needs `lensd[xarray]`."""
        from lensd.views.cache_view import cache_array

        return cache_array(self, self._name(key), self[key])

    def to_pandas(self, key: Key) -> pandas.DataFrame:
        """An activation, a row per number: its place on every axis, and `value`. Needs `lensd[pandas]`."""
        from lensd.views.cache_view import cache_frame

        return cache_frame(self, self._name(key), self[key])

    def plot(self, layer: int = -1, head: int | None = None, prompt: int = 0, ax: Any = None) -> Any:
        """Draws the attention patterns of a layer and returns matplotlib's axes; those of one head with `head`.

        `prompt` picks one of several. Needs the extra `lensd[plot]`.
        """
        from lensd.views.cache_view import plot_patterns

        return plot_patterns(self, layer, head, prompt, ax)

    def _repr_html_(self) -> str:
        from lensd.views.cache_view import cache_html

        return cache_html(self)

    def remove_batch_dim(self) -> ActivationCache:
        """Strips the batch axis from every value. Raises `InvalidArgument` with more than one prompt."""
        self._check_sole()
        self.has_batch_dim = False
        return self

    def __contains__(self, key: object) -> bool:
        return (isinstance(key, str) and key in self._gradients) or super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        return iter([*super().__iter__(), *self._gradients])

    def __len__(self) -> int:
        return super().__len__() + len(self._gradients)

    def _name(self, key: Key) -> str:
        return key if isinstance(key, str) and key in self._gradients else super()._name(key)
