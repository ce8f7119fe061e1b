"""Matrices of low rank, kept as the product that they are."""

from __future__ import annotations

from functools import cached_property
from operator import index
from typing import Any

import numpy as np

from lensd.arrays import Array, module_of
from lensd.errors import InvalidArgument


class FactoredMatrix:
    """A matrix `A @ B` [..., ldim, rdim] by its factors A [..., ldim, mdim] and B [..., mdim, rdim], which broadcast.

    As TransformerLens's: products stay factored, and eigenvalues, singular values and norms are taken on the small
    side. The factors are NumPy arrays or torch tensors.
    """

    # So that NumPy leaves `array @ matrix` to it.
    __array_ufunc__ = None

    def __init__(self, A: Array, B: Array) -> None:  # noqa: N803
        """Raises `InvalidArgument` for factors that do not fit."""
        if A.ndim < 2 or B.ndim < 2 or A.shape[-1] != B.shape[-2]:
            raise InvalidArgument(
                f"factors are [..., ldim, mdim] and [..., mdim, rdim]; received {list(A.shape)} and {list(B.shape)}"
            )
        module = module_of(A)
        try:
            leading = tuple(np.broadcast_shapes(tuple(A.shape[:-2]), tuple(B.shape[:-2])))
        except ValueError as error:
            raise InvalidArgument(
                f"the factors' leading axes must broadcast; received {list(A.shape)} and {list(B.shape)}"
            ) from error
        self.ldim, self.mdim, self.rdim = (int(size) for size in (A.shape[-2], A.shape[-1], B.shape[-1]))
        self.A: Array = module.broadcast_to(A, (*leading, self.ldim, self.mdim))
        self.B: Array = module.broadcast_to(B, (*leading, self.mdim, self.rdim))
        self.shape = (*leading, self.ldim, self.rdim)
        self.has_leading_dims = bool(leading)

    # Products.

    @property
    def AB(self) -> Array:  # noqa: N802
        """The matrix itself, [..., ldim, rdim]."""
        return self.A @ self.B

    @property
    def BA(self) -> Array:  # noqa: N802
        """The product the other way round, [..., mdim, mdim], of a square matrix."""
        if self.ldim != self.rdim:
            raise InvalidArgument(f"BA is there for square matrices; this one is {list(self.shape)}")
        return self.B @ self.A

    @property
    def T(self) -> FactoredMatrix:  # noqa: N802
        """Transposed."""
        return FactoredMatrix(self.B.swapaxes(-2, -1), self.A.swapaxes(-2, -1))

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, FactoredMatrix):
            return (self @ other.A) @ other.B
        if other.ndim < 2:
            self._check_inner(other.shape[-1], self.rdim, other)
            return (self.A @ (self.B @ other[..., None]))[..., 0]
        self._check_inner(other.shape[-2], self.rdim, other)
        if self.rdim > self.mdim:
            return FactoredMatrix(self.A, self.B @ other)
        return FactoredMatrix(self.AB, other)

    def __rmatmul__(self, other: Any) -> Any:
        self._check_inner(other.shape[-1], self.ldim, other)
        if other.ndim < 2:
            return ((other[..., None, :] @ self.A) @ self.B)[..., 0, :]
        if self.ldim > self.mdim:
            return FactoredMatrix(other @ self.A, self.B)
        return FactoredMatrix(other, self.AB)

    def __mul__(self, scalar: Any) -> FactoredMatrix:
        if np.ndim(scalar) and np.size(scalar) != 1:
            raise InvalidArgument(f"* takes a number, @ a matrix; received {list(scalar.shape)}")
        return FactoredMatrix(self.A * scalar, self.B)

    __rmul__ = __mul__

    # Decompositions.

    def svd(self) -> tuple[Array, Array, Array]:
        """U [..., ldim, mdim], S [..., mdim] and V [..., rdim, mdim], with the matrix being U diag(S) Vᵀ."""
        return self._svd

    @property
    def U(self) -> Array:  # noqa: N802
        """Left singular vectors, [..., ldim, mdim]."""
        return self._svd[0]

    @property
    def S(self) -> Array:  # noqa: N802
        """Singular values, largest first, [..., mdim]."""
        return self._svd[1]

    @property
    def V(self) -> Array:  # noqa: N802
        """Right singular vectors, [..., rdim, mdim]."""
        return self._svd[2]

    @property
    def Vh(self) -> Array:  # noqa: N802
        """What TransformerLens calls so: `V`, not transposed."""
        return self._svd[2]

    @property
    def eigenvalues(self) -> Array:
        """The eigenvalues of a square matrix that may differ from zero, complex, [..., mdim]."""
        values = module_of(self.A).linalg.eigvals(self.BA)
        return values if hasattr(values, "detach") else np.asarray(values, np.complex64)

    def norm(self) -> Array:
        """The Frobenius norm, [...]."""
        return (self.S**2).sum(-1) ** 0.5

    def make_even(self) -> FactoredMatrix:
        """The same matrix with its singular values shared evenly by two factors of orthogonal columns and rows."""
        root = self.S**0.5
        return FactoredMatrix(self.U * root[..., None, :], root[..., :, None] * self.V.swapaxes(-2, -1))

    def collapse_l(self) -> Array:
        """The matrix without the rotation on its left: diag(S) Vᵀ, [..., mdim, rdim]."""
        return self.S[..., :, None] * self.V.swapaxes(-2, -1)

    def collapse_r(self) -> Array:
        """The matrix without the rotation on its right: U diag(S), [..., ldim, mdim]."""
        return self.U * self.S[..., None, :]

    # Parts.

    def __getitem__(self, key: Any) -> FactoredMatrix:
        """Leading axes first, then rows and columns; an integer there keeps its axis."""
        entries = key if isinstance(key, tuple) else (key,)
        leading = len(self.shape) - 2
        extra = sum(entry is not None for entry in entries) - leading
        if Ellipsis in [entry for entry in entries if not hasattr(entry, "shape")] or extra > 2:
            raise InvalidArgument(f"a matrix {list(self.shape)} is indexed axis by axis; received {key!r}")
        if extra <= 0:
            return FactoredMatrix(self.A[entries], self.B[entries])
        outer, inner = entries[: len(entries) - extra], [_kept(entry) for entry in entries[len(entries) - extra :]]
        rows = (*outer, inner[0])
        columns = (*outer, slice(None), inner[1]) if extra == 2 else outer
        return FactoredMatrix(self.A[rows], self.B[columns] if columns else self.B)

    def get_corner(self, k: int = 3) -> Array:
        """The matrix's first k rows and columns, of the first k along each leading axis."""
        corner = self.A[..., :k, :] @ self.B[..., :, :k]
        return corner[tuple(slice(k) for _ in range(corner.ndim))]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def unsqueeze(self, k: int) -> FactoredMatrix:
        """With a leading axis of one at place k."""
        key = (*(slice(None) for _ in range(k)), None)
        return FactoredMatrix(self.A[key], self.B[key])

    @property
    def pair(self) -> tuple[Array, Array]:
        """The factors."""
        return self.A, self.B

    def __repr__(self) -> str:
        return f"FactoredMatrix: Shape({self.shape}), Hidden Dim({self.mdim})"

    @cached_property
    def _svd(self) -> tuple[Array, Array, Array]:
        svd = module_of(self.A).linalg.svd
        left, left_values, left_across = svd(self.A, full_matrices=False)
        across, right_values, right = svd(self.B, full_matrices=False)
        core = left_values[..., :, None] * (left_across @ across) * right_values[..., None, :]
        turn, values, back = svd(core, full_matrices=False)
        return left @ turn, values, right.swapaxes(-2, -1) @ back.swapaxes(-2, -1)

    def _check_inner(self, size: int, expected: int, other: Array) -> None:
        if size != expected:
            raise InvalidArgument(f"inner sizes differ: {list(self.shape)} and {list(other.shape)}")


def composition_scores(left: FactoredMatrix, right: FactoredMatrix, broadcast_dims: bool = True) -> Array:
    """‖left right‖ / (‖left‖ ‖right‖) in Frobenius norms, as in Elhage et al. (2021).

    [*left's leading axes, *right's leading axes]; without `broadcast_dims` the leading axes correspond.
    """
    if broadcast_dims:
        before, behind = left.ndim - 2, right.ndim - 2
        for at in range(before):
            right = right.unsqueeze(at)
        for at in range(behind):
            left = left.unsqueeze(before + at)
    first, second = left.collapse_l(), right.collapse_r()
    return _norms(first @ second) / _norms(second) / _norms(first)


def _norms(matrices: Array) -> Array:
    return (matrices**2).sum((-2, -1)) ** 0.5


def _kept(entry: Any) -> Any:
    """An index that keeps its axis."""
    try:
        place = index(entry)
    except TypeError:
        return entry
    return slice(place, place + 1 or None)
