"""What the code in a TorchScript file says of its modules. It is read as text, and never run."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, Iterator, Mapping

from zoo_gui.agents.reading.inert import Record
from zoo_gui.agents.reading.limits import MAX_DEPTH

MAX_MODULES = 2_000
_FINAL = re.compile(r"  (\w{1,40}) : Final\[[\w\[\], ]{1,60}\] = ([^\n]{1,60})\n")
"""A module's constant, as ``torch.jit.script`` writes it: stride : Final[Tuple[int, int]] = (4, 4)."""
_LIST = r"(\[[\d, ]{1,20}\])"
_CALL = re.compile(rf"torch\._?conv(?:olution|2d)\(\w+, \w+, \w+, {_LIST}, {_LIST}, {_LIST}")
"""The call of a convolution, as ``torch.jit.trace`` writes it: stride, padding, dilation."""
_NUMBERS = re.compile(r"[(\[][\d, ]*[)\]]")


def script_modules(root: Any, code: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """{dotted path: {"class": "Conv2d", "stride": [4, 4], …}} of a TorchScript's modules.

    code: {Python module: the text that the file has for it}.
    """
    modules: dict[str, dict[str, Any]] = {}
    for path, record in islice(_walk(root, "", 0), MAX_MODULES):
        modules[path] = {"class": record.name[:80]} | _settings(_class_text(record, code))
    return modules


def script_sources(root: Any, code: Mapping[str, str]) -> dict[str, str]:
    """{class: its text} of the modules that are not PyTorch's own: how the author's network computes."""
    sources: dict[str, str] = {}
    for _, record in islice(_walk(root, "", 0) if code else (), MAX_MODULES):
        text = _class_text(record, code)
        if text and len(sources) < 20 and not record.module.startswith("__torch__.torch."):
            sources[record.class_name] = text[:20_000]
    return sources


def _walk(thing: Any, path: str, depth: int) -> Iterator[tuple[str, Record]]:
    """The modules in a module, itself first."""
    if not isinstance(thing, Record) or not thing.module.startswith("__torch__") or depth > MAX_DEPTH:
        return
    yield path, thing
    for name, child in thing.attributes.items():
        if isinstance(name, str):
            yield from _walk(child, f"{path}.{name}".lstrip("."), depth + 1)


def _class_text(record: Record, code: Mapping[str, str]) -> str:
    """The text of a class, "" where the file has none."""
    _, start, rest = code.get(record.module, "").partition(f"class {record.name}(Module):\n")
    return rest.split("\nclass ")[0] if start else ""


def _settings(text: str) -> dict[str, Any]:
    """A module's constants, and of a convolution that was traced what it is called with."""
    settings = {name: _value(value) for name, value in _FINAL.findall(text)[:40]}
    call = _CALL.search(text)
    if call:
        for name, value in zip(("stride", "padding", "dilation"), call.groups()):
            settings.setdefault(name, _value(value))
    return {name: value for name, value in settings.items() if value is not None}


def _value(text: str) -> Any:
    """A constant: numbers, a truth value or a text; None for anything else."""
    if _NUMBERS.fullmatch(text):
        return [int(number[:18]) for number in re.findall(r"\d+", text)]
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    if re.fullmatch(r'"[\w ]*"', text):
        return text[1:-1]
    return {"True": True, "False": False}.get(text)
