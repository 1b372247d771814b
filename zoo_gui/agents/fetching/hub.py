"""Asking Hugging Face which file of a repository is the agent; needs the extra ``zoo-gui[huggingface]``."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import quote

from zoo_gui import settings
from zoo_gui.agents.fetching import downloads
from zoo_gui.agents.entry import Entry
from zoo_gui.agents.fetching.sources import HUB, HUB_SCHEME
from zoo_gui.types import ZooError

log = logging.getLogger(__name__)
SUFFIXES = (
    ".zip", ".cleanrl_model", ".safetensors", ".pt", ".pth", ".onnx", ".h5", ".keras", ".npz", ".pb", ".msgpack",
    ".pkl",
)  # fmt: skip
"""Of weights files, those that say most of themselves first."""
REMEMBERED = "agent.url"


def resolved(entry: Entry) -> Entry:
    """The row with the file's address, where that was found out before; no network."""
    if not _is_open(entry):
        return entry
    try:
        url = _memory(entry).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return entry
    return replace(entry, urls=(url,)) if url.startswith(f"{HUB}/{_repository(entry)}/resolve/") else entry


def resolve(entry: Entry) -> Entry:
    """The row with the file's address: of a repository of which only the name is known, its weights file is looked up.

    Raises ZooError: huggingface_hub is not installed, the repository does not exist or cannot be reached, or holds none
    or several that could be meant.
    """
    if not _is_open(entry):
        return entry
    repository = _repository(entry)
    names = [name for name in _files(repository) if name.endswith(SUFFIXES) and "optimizer" not in name]
    best = min((SUFFIXES.index(PurePosixPath(name).suffix) for name in names), default=None)
    fitting = [name for name in names if PurePosixPath(name).suffix == SUFFIXES[best]]
    if not fitting:
        raise ZooError(f"{HUB}/{repository} holds no weights file in a format that can be read.")
    if len(fitting) > 1:
        raise ZooError(
            f"hf:{repository} holds {len(fitting)} files that may be the agent ({', '.join(fitting[:5])}): name one, "
            f"for example hf:{repository}/{fitting[0]}."
        )
    url = f"{HUB}/{repository}/resolve/main/{quote(fitting[0])}"
    memory = _memory(entry)
    settings.writable_dir(memory.parent, "downloads folder")
    memory.write_text(url, encoding="utf-8")
    return replace(entry, urls=(url,))


def _is_open(entry: Entry) -> bool:
    return entry.urls[:1] != () and entry.urls[0].startswith(f"{HUB_SCHEME}:")


def _repository(entry: Entry) -> str:
    return entry.urls[0].removeprefix(f"{HUB_SCHEME}:")


def _memory(entry: Entry):
    return downloads.place(f"{HUB}/{_repository(entry)}/{REMEMBERED}")


def _files(repository: str) -> list[str]:
    """The names of a repository's files. Raises ZooError."""
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import RepositoryNotFoundError
    except ImportError as error:
        raise ZooError(
            f'Which file of hf:{repository} is the agent must be looked up: pip install "zoo-gui[huggingface]", or '
            f"name the file, hf:{repository}/FILE."
        ) from error
    endpoint = downloads.mirrored(HUB).rstrip("/")
    try:
        # the person's token is for the hub, not for a mirror
        return HfApi(endpoint=endpoint, token=None if endpoint == HUB else False).list_repo_files(repository)
    except RepositoryNotFoundError as error:
        raise ZooError(f"Hugging Face has no repository {repository}, or only for those who are signed in.") from error
    except Exception as error:  # its own and its HTTP library's, which differ between its versions
        log.info("listing %s failed", repository, exc_info=True)
        reason = type(error).__name__
        raise downloads.Unreachable(f"Hugging Face cannot be asked for {repository} ({reason}).") from error
