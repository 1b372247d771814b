"""How alike are two representations of the same moments? The mathematics, of arrays (n moments, features); no agents.

Linear CKA, Kornblith et al. 2019, "Similarity of neural network representations revisited": ⟨K, L⟩ / (‖K‖ ‖L‖) of the
centred Gram matrices K = X Xᵀ, L = Y Yᵀ, so that it does not change with rotations, permutations and the scale of
features. With few moments and many features it is far above 0 by chance; the debiased one has U-centred matrices
instead (Székely & Rizzo 2014), whose products estimate HSIC without bias (Song et al. 2012), and is about 0 then.

SVCCA, Raghu et al. 2017, "SVCCA: singular vector canonical correlation analysis": the directions that hold 99 % of the
variance of each side, then the mean of the canonical correlations between the two subspaces.

By chance: one side's moments are moved in time, as a circle, by a whole number of rows. That keeps how each side goes
on from moment to moment, and breaks what they have to do with each other (Harris 2020, as in ``search_statistics``).
A series that is about as slow as the play is long still passes for more than chance: that needs a longer play.
The product ⟨K, L⟩ at *every* shift is one correlation along the diagonals of the matrices, which Fourier transforms
give at once.
"""

from __future__ import annotations

from typing import Iterator

import numpy as np

from zoo_gui.analysis.recorded import one_core

EXPLAINED = 0.99
DIRECTIONS_SHARE = 10
"""SVCCA keeps at most one direction for so many moments: with more, canonical correlations are high by chance."""
STILL = 1e-10
"""Of the sum of squares: features that vary by less do not vary."""
CHUNK = 768
"""Features whose products are added to a Gram matrix at once: about 50 ms of 2,000 moments."""
EXACT = 640
"""Sizes up to which all eigenvectors are computed: about 50 ms."""
SPARE, ROUNDS = 2, 3
"""The sketch of a larger matrix has SPARE times the directions that are wanted, and is multiplied ROUNDS times."""


def shifts_of(n: int, count: int | None = None, seed: int = 0) -> np.ndarray:
    """(S,) int64, in order: by how many of n rows one side is moved; every number, or ``count`` drawn with ``seed``.

    Small ones too, after which much is as it was: what goes together does so best where it is not moved, and a slow
    series' peak by chance is as wide as it is slow. Without them a test against chance would not hold its level.
    """
    every = np.arange(1, n)
    if count is None or count >= len(every):
        return every
    return np.sort(np.random.default_rng(seed).choice(every, count, replace=False))


class Features:
    """A layer's activations, (n, features), taken in by parts, as what both measures need of them.

    n: moments. gram: (n, n) float32, of the centred features. varies: whether any feature does.
    """

    def __init__(self, n: int):
        self.n, self.features = n, 0
        self.gram = np.zeros((n, n), np.float32)
        self._squares = self._centred_squares = 0.0

    def add(self, values: np.ndarray) -> Iterator[None]:
        """Take in more features, (n, d) float32, which is centred in place; yields between pieces of work."""
        for start in range(0, values.shape[1], CHUNK):
            part = values[:, start : start + CHUNK]
            self._squares += float(np.square(part).sum(dtype=np.float64))
            part -= part.mean(0, dtype=np.float64).astype(np.float32)
            self._centred_squares += float(np.square(part).sum(dtype=np.float64))
            self.gram += part @ part.T
            yield
        self.features += values.shape[1]

    @property
    def varies(self) -> bool:
        return self._centred_squares > STILL * self._squares


class Alignment:
    """One side of linear CKA. n: moments. varies: whether any feature does."""

    def __init__(self, features: Features, debiased: bool = False):
        gram = features.gram
        self.n = len(gram)
        if debiased:
            gram = u_centred(gram)
        self._spectrum = np.fft.rfft(_diagonals(gram), axis=1).astype(np.complex64)
        self.varies = features.varies
        self._norm = self._products(self)[0] if self.varies else 0.0

    def _products(self, other: "Alignment") -> np.ndarray:
        """⟨K, L moved by s along both sides⟩ for each s, (n,) float64."""
        products = np.multiply(self._spectrum.conj(), other._spectrum).sum(0, dtype=np.complex128)
        return np.fft.irfft(products, self.n)

    def against(self, other: "Alignment") -> np.ndarray:
        """(n,) float64: CKA where the other's row i + s stands beside row i; nan where a side does not vary."""
        size = np.sqrt(self._norm * other._norm)
        return self._products(other) / size if size > 0 else np.full(self.n, np.nan)


def u_centred(gram: np.ndarray) -> np.ndarray:
    """A Gram matrix U-centred, diagonal 0: its products are n (n − 3) times an unbiased estimate of HSIC."""
    n = len(gram)
    centred = gram.astype(np.float64)
    np.fill_diagonal(centred, 0.0)
    rows = centred.sum(0)
    centred -= rows / (n - 2)
    centred -= rows[:, None] / (n - 2)
    centred += rows.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return centred.astype(np.float32)


def _diagonals(matrix: np.ndarray) -> np.ndarray:
    """(n // 2 + 1, n): entry (d, i) is (i, i + d) of a symmetric matrix, as a circle, times the root of how often that
    diagonal is in it: the diagonal n − d is d's, begun elsewhere."""
    n = len(matrix)
    twice = np.concatenate([matrix, matrix], axis=1)
    row, column = twice.strides
    found = np.lib.stride_tricks.as_strided(twice, (n // 2 + 1, n), (column, row + column)).astype(np.float32)
    weight = np.full(n // 2 + 1, np.sqrt(2.0), np.float32)
    weight[0] = 1.0
    if n % 2 == 0:
        weight[-1] = 1.0
    return found * weight[:, None]


class Subspace:
    """One side of SVCCA. basis: (n, k) float32, orthonormal: how the moments lie along the k directions of largest
    variance, 99 % of it or n / 10. explained: the share of the variance that they hold. k is 0 where nothing varies."""

    def __init__(self, basis: np.ndarray, explained: float):
        self.basis, self.explained, self.n = basis, explained, len(basis)

    def against(self, other: "Subspace", shift: int = 0) -> float:
        """The mean canonical correlation where the other's row i + shift stands beside row i; nan without directions.
        """
        if not (self.basis.shape[1] and other.basis.shape[1]):
            return float("nan")
        cut = self.n - shift
        products = self.basis[:cut].T @ other.basis[shift:]
        if shift:
            products += self.basis[cut:].T @ other.basis[:shift]
        return float(np.minimum(np.linalg.svd(products, compute_uv=False), 1.0).mean())


def subspace(features: Features, seed: int = 0) -> Iterator[Subspace | None]:
    """The Subspace of features, the last of what it yields; None between pieces of work.

    Large matrices: the leading eigenvectors by subspace iteration from random vectors (Halko et al. 2011, algorithm
    4.4), in a sketch of twice their number. NumPy's eigenvectors of all would take seconds, SciPy's of some hold
    Python's lock.
    """
    n, gram = features.n, features.gram
    if not features.varies:
        yield Subspace(np.zeros((n, 0), np.float32), 0.0)
        return
    most = max(1, n // DIRECTIONS_SHARE)
    if n <= EXACT:
        values, vectors = np.linalg.eigh(gram.astype(np.float64))
    else:
        width = min(n, SPARE * most, features.features + 8)
        sketch = np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)
        for _ in range(ROUNDS):
            sketch = np.linalg.qr(gram @ sketch)[0]
            yield None
        product = gram @ sketch
        values, inner = np.linalg.eigh((sketch.T @ product).astype(np.float64))
        yield None
        vectors = sketch @ inner.astype(np.float32)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    shares = np.cumsum(values) / np.trace(gram, dtype=np.float64)
    count = min(int(np.searchsorted(shares, EXPLAINED)) + 1, most, int((values > STILL * values[0]).sum()))
    yield Subspace(np.ascontiguousarray(vectors[:, :count], np.float32), min(1.0, float(shares[count - 1])))


def cka(x: np.ndarray, y: np.ndarray, debiased: bool = False) -> float:
    """Linear CKA of (n, p) and (n, q), 0 to 1; debiased: about 0 where the two have nothing in common, also below. nan
    where one does not vary."""
    with one_core():
        return float(Alignment(_features(x), debiased).against(Alignment(_features(y), debiased))[0])


def svcca(x: np.ndarray, y: np.ndarray, seed: int = 0) -> float:
    """SVCCA of (n, p) and (n, q), 0 to 1: see the module. nan where one does not vary."""
    with one_core():
        *_, a = subspace(_features(x), seed)
        *_, b = subspace(_features(y), seed)
        return a.against(b)


def _features(values: np.ndarray) -> Features:
    found = Features(len(values))
    for _ in found.add(np.array(values, np.float32).reshape(len(values), -1)):
        pass
    return found
