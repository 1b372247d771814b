"""What an install carries: the packages, the data, the command, and what the set-up asks of the system."""

from __future__ import annotations

import configparser
import importlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import zoo_gui
from zoo_gui.backports import tomllib

ROOT = Path(__file__).resolve().parent.parent
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg")
# every machine with Python has these
C_LIBRARIES = ("libc.", "libm.", "libdl.", "libpthread.", "librt.", "libstdc++.", "libgcc_s.", "libz.")


def load_setup():
    """tools/setup.py as a module."""
    spec = importlib.util.spec_from_file_location("zoo_gui_setup", ROOT / "tools" / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """A wheel built from this checkout, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    # a copy, so that the build leaves nothing in the checkout and finds no old build/ there
    for name in ("zoo_gui", "resources", "docs"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__", "_build"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, folder / "source")
    result = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
         "--wheel-dir", str(folder), str(folder / "source")], capture_output=True, text=True,
    )
    assert result.returncode == 0, result.stderr
    (path,) = folder.glob("zoo_gui-*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def source_files(tmp_path_factory) -> set[str]:
    """Names in the source archive of this checkout, without its own top folder."""
    folder = tmp_path_factory.mktemp("sdist")
    for name in ("zoo_gui", "resources", "docs", "tests", "tools"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, folder / "source")
    build = f"import setuptools.build_meta as backend; backend.build_sdist({str(folder)!r})"
    result = subprocess.run([sys.executable, "-c", build], cwd=folder / "source", capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    (path,) = folder.glob("zoo_gui-*.tar.gz")
    with tarfile.open(path) as archive:
        return {entry.name.partition("/")[2] for entry in archive.getmembers() if entry.isfile()}


@pytest.fixture
def wheel_files(wheel) -> dict[str, int]:
    """Name → size in bytes."""
    return {entry.filename: entry.file_size for entry in wheel.infolist()}


def metadata(wheel: zipfile.ZipFile, name: str) -> str:
    """The text of a file of the wheel's dist-info."""
    return wheel.read(f"zoo_gui-{zoo_gui.__version__}.dist-info/{name}").decode()


def test_wheel_carries_every_module(wheel_files):
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "zoo_gui").rglob("*.py")}
    assert modules <= set(wheel_files)


def test_wheel_carries_every_resource_unchanged(wheel_files):
    """Agents, icons, themes: all of resources/, as the package zoo_gui.resources."""
    resources = [path for path in (ROOT / "resources").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    expected = {f"zoo_gui/resources/{path.relative_to(ROOT / 'resources')}": path.stat().st_size for path in resources}
    assert expected.items() <= wheel_files.items()
    for suffix in (".safetensors", ".toml"):
        assert any(name.endswith(suffix) for name in expected), f"no {suffix} among the resources"


def test_wheel_carries_the_pages_that_the_window_shows(wheel_files):
    """Where settings.docs_path looks for them; of the pictures the panels' only."""
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "panels").glob("*.md"),
             *(ROOT / "docs" / "images" / "panels").glob("*.png")]  # fmt: skip
    carried = {name: size for name, size in wheel_files.items() if name.startswith("zoo_gui/docs/")}
    expected = {f"zoo_gui/docs/{path.relative_to(ROOT / 'docs')}": path.stat().st_size for path in pages}
    assert carried == expected | {"zoo_gui/docs/conf.py": wheel_files["zoo_gui/docs/conf.py"]}
    assert sum(carried.values()) < 4_000_000


def test_wheel_carries_nothing_else(wheel_files):
    roots = {name.split("/")[0] for name in wheel_files}
    assert roots == {"zoo_gui", f"zoo_gui-{zoo_gui.__version__}.dist-info"}


def test_the_animals_come_with_their_logs_and_thumbnails(wheel_files):
    """The trainers stay in the repository, what they made is in the package."""
    resources = [path for path in (ROOT / "resources").rglob("*") if path.is_file()]
    for kind in ("thumbnail.png", "log.json", "checkpoints.json", "baselines.toml"):
        there = {str(path.relative_to(ROOT / "resources")) for path in resources if path.name == kind}
        assert {f"zoo_gui/resources/{name}" for name in there} <= set(wheel_files)
    assert not [name for name in wheel_files if "training" in Path(name).parts[:2]]


def test_source_archive_builds_the_package_and_holds_no_trainers(source_files):
    for folder in ("zoo_gui", "resources"):
        expected = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert {name for name in expected if "__pycache__" not in name} <= source_files
    assert {"setup.cfg", "pyproject.toml", "README.md", "LICENSE", "docs/zoo.md"} <= source_files
    assert not [name for name in source_files if name.startswith(("tools/", "tests/", "runs/"))]


def test_setup_cfg_names_every_package():
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "zoo_gui").rglob("__init__.py")}
    assert set(CONFIG["options"]["packages"].split()) == found | {"zoo_gui.docs", "zoo_gui.resources"}


def test_every_requirement_has_bounds(wheel):
    lines = Parser().parsestr(metadata(wheel, "METADATA")).get_all("Requires-Dist")
    requirements = [Requirement(line) for line in lines]
    assert {"PyQt5", "tensorflow", "lucid"} <= {requirement.name for requirement in requirements}
    for requirement in requirements:
        operators = {bound.operator for bound in requirement.specifier}
        assert operators in ({">=", "<"}, {"=="}), str(requirement)


def test_wheel_gives_the_console_command(wheel):
    entries = configparser.ConfigParser()
    entries.read_string(metadata(wheel, "entry_points.txt"))
    module, function = entries["console_scripts"]["zoo-gui"].split(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_pytorch_comes_with_the_trainers_only(wheel):
    """And in the version that the set-up takes from PyTorch's own index."""
    lines = Parser().parsestr(metadata(wheel, "METADATA")).get_all("Requires-Dist")
    requirements = {requirement.name: requirement for requirement in map(Requirement, lines)}
    torch = requirements["torch"]
    assert torch.marker.evaluate({"extra": "train"}) and not torch.marker.evaluate({"extra": ""})
    chosen = Requirement(load_setup().CPU_TORCH[-1])
    assert chosen.name == "torch" and torch.specifier.contains(str(chosen.specifier).removeprefix("=="))


def test_what_python_310_lacks_is_taken_from_one_module():
    """The names that were in use; ruff holds the syntax."""
    newer = re.compile(r"^import tomllib|datetime\.UTC|hashlib\.file_digest|StrEnum|import Self\b", re.MULTILINE)
    found = [str(path) for folder in ("zoo_gui", "tools", "tests") for path in (ROOT / folder).rglob("*.py")
             if path.name not in ("backports.py", Path(__file__).name) and newer.search(path.read_text())]  # fmt: skip
    assert not found


def test_build_system_is_named():
    """setup.cfg alone cannot be installed by today's pip."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]
    assert build["build-backend"] == "setuptools.build_meta"


def test_setup_knows_the_libraries_that_qt_asks_for():
    """Every system library that Qt's plugins for a window and for no display link to is looked for by the set-up.

    ``ldd`` also lists what those libraries need in turn, which Debian's packages bring along; the direct ones are those
    whose name stands in a file of PyQt5.
    """
    from PyQt5 import QtCore

    plugins = Path(QtCore.QLibraryInfo.location(QtCore.QLibraryInfo.PluginsPath)) / "platforms"
    qt, system = set(plugins.glob("libq[xo][cf][bf]*.so")), set()
    assert len(qt) == 2
    for plugin in list(qt):
        output = subprocess.run(["ldd", plugin], capture_output=True, text=True).stdout
        for name, path in re.findall(r"^\s*(\S+) => (/\S+)", output, re.MULTILINE):
            path = Path(path).resolve()
            if plugins.parents[1].resolve() in path.parents:
                qt.add(path)
            else:
                system.add(name)
    text = b"".join(path.read_bytes() for path in qt)
    direct = {name for name in system if name.encode() + b"\0" in text and not name.startswith(C_LIBRARIES)}
    assert "libGL.so.1" in direct
    assert direct <= set(load_setup().LIBRARIES)


def test_setup_says_missing_libraries_in_one_sentence(monkeypatch, capsys):
    setup = load_setup()
    monkeypatch.setattr(setup, "loads", lambda library: library != "libGL.so.1")
    monkeypatch.setattr(setup, "install_packages", lambda packages: False)
    assert setup.main(["run"]) == 1
    said = capsys.readouterr().err.strip()
    assert "libgl1" in said and "libxcb1" not in said and "\n" not in said


def test_setup_is_quick_when_nothing_changed(monkeypatch, tmp_path):
    setup = load_setup()
    monkeypatch.setattr(setup, "VENV", tmp_path)
    monkeypatch.setattr(setup, "works", lambda python: True)
    (tmp_path / "zoo_gui-run.stamp").write_text(setup.fingerprint(sys.executable))
    monkeypatch.setattr(setup, "make_environment", None)  # calling it would raise
    monkeypatch.setattr(setup.subprocess, "call", None)
    setup.provide_environment(sys.executable, "run")


@pytest.mark.parametrize(
    ("target", "platform", "has_torch", "has_gpu", "wanted"),
    [
        ("run", "linux", False, False, False),
        ("test", "linux", False, False, True),
        ("test", "linux", False, True, True),  # tests need no GPU
        ("test", "linux", True, False, False),  # whatever build a person chose stays
        ("train", "linux", False, False, True),
        ("train", "linux", False, True, False),
        ("train", "darwin", False, False, False),  # PyPI's build has no CUDA there
    ],
)
def test_setup_takes_pytorch_without_cuda_where_no_gpu_is_used(
    monkeypatch, target, platform, has_torch, has_gpu, wanted
):
    setup = load_setup()
    monkeypatch.setattr(setup.sys, "platform", platform)
    monkeypatch.setattr(setup.shutil, "which", lambda name: "/bin/nvidia-smi" if has_gpu else None)
    monkeypatch.setattr(setup.subprocess, "call", lambda command: 0 if has_torch else 1)
    assert setup.wants_cpu_torch(target) is wanted


def test_setup_goes_on_where_pytorch_without_cuda_cannot_be_had(monkeypatch, tmp_path, capsys):
    setup, calls = load_setup(), []

    def install(*arguments):
        calls.append(arguments)
        return int("--extra-index-url" in arguments)

    monkeypatch.setattr(setup, "VENV", tmp_path)
    monkeypatch.setattr(setup, "works", lambda python: True)
    monkeypatch.setattr(setup.subprocess, "call", lambda *arguments, **options: 0)
    monkeypatch.setattr(setup, "wants_cpu_torch", lambda target: True)
    monkeypatch.setattr(setup, "install", install)
    setup.provide_environment(sys.executable, "test")
    assert len(calls) == 2 and calls[1][-1] == ".[test,train]" and "--no-deps" in calls[0]
    assert "several GB" in capsys.readouterr().err


def test_setup_refuses_a_python_without_packages(monkeypatch):
    setup = load_setup()
    monkeypatch.setattr(setup, "PYTHONS", ((3, 99),))
    with pytest.raises(setup.SetupError, match="is needed"):
        setup.find_python()
