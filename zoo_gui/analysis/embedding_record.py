"""A map of states: where each moment of one or several agents lies in the plane, and where new states would. No
TensorFlow, no scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Sequence

import numpy as np

from zoo_gui.types import ZooError, read_only

RAM, BITS, OBSERVATIONS = "ram", "ram bits", "observations"
WHATS = {RAM: "RAM, 128 bytes", BITS: "RAM, 1,024 bits", OBSERVATIONS: "observations"}
"""What can be embedded besides layers, which go by their names → what people read."""
METHODS = {"tsne": "t-SNE", "umap": "UMAP", "pacmap": "PaCMAP", "pca": "PCA"}
"""Method → what people read."""
COLOURINGS = {
    "score": "score so far", "time": "agent steps in the episode", "action": "action", "value": "value",
    "agent": "agent", "reward": "reward", "lives": "lives", "episode": "episode", "seed": "seed",
}  # fmt: skip
"""What points can be coloured by → what people read; all but ``agent`` are columns."""
TOLD = {
    "tsne": "perplexity {perplexity:g}, {iterations:,} iterations", "umap": "{neighbours} neighbours",
    "pacmap": "{neighbours} neighbours",
}  # fmt: skip
"""What captions say of each method's settings."""
NEIGHBOURS = 5
"""Known states between which a new one is placed."""
SAME = 1e-3
"""Parts of the usual distance between neighbours within which a state counts as a known one."""


def features_of(
    what: str, *, ram: np.ndarray | None = None, observation: np.ndarray | None = None,
    activations: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:  # fmt: skip
    """(1, F) float32: the features of one state, as ``Embedding.place`` takes them, from a Step's arrays; only what
    ``what`` names is needed. Raises ZooError where that is missing (a layer that is not shown)."""
    given = {RAM: ram, BITS: ram, OBSERVATIONS: observation}.get(what, (activations or {}).get(what))
    if given is None or not np.size(given):
        raise ZooError(f"There is no {WHATS.get(what, f'layer “{what}”')} of this moment.")
    return flattened(what, np.asarray(given)[None])


def flattened(what: str, values: np.ndarray) -> np.ndarray:
    """(M, F) float32 of (M, 128) bytes, (M, h, w, C) observations or (M, *shape) activations."""
    values = np.asarray(values)
    if what == BITS:
        values = np.unpackbits(np.ascontiguousarray(values, np.uint8), axis=1)
    return values.reshape(len(values), -1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Space:
    """One linear space of features, and the known states in it.

    mean: (F,) float32. components: (K, F) float32, orthonormal principal axes. explained: (K,) float64, each one's
    share of the variance. scores: (n, K) float32, the known states. rows: (n,) int64, their places among the points.
    """

    mean: np.ndarray
    components: np.ndarray
    explained: np.ndarray
    scores: np.ndarray
    rows: np.ndarray
    usual: float = field(init=False, default=0.0)

    def __post_init__(self):
        object.__setattr__(self, "usual", _usual(self.scores))
        object.__setattr__(self, "_offset", self.mean @ self.components.T)
        object.__setattr__(self, "_lengths", np.einsum("nk,nk->n", self.scores, self.scores))

    def locate(self, features: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See ``Embedding.locate``."""
        scores = features @ self.components.T - self._offset
        apart = self._lengths - 2 * scores @ self.scores.T + np.einsum("mk,mk->m", scores, scores)[:, None]
        count = min(NEIGHBOURS, len(self.rows))
        near = np.argpartition(apart, count - 1, axis=1)[:, :count] if count < len(self.rows) else \
            np.broadcast_to(np.arange(count), (len(scores), count))  # fmt: skip
        # anew for the few, since differences of large squares lose what tells the same from the nearly same
        distance = np.linalg.norm(self.scores[near] - scores[:, None], axis=2)
        nearest = distance.min(1, keepdims=True)
        floor = max(SAME * self.usual, np.finfo(np.float32).tiny)
        weight = np.where(nearest <= floor, distance <= floor, 1.0 / np.maximum(distance, floor) ** 2)
        weight = weight / weight.sum(1, keepdims=True)
        placed = np.einsum("mk,mkd->md", weight, points[self.rows[near]])
        return placed.astype(np.float32), (nearest[:, 0] / max(self.usual, floor)).astype(np.float32)


def _usual(scores: np.ndarray, most: int = 500) -> float:
    """The median distance from a state to its nearest other one, of states that have no double; 0 where all are one."""
    some = scores[np.unique(np.linspace(0, len(scores) - 1, min(most, len(scores))).astype(int))]
    lengths = np.einsum("nk,nk->n", scores, scores)
    square = lengths - 2 * some @ scores.T + np.einsum("nk,nk->n", some, some)[:, None]
    square[square <= 1e-5 * max(lengths.max(initial=0.0), 1e-30)] = np.inf  # itself, and its doubles
    nearest = square.min(1, initial=np.inf)
    found = np.sqrt(nearest[np.isfinite(nearest)])
    return float(np.median(found)) if len(found) else 0.0


@dataclass(frozen=True, eq=False)
class Embedding:
    """Where each of N states lies in the plane.

    points: (N, 2) float32. lanes: (N,) int64, place in ``agents``. agents: their labels. moments: (N,) int64, the ids
    by which a sitting or a rollout goes back to them (``session.seek``); −1 where there is none. columns: {name: (N,)
    float64}: ``time`` (agent steps in the episode), ``episode``, ``score`` (before the step), ``action`` (place in
    ``naming.MEANINGS``), ``value`` (nan where the agent has none), ``reward``, ``lives``, ``seed`` (−1 in a sitting).
    what: of WHATS, or a layer. method: of METHODS; ``pca`` also of the first picture, which is shown while another
    method is at work (``preliminary``). spaces: for each agent the number of the Space that its states are in: agents
    of one Space are laid out together; points of different ones have nothing to do with each other. settings: of the
    method, plain data; ``apart`` says what has a Space of its own (``agent``, ``game``, ``pipeline``). seconds: that it
    took. remarks: sentences about what could not be done as asked. colours: what ``draw`` shows; () what tells most.
    """

    points: np.ndarray
    lanes: np.ndarray
    agents: tuple[str, ...]
    moments: np.ndarray
    columns: Mapping[str, np.ndarray]
    what: str
    method: str
    settings: Mapping[str, Any]
    parts: tuple[Space, ...]
    spaces: tuple[int, ...]
    seconds: float = 0.0
    preliminary: bool = False
    remarks: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()

    @property
    def joint(self) -> bool:
        """Whether all agents' states are in one plane."""
        return len(set(self.spaces)) == 1

    def locate(self, features: np.ndarray, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """((M, 2) float32, (M,) float32): where new states lie, and how far each is from the nearest known one, in
        usual distances between neighbours: far above 1, the place says little.

        An interpolation, not the method itself: the mean of the places of the nearest known states, by the inverse
        square of their distances in the space of the principal components (Shepard 1968); a known state lies where it
        lies. features: (M, F) float32 of ``features_of``. lane: place in ``agents``. nan where a feature is none.
        """
        space = self.parts[self.spaces[lane]]
        features = np.asarray(features, np.float32)
        if features.ndim != 2 or features.shape[1] != len(space.mean):
            raise ZooError(f"These are no states of this map: it is one of {len(space.mean):,} numbers each.")
        good = np.isfinite(features).all(1)
        points, far = np.full((len(features), 2), np.nan, np.float32), np.full(len(features), np.nan, np.float32)
        if good.any():
            points[good], far[good] = space.locate(features[good], self.points)
        return points, far

    def place(self, features: np.ndarray, lane: int = 0) -> np.ndarray:
        """(M, 2) float32: the first of ``locate``."""
        return self.locate(features, lane)[0]

    def column(self, name: str) -> np.ndarray:
        """(N,) float64 of COLOURINGS; ``agent``: the place in ``agents``. Raises ZooError."""
        if name == "agent":
            return self.lanes.astype(np.float64)
        if name not in self.columns:
            raise ZooError(f"Points are coloured by {', '.join(COLOURINGS)}, not by “{name}”.")
        return self.columns[name]

    def coloured(self, *colours: str) -> "Embedding":
        """The same, drawn in these colourings; () those that tell most. Raises ZooError."""
        for name in colours:
            self.column(name)
        return replace(self, colours=tuple(colours))

    @property
    def caption(self) -> str:
        """n, seeds, method and its parameters, and what the principal components keep."""
        kept = max((len(part.components) for part in self.parts), default=0)
        said = self.settings.get("seeds") or []
        seeds = f", seed{'s' * (len(said) > 1)} {_list(said)}" if said else ""
        whose = f"{len(self.agents)} agents" if len(self.agents) > 1 else self.agents[0]
        what = WHATS.get(self.what, f"layer {self.what}")
        share = self._shares(2 if self.method == "pca" else kept)
        if self.method == "pca":
            steps = f"first two principal components{share}"
        else:
            steps = f"PCA({kept}){share} → {METHODS[self.method]} ({TOLD[self.method].format(**self.settings)})"
        apart = "" if self.joint else f" One map for each {self.settings.get('apart', 'agent')}."
        return (f"{len(self.points):,} states of {whose}{seeds}: {what} → {steps}, random state "
                f"{self.settings.get('random_state', 0)}.{apart}")  # fmt: skip

    def _shares(self, count: int) -> str:
        """What so many principal components keep, in brackets."""
        shares = sorted({f"{part.explained[:count].sum():.0%}" for part in self.parts if len(part.explained)},
                        key=lambda text: int(text[:-1]))  # fmt: skip
        if not shares:
            return ""
        return f" ({shares[0]}{f' to {shares[-1]}' if len(shares) > 1 else ''} of the variance)"

    def table(self) -> list[dict[str, Any]]:
        """A row for each state."""
        from zoo_gui.naming import MEANINGS

        columns = {name: values.tolist() for name, values in self.columns.items()}
        whole = [name for name, values in self.columns.items() if name != "action" and _whole(values)]
        rows = []
        for place, ((x, y), lane, moment) in enumerate(
            zip(self.points.tolist(), self.lanes.tolist(), self.moments.tolist())
        ):
            row = {name: values[place] for name, values in columns.items()}
            row |= {name: int(row[name]) for name in whole}
            action = row.get("action", -1)
            row["action"] = MEANINGS[int(action)] if action >= 0 else ""
            rows.append({"x": x, "y": y, "agent": self.agents[lane], "moment": moment, **row})
        return rows

    def arrays(self) -> dict[str, np.ndarray]:
        """points, lanes, moments, every column; agents, what, method; of each space k ``mean_k``, ``components_k``,
        ``explained_k``, ``scores_k``, ``rows_k``, and ``spaces``, from which ``place`` can be done again."""
        found = {"points": self.points, "lanes": self.lanes, "moments": self.moments, **self.columns,
                 "agents": np.array(self.agents), "what": np.array(self.what), "method": np.array(self.method),
                 "spaces": np.array(self.spaces, np.int64), "caption": np.array(self.caption)}  # fmt: skip
        for number, part in enumerate(self.parts):
            for name in ("mean", "components", "explained", "scores", "rows"):
                found[f"{name}_{number}"] = getattr(part, name)
        return found

    def draw(self, figure: Any) -> None:
        """One panel for each colouring; agents of different spaces one row each."""
        from zoo_gui.analysis import embedding_drawing

        embedding_drawing.draw(figure, self)


def made(points: np.ndarray, **told: Any) -> Embedding:
    """An Embedding whose arrays cannot be changed."""
    for name in ("lanes", "moments"):
        told[name] = read_only(np.ascontiguousarray(told[name], np.int64))
    told["columns"] = {name: read_only(np.asarray(values, np.float64)) for name, values in told["columns"].items()}
    return Embedding(read_only(np.ascontiguousarray(points, np.float32)), **told)


def _whole(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all() and (values == np.round(values)).all())


def _list(values: Sequence[int]) -> str:
    values = [int(value) for value in values]
    if len(values) > 3 and values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]}–{values[-1]}"
    return ", ".join(map(str, values))
