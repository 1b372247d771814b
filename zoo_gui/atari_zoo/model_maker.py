"""``MakeAtariModel``: models by algorithm, game, run and tag."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

from zoo_gui.agents import catalogue, logs
from zoo_gui.agents.card import Card
from zoo_gui.agents.entry import EMBEDDED, Entry
from zoo_gui.agents.inference.actions import minimal
from zoo_gui.atari_zoo import SUFFIX, config, log
from zoo_gui.atari_zoo.families import facts_of_card, facts_of_family, family_of, last_run
from zoo_gui.atari_zoo.model import RL_model, attributes
from zoo_gui.atari_zoo.sources import Source
from zoo_gui.play import games
from zoo_gui.play.rollout_files import SUFFIX as ROLLOUT
from zoo_gui.registry import unknown
from zoo_gui.types import ZooError

FINAL = catalogue.FINAL


class UnknownModel(ZooError, ValueError):
    """There is no such model: an unknown algorithm, game, tag, or a run out of range."""


def MakeAtariModel(
    algo: str, environment: str, run_no: int, tag: str | None = FINAL, local: bool | str | Path = False
) -> type[RL_model]:
    """The class of a model; call it: ``MakeAtariModel("a2c", "BreakoutNoFrameskip-v4", 1)()``.

    environment: the game in any spelling. tag: ``final``, or one of ``GetAvailableTaggedCheckpoints``; None as final.
    local: a folder with ``model{run}_{tag}.pb`` files in the zoo's layout, or True for ``config.datadir_local_dict``.
    Nothing is loaded, downloaded or played yet. Raises UnknownModel, which is a ValueError and a ZooError.
    """
    source = _source(algo, environment, run_no, tag, local)
    if config.debug:
        for what in ("model", "data", "log"):
            print(f"{what.capitalize()} path:", getattr(source, f"{what}_path"))
    entry, family = source.entry, family_of(source.algorithm)
    if entry is not None and (entry.source == EMBEDDED or family is None):
        card = entry.card or Card.read(entry.path)
        facts = facts_of_card(card, source.agent().layers if card.network.is_graph else ())
    else:
        facts = facts_of_family(family, len(minimal(source.game)))
    environment = f"{source.game}{SUFFIX}"
    name = f"Atari{source.algorithm}_{environment}_{run_no}_{tag}"
    own = {"source": source, "environment": environment, "run_id": int(run_no), "algorithm": source.algorithm,
           "tag": source.tag or FINAL, "valid_run_range": (1, last_run(source.algorithm))}  # fmt: skip
    return type(name, (RL_model,), {**copy.deepcopy(dict(attributes(facts))), **own})


def GetFilePathsForModel(
    algo: str, environment: str, run_no: int, tag: str | None = FINAL, local: bool | str | Path = False
) -> tuple[str, str, str]:
    """(model, rollout, beginning of the log's paths): files or addresses, which need not exist. Raises UnknownModel."""
    model = MakeAtariModel(algo, environment, run_no, tag, local)
    return model.model_path, model.data_path, model.log_path


def GetAvailableTaggedCheckpoints(
    algo: str, environment: str, run_no: int, local: bool | str | Path = False
) -> dict[str, dict[str, Any] | None]:
    """{tag: {fname, initial, final, frames, time, score, policy_entropy}} of a run. Raises ZooError."""
    source = _source(algo, environment, run_no, FINAL, local)
    if source.entry is not None and source.entry.source == EMBEDDED:
        return logs.available_tags(source.algorithm, source.game, source.run)
    return log.parse_checkpoint_info(source.checkpoints())


def _source(algo: str, environment: str, run_no: int, tag: str | None, local: bool | str | Path) -> Source:
    """Which model it is, and where. Raises UnknownModel."""
    algorithm = str(algo).strip().casefold()
    try:
        game = games.identity(str(environment))
    except ZooError as error:
        raise UnknownModel(str(error)) from error
    if isinstance(run_no, bool) or not isinstance(run_no, int) and not str(run_no).isdecimal():
        raise UnknownModel(f"Run {run_no!r} is no number: give 1, for example.")
    run, stage = int(run_no), "" if tag in (None, "", FINAL) else str(tag)
    if local:
        return _local(algorithm, game, run, tag, local)
    try:
        entry = catalogue.find("/".join(filter(None, (algorithm, game, str(run), stage))))
    except ZooError as error:
        raise _not_there(algorithm, game, run, stage or FINAL) from error
    return _of_entry(entry, algorithm, game, run, stage, tag)


def _of_entry(entry: Entry, algorithm: str, game: str, run: int, stage: str, tag: str | None) -> Source:
    """The model of a row of the catalogue."""
    if entry.source == EMBEDDED:
        card = entry.card or Card.read(entry.path)
        folder = entry.path.parent.parent if stage else entry.path.parent
        model = entry.path.parent / card.weights.file
        return Source(algorithm, game, run, stage, str(model), "", str(folder / "log"), entry)
    root = config.datadir_remote_dict.get(algorithm, "")
    name = f"{root}/{game}{SUFFIX}/model{run}" + ("" if tag is None else f"_{tag}")
    model = entry.urls[0] if entry.urls else str(entry.weights or entry.path)
    logs_of = f"{root}/checkpoints/{game}{SUFFIX}_{run}"
    return Source(algorithm, game, run, stage, model, f"{name}{ROLLOUT}" if root else "", logs_of, entry)


def _not_there(algorithm: str, game: str, run: int, tag: str) -> UnknownModel:
    """Why there is no such model, and which there are."""
    plain = [row for row in catalogue.entries() if ":" not in row.id]
    rows, known = [row for row in plain if row.algorithm == algorithm], sorted({row.algorithm for row in plain})
    if not rows:
        return UnknownModel(f"{unknown('algorithm', algorithm, known)} There are {', '.join(known)}.")
    of_game = [row for row in rows if row.game == game]
    runs = sorted({row.run for row in of_game})
    if not of_game:
        return UnknownModel(str(unknown(f"game of {algorithm}", game, sorted({row.game for row in rows}))))
    if run not in runs:
        return UnknownModel(f"Run {run} of {algorithm} on {game} is out of range: there are {_ranges(runs)}.")
    tags = ", ".join(dict.fromkeys(row.tag or FINAL for row in of_game if row.run == run))
    return UnknownModel(f"There is no tag “{tag}” of {algorithm}/{game}/{run}: it has {tags}.")


def _ranges(runs: list[int]) -> str:
    return str(runs[0]) if len(runs) == 1 else f"{', '.join(map(str, runs[:-1]))} and {runs[-1]}"


def _local(algorithm: str, game: str, run: int, tag: str | None, local: bool | str | Path) -> Source:
    """The model in a folder: ``ALGORITHM/GAMENoFrameskip-v4/``, ``GAMENoFrameskip-v4/`` or the folder itself."""
    if family_of(algorithm) is None:
        raise UnknownModel(str(unknown("algorithm of the zoo", algorithm, config.ALGORITHMS)))
    if not 1 <= run <= last_run(algorithm):
        raise UnknownModel(f"Run {run} of {algorithm} is out of range: the zoo has 1 to {last_run(algorithm)}.")
    if not minimal(game):
        raise UnknownModel(f"The actions of {game} are not known: choose one of the zoo's games.")
    if local is True and algorithm not in config.datadir_local_dict:
        raise UnknownModel("Say where the models are: local=\"FOLDER\", or set config.datadir_local_dict.")
    root = Path(config.datadir_local_dict[algorithm] if local is True else local).expanduser()
    if not root.is_dir():
        raise UnknownModel(f"There is no folder {root}: name one with models in the zoo's layout.")
    stem = f"model{run}" + ("" if tag is None else f"_{tag}")
    if not re.fullmatch(r"[\w.+-]+", stem):
        raise UnknownModel(f"“{tag}” is no tag: it is made of letters, digits, dots and dashes.")
    places = [root / algorithm / f"{game}{SUFFIX}", root / f"{game}{SUFFIX}", root]
    place = next((place for place in places if any(place.glob(f"{stem}*"))), places[1])
    tops = [root / algorithm, root]
    top = next((top for top in tops if (top / "checkpoints").is_dir()), tops[1])
    data = place / f"{stem}{ROLLOUT}"
    return Source(algorithm, game, run, "" if tag in (None, FINAL) else str(tag), str(place / f"{stem}.pb"),
                  str(data) if data.is_file() else "", str(top / "checkpoints" / f"{game}{SUFFIX}_{run}"))  # fmt: skip
