"""A model of the zoo's interface: an agent, its rollout, its training log, and what Lucid asks of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Mapping, NoReturn

import numpy as np

from zoo_gui.atari_zoo import eager
from zoo_gui.atari_zoo.families import Facts
from zoo_gui.atari_zoo.sources import Source
from zoo_gui.play import rollout_cache, rollout_files
from zoo_gui.play.rollout import Recipe, Rollout
from zoo_gui.types import Progress, ZooError

VALUE_LEARNERS = ("dqn", "rainbow")
"""Algorithms whose logs the zoo did not have."""


class _OfClass:
    """A read-only attribute that is worked out when asked for, of the class as of its instances."""

    def __init__(self, function: Callable[[type], Any]):
        self._function, self.__doc__ = function, function.__doc__

    def __get__(self, instance: Any, owner: type) -> Any:
        return self._function(owner)


class RL_model:
    """The base of what ``MakeAtariModel`` makes; see docs/atari_zoo_api.md.

    recipe: how ``get_observations`` and its like play where there is no rollout yet; set it on a class or an instance
    for another (``Recipe.of(steps=500, sticky=0.25)``). agent: the Agent behind it, loaded when first asked for.
    """

    dataset = "RL"
    ph_type = "float32"
    labels_path = None
    labels = None
    recipe = Recipe()
    source: Source
    layers: list[dict[str, Any]] = []
    weights: list[dict[str, str]] = []
    additional_layers: dict[str, dict[str, Any]] = {}
    image_shape: list[int] = [84, 84, 4]
    image_value_range: tuple[float, float] = (0, 1)
    input_name = "X_t"
    input_scale = 1.0
    channel_order = "NHWC"
    preprocess_style = ""
    valid_run_range = (1, 3)
    _facts: Facts
    _agents: dict[str, Any] = {}

    def __init__(self) -> None:
        self.graph_def: Any = None
        self._played: Rollout | None = None

    @property
    def name(self) -> str:
        """The class's name, as Lucid has it."""
        return type(self).__name__

    @_OfClass
    def agent(cls) -> Any:
        """The Agent; its file is downloaded first where need be. Raises ZooError."""
        if "agent" not in cls._agents:
            cls._agents["agent"] = eager.call(cls.source.agent)
        return cls._agents["agent"]

    @_OfClass
    def nodes(cls) -> dict[str, str]:
        """{the agent's layer: what it is called here and in the graph}."""
        return dict(cls._facts.nodes)

    @_OfClass
    def model_path(cls) -> str:
        """The weights' file or address."""
        return cls.source.model_path

    @_OfClass
    def data_path(cls) -> str:
        """Where the rollout is, or will be once it was played."""
        known = cls.source.data_path
        return known or str(rollout_cache.path_for(cls.agent, cls.recipe))

    @_OfClass
    def log_path(cls) -> str:
        """What the paths of the log and the list of checkpoints begin with."""
        return cls.source.log_path

    # -- the rollout --------------------------------------------------------------------------------------------------

    def get_observations(self) -> np.ndarray:
        """(N, 84, 84, 4) float32 in 0–1, oldest frame first. Raises ZooError, as all of these."""
        return self._column("observations")

    def get_frames(self) -> np.ndarray:
        """(N, 210, 160, 3) uint8: the screen before each action."""
        return self._column("frames")

    def get_ram(self) -> np.ndarray:
        """(N, 128) uint8: the emulator's memory before each action."""
        return self._column("ram")

    def get_representation(self) -> np.ndarray:
        """(N, units) float32: the layer before the output, ``layers[-2]``."""
        return self._column("representation")

    def get_scores(self) -> np.ndarray:
        """(N,) float64: the episode's return before each action."""
        return self._column("score")

    def get_episode_rewards(self) -> np.ndarray:
        """(episodes,) float64; the last one may be cut short."""
        return self._column("ep_rewards")

    def get_rollout(self) -> Rollout:
        """Everything that was recorded, read when asked for; played first where nobody has."""
        if self._played is not None and self._played.recipe == self.recipe:
            return self._played
        if self._has_file():
            return rollout_files.load(self.source.data_path)
        played = watched(rollout_cache.collected(self.agent, self.recipe))
        if not rollout_cache.path_for(self.agent, self.recipe).is_file():
            self._played = played  # the cache cannot be written: at least not twice in one sitting
        return played

    def _column(self, name: str) -> np.ndarray:
        try:
            return np.array(self.get_rollout()[name])
        except ZooError:
            if self._has_file():
                raise
            return rollout_cache.column(self.agent, self.recipe, name, watched)  # which plays again what is damaged

    def _has_file(self) -> bool:
        """Whether a rollout lies beside the model; it is the zoo's own, hence not asked for under another recipe."""
        path = self.source.data_path
        return bool(path) and self.recipe == Recipe() and Path(path).is_file()

    def ram_state_to_bits(self, state: np.ndarray) -> str:
        """A row of ``get_ram`` as 1,024 characters 0 and 1, the most significant bit of each byte first."""
        return "".join(map(str, np.unpackbits(np.asarray(state).astype(np.uint8))))

    # -- how it was trained -------------------------------------------------------------------------------------------

    def get_log(self) -> list[dict[str, Any]]:
        """The training log: entries with frames, time, score, policy_entropy and more. Raises ZooError without one, of
        dqn and rainbow NotImplementedError, as the zoo did."""
        return self._about_training(self.source.log)

    def get_checkpoint_info(self) -> list[dict[str, Any]]:
        """[{criteria: a tag, best_checkpoint: {fname, initial, final, frames, time, score, …} or None}]."""
        return self._about_training(self.source.checkpoints)

    def _about_training(self, read: Callable[[], list]) -> list[dict[str, Any]]:
        try:
            return read()
        except ZooError as error:
            if self.algorithm in VALUE_LEARNERS:
                raise NotImplementedError(str(error)) from error
            raise

    # -- the network --------------------------------------------------------------------------------------------------

    def get_weights(self, session: Any, layer_no: int) -> np.ndarray:
        """The kernel (height, width, in, out) float32 of convolution ``layer_no`` from 0.

        session: of a graph into which the model was imported as ``import``, or None: the agent's own.
        """
        if not -len(self.weights) <= layer_no < len(self.weights):
            last = len(self.weights) - 1
            raise ZooError(f"{self.name} has convolutions 0 to {last}, not {layer_no}: give one of these.")
        name = self.weights[layer_no]["name"]
        if session is not None and f"import/{name}" in {node.name for node in session.graph.as_graph_def().node}:
            found = session.run(f"import/{name}:0")
        else:
            ours = next(key for key, node in self._facts.kernels.items() if node == name)
            found = np.array(self.agent.weights[ours])
        return self.preprocess_weight(found)

    def preprocess_weight(self, x: np.ndarray) -> np.ndarray:
        """A kernel as (height, width, in, out): es and ga had one axis more in front."""
        return x[0] if x.ndim == 5 else x

    def activations(self, observations: np.ndarray) -> dict[str, np.ndarray]:
        """{name in ``layers`` or ``additional_layers``: (N, …) float32} for observations (N, h, w, C): float in 0–1 or
        uint8. Maps are (N, H, W, C) whatever ``channel_order`` says; a network with memory sees each by itself."""
        if observations.dtype != np.uint8:
            observations = np.multiply(observations, np.float32(255.0), dtype=np.float32)
        found = eager.call(self.agent.activations, observations)
        return {node: found[layer] for layer, node in self._facts.nodes.items() if layer in found}

    def get_action(self, model: Callable[[str], Any]) -> Any:
        """The action as a tensor (N,), where ``model`` is what Lucid's ``import_model`` gives: drawn from the policy of
        agents that do so, else the best."""
        from zoo_gui.atari_zoo.graphs import v1

        scores = model(self.layers[-1]["name"])
        with scores.graph.as_default():
            if not self._facts.samples:
                return v1.argmax(scores, axis=-1)
            uniform = v1.random_uniform(v1.shape(scores), minval=1e-20)
            return v1.argmax(scores - v1.log(-v1.log(uniform)), axis=-1)  # Gumbel-max: Gumbel 1954

    def canonical_activation_representation(self, act: np.ndarray) -> np.ndarray:
        """Maps of this model's graph as (N, H, W, C)."""
        return act if self.channel_order == "NHWC" else np.transpose(act, (0, 2, 3, 1))

    def native_activation_representation(self, act: np.ndarray) -> np.ndarray:
        """Maps (N, H, W, C) as this model's graph has them."""
        return act if self.channel_order == "NHWC" else np.transpose(act, (0, 3, 1, 2))

    # -- what Lucid asks of a model -----------------------------------------------------------------------------------

    def load_graphdef(self) -> None:
        """Make ``graph_def``: the network from ``input_name`` to the names in ``layers``. Raises ZooError."""
        from zoo_gui.atari_zoo import graphs

        low, high = self.image_value_range
        first = self.channel_order == "NCHW"
        there = {info.name for info in self.agent.layers}
        nodes = {layer: node for layer, node in self._facts.nodes.items() if layer in there}
        self.graph_def = graphs.graph_of(self.agent, self.input_name, low, high, nodes, first)
        graphs.name_constants(self.graph_def, {node: np.asarray(self.agent.weights[ours])
                                               for ours, node in self._facts.kernels.items()
                                               if ours in self.agent.weights})  # fmt: skip

    def create_input(self, t_input: Any = None, forget_xy_shape: bool = True) -> tuple[Any, Any]:
        """(the input, what the network gets of it): a placeholder where none is given; 0–1 to ``image_value_range``."""
        from zoo_gui.atari_zoo import graphs

        if t_input is None:
            t_input = graphs.v1.placeholder("float32", [None, *self.image_shape])
        image = t_input if len(t_input.shape) == 4 else graphs.v1.expand_dims(t_input, 0)
        low, high = self.image_value_range
        image = graphs.fitted(image, self.image_shape)
        return t_input, image if (low, high) == (0, 1) else low + image * (high - low)

    def import_graph(self, t_input: Any = None, scope: str = "import", forget_xy_shape: bool = True) -> None:
        """Put the network into the graph of ``t_input``, by default the default graph, under ``scope``.

        Works beside eager execution as well. Raises ZooError before ``load_graphdef``, and where the scope is taken.
        """
        from zoo_gui.atari_zoo import graphs

        if self.graph_def is None:
            raise ZooError("There is no graph to import yet: call load_graphdef() first.")
        graph = graphs.v1.get_default_graph() if t_input is None else t_input.graph
        with graph.as_default():
            if graph.unique_name(scope, mark_as_used=False) != scope:
                raise ZooError(f"The graph has something called “{scope}” already: give another scope, or begin anew "
                               "with atari_zoo.utils.get_session().")  # fmt: skip
            t_input, image = self.create_input(t_input, forget_xy_shape)
            graphs.import_into(self.graph_def, {self.input_name: image}, scope, graph)
            self.post_import(scope)

    def post_import(self, scope: str) -> None:
        """Called after ``import_graph``; for subclasses."""

    def get_layer(self, name: str) -> dict[str, Any]:
        """The layer of that name, also by part of it. Raises KeyError."""
        rows = [*self.layers, *self.additional_layers.values()]
        near = [row for row in rows if name.lower() in row["name"].lower()]
        found = [row for row in rows if row["name"] == name] or near
        if not found:
            raise KeyError(f"there is no layer {name!r}: {', '.join(row['name'] for row in rows)}")
        return found[0]

    def show_graph(self) -> NoReturn:
        """Not provided: Lucid's viewer loads its program from a server that is gone."""
        raise ZooError("Graphs are not shown here: look at m.layers, or open the agent in zoo-gui.")


def attributes(facts: Facts) -> Mapping[str, Any]:
    """The class attributes of a model with these facts."""
    return {
        "layers": facts.layers, "weights": facts.weights, "additional_layers": facts.additional_layers,
        "image_shape": list(facts.image_shape), "image_value_range": facts.image_value_range,
        "input_name": facts.input_name, "input_scale": facts.input_scale, "channel_order": facts.channel_order,
        "preprocess_style": facts.preprocess_style, "_facts": facts, "_agents": {},
    }  # fmt: skip


def watched(progress: Any) -> Rollout:
    """The result of a generator of Progress, under a progress bar in notebooks and terminals."""
    from tqdm.auto import tqdm

    record: Progress | None = None
    with tqdm(total=None, unit=" steps", desc="rollout", disable=None, leave=False) as bar:
        for record in eager.run(progress):
            bar.total = record.total
            bar.update(record.done - bar.n)
    return record.result
