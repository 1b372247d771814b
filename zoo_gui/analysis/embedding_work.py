"""The heavy part of an embedding, in a process of its own: t-SNE knows no way to be cancelled, holds its thread for
seconds, and its numbers would depend on how many cores it is given; here it has one, and can be ended at any time.

``python -m zoo_gui.analysis.embedding_work FD`` answers what comes over a connection of ``multiprocessing``; see
``embedding_process``, the other end.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
import warnings
from typing import Any, Callable

import numpy as np

SMALL = 1024
"""Features up to which principal axes come from the whole covariance, exactly."""
STILL = 1e-9
"""Parts of the whole variance below which an axis is rounding."""
_ITERATION = re.compile(r"Iteration (\d+)")

Report = Callable[[int, int], None]


def axes(report: Report, features: np.ndarray, components: int, seed: int) -> dict[str, np.ndarray]:
    """The principal axes of (n, F) features: mean (F,), components (K, F), explained (K,) of the whole variance; K is
    at most ``components``, less where fewer directions vary (0 where none does).

    Exact up to 1,024 features, above by randomized SVD (Halko, Martinsson & Tropp 2011) with this seed.
    """
    from sklearn.decomposition import PCA

    count, width = features.shape
    mean = features.mean(0, dtype=np.float64)
    if (features == features[:1]).all():
        empty = np.zeros((0, width), np.float32)
        return {"mean": mean.astype(np.float32), "components": empty, "explained": np.zeros(0)}
    most = min(components, count, width)
    if width <= SMALL:
        found = PCA(most, svd_solver="full" if count < width else "covariance_eigh").fit(features.astype(np.float64))
    else:
        found = PCA(most, svd_solver="randomized", random_state=seed).fit(features)
    kept = found.explained_variance_ratio_ > STILL
    return {"mean": mean.astype(np.float32), "components": found.components_[kept].astype(np.float32),
            "explained": found.explained_variance_ratio_[kept].astype(np.float64)}  # fmt: skip


def layout(report: Report, scores: np.ndarray, method: str, seed: int, **settings: Any) -> np.ndarray:
    """(n, 2) float32: the plane of (n, K) scores by ``tsne`` (perplexity, iterations), ``umap`` or ``pacmap``
    (neighbours)."""
    if scores.shape[1] < 2:  # all of them begin with two axes
        scores = np.pad(scores, ((0, 0), (0, 2 - scores.shape[1])))
    return np.asarray(METHODS[method](report, np.ascontiguousarray(scores, np.float32), seed, **settings), np.float32)


def tsne(report: Report, scores: np.ndarray, seed: int, perplexity: float, iterations: int) -> np.ndarray:
    """van der Maaten & Hinton 2008; Barnes-Hut (van der Maaten 2014), from the first two principal components, learning
    rate n / 48 (Belkina et al. 2019), as scikit-learn's defaults are."""
    from sklearn.manifold import TSNE

    told, sys.stdout = sys.stdout, _Iterations(report, iterations)
    try:
        made = TSNE(perplexity=perplexity, max_iter=iterations, random_state=seed, verbose=2)
        return made.fit_transform(scores)
    finally:
        sys.stdout = told


def umap(report: Report, scores: np.ndarray, seed: int, neighbours: int) -> np.ndarray:
    """McInnes, Healy & Melville 2018, with the authors' defaults."""
    # umap imports its parametric variant, and with it Keras, where TensorFlow is there: 5 s for nothing
    sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]
    from umap import UMAP

    return UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1).fit_transform(scores)


def pacmap(report: Report, scores: np.ndarray, seed: int, neighbours: int) -> np.ndarray:
    """Wang, Huang, Rudin & Shaposhnik 2021, with the authors' defaults."""
    from pacmap import PaCMAP

    made = PaCMAP(n_components=2, n_neighbors=neighbours, random_state=seed, apply_pca=False)
    return made.fit_transform(scores, init="pca")


METHODS = {"tsne": tsne, "umap": umap, "pacmap": pacmap}
TASKS = {"axes": axes, "layout": layout}


class _Iterations:
    """A text file that hears how far t-SNE says it is."""

    def __init__(self, report: Report, total: int):
        self._report, self._total = report, total

    def write(self, text: str) -> int:
        found = _ITERATION.search(text)
        if found:
            self._report(int(found[1]), self._total)
        return len(text)

    def flush(self) -> None:
        pass


def serve(connection: Any) -> None:
    """Answer until the other end is gone: ("progress", (done, total)) … ("done", result) or ("failed", words)."""
    connection.send(("ready", None))
    while True:
        try:
            name, asked = connection.recv()
        except EOFError:
            return
        try:
            result = TASKS[name](lambda done, total: connection.send(("progress", (done, total))), **asked)
        except MemoryError:
            connection.send(("failed", "there was not enough memory"))
        except Exception as error:
            connection.send(("failed", f"{type(error).__name__}: {error}"))
        else:
            connection.send(("done", result))


def _end_with(parent: int) -> None:
    """End where the process that asked is gone: nobody wants the answer."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def main() -> None:
    """Serve the connection whose number is the argument."""
    from multiprocessing.connection import Connection

    warnings.simplefilter("ignore")  # of what is to be done about these nobody who reads them has a say
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        serve(Connection(int(sys.argv[1])))
    except BrokenPipeError:
        pass


if __name__ == "__main__":
    main()
