"""Where a model's files are: an agent of the catalogue, a folder in the zoo's layout, or an address. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo_gui.agents import catalogue, logs
from zoo_gui.agents.card import ActionSpec, Card, WeightsSpec
from zoo_gui.agents.entry import Entry
from zoo_gui.agents.formats import read_checkpoint
from zoo_gui.agents.inference.actions import minimal
from zoo_gui.agents.presets_preprocessing import named
from zoo_gui.atari_zoo import log
from zoo_gui.atari_zoo.families import family_of
from zoo_gui.types import ZooError


@dataclass(frozen=True)
class Source:
    """algorithm, game (as ids spell it), run, tag ("" the last): which model it is. model_path, data_path, log_path:
    the zoo's; data_path "" where the rollout is in our cache. entry: of the catalogue, or None for local files."""

    algorithm: str
    game: str
    run: int
    tag: str
    model_path: str
    data_path: str = ""
    log_path: str = ""
    entry: Entry | None = None

    @property
    def id(self) -> str:
        """The agent's name."""
        return "/".join(filter(None, (self.algorithm, self.game, str(self.run), self.tag)))

    def agent(self) -> Any:
        """Load the agent, after downloading it where need be. Raises ZooError."""
        from zoo_gui.agents.agent import Agent

        if self.entry is None:
            return self._of_graph(Path(self.model_path))
        entry = self.entry if self.entry.is_here else _fetched(self.entry)
        if entry.weights is not None and entry.weights.suffix == ".pb" and family_of(self.algorithm):
            return self._of_graph(entry.weights)
        if entry.weights is None:
            raise ZooError(f"“{entry.id}” is a player without a network: there is nothing to load.")
        return Agent.of_file(entry.card or Card.read(entry.path), entry.weights, entry.id)

    def _of_graph(self, path: Path) -> Any:
        """The agent of a graph of the zoo: everything that the file does not say follows from what it is called."""
        from zoo_gui.agents.agent import Agent

        if not path.is_file():
            raise ZooError(f"There is no file {path}: put the model there, or name another folder.")
        checkpoint, family = read_checkpoint(path), family_of(self.algorithm)
        if checkpoint.graph is None or checkpoint.network is None or not checkpoint.network.is_graph:
            raise ZooError(f"{path.name} is not a frozen graph of the zoo: open it by its path instead.")
        card = Card(
            format=1, algorithm=self.algorithm, game=self.game, run=self.run, tag=self.tag, network=checkpoint.network,
            preprocessing=named(family.preprocessing), actions=ActionSpec(minimal(self.game), family.rule),
            weights=WeightsSpec(path.name),
        )  # fmt: skip
        return Agent(card, checkpoint.arrays, self.id, str(path), checkpoint.convention, checkpoint.graph)

    def log(self) -> list[dict[str, Any]]:
        """The training log. Raises ZooError without one."""
        return log.read(f"{self.log_path}_log.json") if self._own_files else logs.get_log(*self._key)

    def checkpoints(self) -> list[dict[str, Any]]:
        """The list of checkpoints. Raises ZooError without one."""
        return log.load_checkpoint_info(self.log_path) if self._own_files else logs.get_checkpoint_info(*self._key)

    @property
    def _own_files(self) -> bool:
        return self.entry is None or self.entry.source != catalogue.EMBEDDED

    @property
    def _key(self) -> tuple[str, str, int]:
        return self.algorithm, self.game, self.run


def _fetched(entry: Entry) -> Entry:
    """An entry whose files are here, downloaded under a progress bar."""
    from tqdm.auto import tqdm

    result = None
    with tqdm(total=None, unit="B", unit_scale=True, desc=entry.title, disable=None, leave=False) as bar:
        for progress in catalogue.fetch(entry):
            bar.total, result = progress.total, progress.result
            bar.update(progress.done - bar.n)
    return result
