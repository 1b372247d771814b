#!/usr/bin/env python3
"""Set a checkout up: Qt's system libraries, a virtual environment in .venv, zoo_gui and what it needs in it.

    python3 tools/setup.py          # what ``make run`` needs
    python3 tools/setup.py train    # also what ``make train`` needs: PyTorch
    python3 tools/setup.py docs     # also what ``make docs`` needs: Sphinx
    python3 tools/setup.py test     # also what ``make test`` needs: the test tools and PyTorch

Quick when nothing has changed: a stamp in .venv holds what was installed. Standard library only, and nothing newer
than Python 3.6, so that an unfit Python can still read it and say what is wrong.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
# An editable install: a pulled change works at once and needs no other install. What a wheel holds is tested apart.
TARGETS = {
    "run": ["--editable", "."],
    "train": ["--editable", ".[train]"],
    "docs": ["--editable", ".[docs]"],
    "test": ["--editable", ".[test,train]"],
}
# PyPI's PyTorch for Linux brings several GB of CUDA; PyTorch's own index has a build of 0.2 GB without. pip prefers it
# to PyPI's of the same version, 2.13.0+cpu being newer than 2.13.0: hence the exact version.
CPU_TORCH = ["--extra-index-url", "https://download.pytorch.org/whl/cpu", "torch==2.13.0"]
# TensorFlow and numba have no packages for newer ones yet
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 10))

# What the PyQt5 wheel expects of the system for a window (xcb) and without a display (offscreen): library -> Debian's
# package. tests/test_packaging.py compares it with the libraries that the installed wheel asks for.
LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
FONT_PACKAGE = "fonts-dejavu-core"


class SetupError(Exception):
    """Something that the person must do; the message is one sentence that says what."""


def main(arguments):
    """Set up for the target that is named; returns the exit status."""
    target = arguments[0] if arguments else "run"
    try:
        python = find_python()
        provide_libraries()
        provide_environment(python, target)
    except SetupError as error:
        tell(f"zoo_gui: {error}")
        return 1
    return 0


def tell(sentence):
    """Say it to the person; stdout stays the command's own, which may be JSON."""
    print(sentence, file=sys.stderr, flush=True)


def find_python():
    """A Python that has packages of everything zoo_gui needs: this one, else one on the path."""
    if sys.version_info[:2] in PYTHONS:
        return sys.executable
    for version in PYTHONS:
        name = "python{}.{}".format(*version)
        probe = f"import sys; sys.exit(sys.version_info[:2] != {version})"
        if shutil.which(name) and subprocess.call([name, "-c", probe], stderr=subprocess.DEVNULL) == 0:
            return shutil.which(name)
    raise SetupError(
        f"Python 3.10, 3.11, 3.12 or 3.13 is needed and this is {sys.version.split()[0]}: install one of them "
        "(Debian 12: apt install python3), then run it again."
    )


def provide_libraries():
    """Install the system libraries and the font that Qt lacks, where the person may; else say which they are."""
    if not sys.platform.startswith("linux"):
        return
    missing = missing_packages()
    if missing and not (install_packages(missing) and not missing_packages()):
        raise SetupError(
            "Qt needs system libraries that are missing and could not be installed from here: have them installed "
            f"once, then run it again (sudo apt install {' '.join(missing)})."
        )


def missing_packages():
    """Debian's names of the packages that Qt needs and this machine lacks."""
    missing = {package for library, package in LIBRARIES.items() if not loads(library)}
    if not any(True for folder in FONTS for _ in Path(folder).expanduser().glob("**/*.[to]t[fc]")):
        missing.add(FONT_PACKAGE)
    return sorted(missing)


def loads(library):
    """Whether the dynamic linker finds the library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def install_packages(packages):
    """Install Debian packages as root or through a sudo that asks nothing; False where neither works."""
    if not shutil.which("apt-get"):
        return False
    rights = []
    if os.geteuid() != 0:
        rights = ["sudo", "-n"]
        if not shutil.which("sudo") or subprocess.call(["sudo", "-n", "true"], stderr=subprocess.DEVNULL) != 0:
            return False
    apt = rights + ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    tell(f"Installing system packages: {' '.join(packages)}")
    for step in (["update"], ["install", "-y", "--no-install-recommends"] + packages):
        done = subprocess.run(apt + step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # one unreachable source of several must not stop the install, so only its status counts
        if done.returncode != 0:
            sys.stderr.write(done.stdout.decode(errors="replace"))
    return done.returncode == 0


def provide_environment(python, target):
    """Make .venv and install zoo_gui in it, unless its stamp says that this was done."""
    stamp, state = VENV / f"zoo_gui-{target}.stamp", fingerprint(python)
    if stamp.is_file() and stamp.read_text() == state and works(VENV / "bin" / "python"):
        return
    if not works(VENV / "bin" / "python") or subprocess.call(pip("--version"), stdout=subprocess.DEVNULL) != 0:
        make_environment(python)
    tell("Installing zoo_gui and what it needs in .venv; the first time this downloads about 1 GB and takes minutes.")
    if wants_cpu_torch(target):
        provide_cpu_torch()
    if install("--quiet", *TARGETS[target]) != 0:
        raise SetupError("pip could not install what zoo_gui needs (see above): mend that, then run it again.")
    stamp.write_text(state)


def wants_cpu_torch(target):
    """Whether the target needs PyTorch, none is there yet, and no GPU will be used: tests need none, training does."""
    if target in ("run", "docs") or not sys.platform.startswith("linux"):
        return False
    if target == "train" and shutil.which("nvidia-smi"):
        return False
    has = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
    return subprocess.call([str(VENV / "bin" / "python"), "-c", has]) != 0


def provide_cpu_torch():
    """Install PyTorch without CUDA, and without what it needs, which the install after it brings.

    An index that cannot be reached is no error to pip, which then takes the build of the ordinary index; few retries,
    so that this is soon settled. Should all of it fail, the install after it has its turn.
    """
    if install("-qq", "--no-deps", "--retries", "1", "--timeout", "15", *CPU_TORCH) != 0:
        tell("PyTorch without CUDA could not be installed (see above): the ordinary build follows, of several GB.")


def install(*arguments):
    """Run pip install in the environment; its exit status."""
    # no warnings: setuptools reminds of what an editable install is
    environment = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", PYTHONWARNINGS="ignore")
    return subprocess.call(pip("install", *arguments), cwd=str(ROOT), env=environment)


def fingerprint(python):
    """What an install depends on: the files that name the requirements, the place and the Python."""
    digest = hashlib.sha256(f"{ROOT} {os.path.realpath(python)}".encode())
    for name in ("setup.cfg", "pyproject.toml", "tools/setup.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def works(python):
    """Whether the interpreter exists and starts (a venv dies with the Python it was made from)."""
    return python.exists() and subprocess.call([str(python), "-c", ""], stderr=subprocess.DEVNULL) == 0


def pip(*arguments):
    """The command line of the environment's pip."""
    return [str(VENV / "bin" / "python"), "-m", "pip", *arguments]


def make_environment(python):
    """An empty .venv with pip. Debian keeps ensurepip in python3-venv: without it, the system's pip installs one."""
    has = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
    shutil.rmtree(str(VENV), ignore_errors=True)
    if subprocess.call([python, "-c", has, "ensurepip"]) == 0:
        steps = [[python, "-m", "venv", str(VENV)]]
    elif subprocess.call([python, "-c", has, "pip"]) == 0:
        steps = [
            [python, "-m", "venv", "--without-pip", str(VENV)],
            [python, "-m", "pip", "--python", str(VENV / "bin" / "python"), "install", "--quiet", "pip"],
        ]
    elif install_packages(["python3-venv"]):
        steps = [[python, "-m", "venv", str(VENV)]]
    else:
        raise SetupError("Python lacks both venv and pip: install python3-venv, then run it again.")
    for step in steps:
        if subprocess.call(step) != 0:
            shutil.rmtree(str(VENV), ignore_errors=True)
            raise SetupError("a virtual environment could not be made in .venv (the reason stands above).")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
