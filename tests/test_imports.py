"""The layers: imports point down only, the core lives without Qt, and starting the command loads neither toolkit."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("PyQt5", "pyqtgraph", "tensorflow", "lucid", "cv2", "ale_py")
LONGEST_FUNCTION = 50
LONGEST_MODULE = 400


def core_packages() -> list[str]:
    """The modules and packages that the contract in setup.cfg keeps free of Qt."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / "setup.cfg")
    return contracts["importlinter:contract:core-without-qt"]["source_modules"].split()


def run_python(code: str) -> subprocess.CompletedProcess:
    """Run code in an interpreter that has imported nothing of ours yet."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_import_contracts_hold():
    result = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()",
         "--config", "setup.cfg", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize("module", ["zoo_gui", "zoo_gui.cli"])
def test_importing_the_command_loads_no_toolkit(module):
    result = run_python(f"import {module}, sys; print([name for name in {HEAVY} if name in sys.modules])")
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def test_core_is_importable_without_qt():
    """A notebook on a machine without Qt's libraries imports all of the core."""
    result = run_python(f"""
import importlib, pkgutil, sys

class NoQt:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PyQt5", "PyQt6", "PySide2", "PySide6", "pyqtgraph"):
            raise ImportError("no Qt on this machine: " + name)

sys.meta_path.insert(0, NoQt())
for name in {core_packages()}:
    module = importlib.import_module(name)
    for inner in pkgutil.walk_packages(getattr(module, "__path__", []), name + "."):
        importlib.import_module(inner.name)
print("all imported")
""")
    assert result.stdout.strip() == "all imported", result.stderr


def test_every_layer_below_the_session_is_held_to_the_core_contract():
    """A new core module must not escape the contract by not being named in it."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / "setup.cfg")
    layers = contracts["importlinter:contract:layers"]["layers"].split("\n")
    layers = [[name.strip() for name in layer.replace(":", "|").split("|")] for layer in layers if layer.strip()]
    below = layers[layers.index(["session_events"]) + 1:]
    assert {f"zoo_gui.{name}" for layer in below for name in layer} == set(core_packages())


def modules() -> list[Path]:
    return sorted((ROOT / "zoo_gui").rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_fit_on_a_screen(path):
    source = path.read_text(encoding="utf-8")
    long = {
        f"{node.name} ({node.end_lineno - node.lineno + 1} lines)"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert not long
    assert source.count("\n") <= LONGEST_MODULE
