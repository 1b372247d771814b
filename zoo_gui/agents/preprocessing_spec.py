"""The observation pipeline and the episode rules as data; ``play.preprocessing`` and ``play.player`` carry them out."""

from __future__ import annotations

from dataclasses import dataclass

from zoo_gui.agents.tables import rare


@dataclass(frozen=True)
class Transform:
    """One step from a screen to a frame of the observation. Values are 0–255 and begin as bytes.

    Arithmetic on bytes is done in float64, as NumPy does, unless ``float`` comes before it; what is not bytes in the
    end becomes float32. op, and the keys that it reads:

    ``grey``: RGB to one channel. method: ``weights`` (with weights = [R, G, B], added from left to right), ``dot`` (the
    same by NumPy's dot product, which may round differently), ``mean``, with rounding ``none``, ``floor`` or ``round``
    (half to even); ``opencv`` (cvtColor's fixed point), ``pil`` (convert("L")), and as the first step ``ale`` (the
    emulator's own grey palette), without rounding.
    ``channel``: index of the one kept. ``crop``: box = [top, left, height, width]. ``subsample``: step = [vertical,
    horizontal], every step-th pixel from the first. ``pad``: box = [top, bottom, left, right] of ``by``.
    ``resize``: size = [height, width], method: ``opencv-…``, ``pil-…``, ``tf-…``, ``skimage-…``
    (``play.resizing`` lists them); of bytes the result is bytes where the library's is.
    ``stretch``: the frame's smallest value becomes 0 and its largest 255, halves up (scipy.misc's bytescale, hence its
    imresize of floats); rounding ``none`` leaves floats; bytes stay as they are.
    ``replace``: pixels that equal one of ``values`` become ``by``. ``threshold``: pixels above ``by`` become 255, the
    others 0. ``scale``: times ``factor``. ``float``: to float32. ``bytes``: to uint8, rounding ``floor`` or ``round``
    (half to even), what lies beyond 0–255 cut.
    """

    op: str
    method: str = ""
    weights: tuple[float, ...] = ()
    rounding: str = ""
    index: int = 0
    box: tuple[int, int, int, int] | None = None
    step: tuple[int, int] = (1, 1)
    size: tuple[int, int] | None = None
    values: tuple[float, ...] = ()
    by: float = 0.0
    factor: float = 1.0


@dataclass(frozen=True)
class PreprocessingSpec:
    """The observation pipeline and the episode rules, as data.

    Defaults are those of ale-py's AtariVectorEnv. At reset it presses FIRE for one emulator frame (where the game has
    FIRE), then does n − 1 no-op frames (n without FIRE), n uniform on 0 … noop_max − 1; the stack then holds zeros and
    the one frame of that moment, which is not max-pooled.

    frame_skip: emulator frames an action lasts; frame_skip_range: drawn for each action from (least, most), both
    included (Gym's ``Pong-v4``: 2 to 4); frame_skip is then the most. max_last: of these, the pixel-wise maximum of the
    last so many. over_previous: the maximum goes over the last screen of the action before as well.
    color: ``gray`` or ``rgb``; source: where gray comes from (``ale``: the emulator's own grey palette; ``luma``).
    crop: (top, left, height, width) in screen pixels before resizing. size: (height, width) after it.
    resize: the method (``opencv-area``); ``play.resizing`` lists them. transforms: what happens to a screen where
    source, crop and resize cannot say it; they are then not used, while color and size still say what comes out.
    difference: the frame less the frame before it (zeros at first), −255–255. running: each frame less the running
    mean, divided by the running standard deviation, both over all pixels, kept with this decay (0.9999) and corrected
    for their start as in Adam (Kingma & Ba 2015); they begin anew with each episode, so that it can be played again.
    stack: observations in the input, oldest first. stack_init: what fills the stack at reset, ``zeros`` or ``repeat``
    of the first one. sticky: probability that the emulator repeats the previous action. max_episode_frames: emulator
    frames after which an episode is truncated.
    opening: what comes before the first observation. ``vector-env``: as above. ``noops``: n no-op frames, n uniform on
    1 … noop_max (none where that is 0), then reset_actions, each for a whole agent step. ``envpool``: n no-op frames, n
    uniform on 0 … noop_max − 1, then FIRE for one frame; without FIRE one no-op more.
    life_actions: where given, after each lost life these are pressed, each for a whole agent step, then the stack is
    filled anew and a recurrent state is cleared, as if an episode began; what they earn counts. An action is named as
    ALE names it, or ``#2``: the game's own action of that number. FIRE and what comes after it are left out in games
    without FIRE.
    """

    frame_skip: int = 4
    max_last: int = 2
    color: str = "gray"
    source: str = "ale"
    crop: tuple[int, int, int, int] | None = None
    size: tuple[int, int] = (84, 84)
    resize: str = "opencv-area"
    stack: int = 4
    stack_init: str = "zeros"
    noop_max: int = 30
    fire_on_reset: bool = True
    terminal_on_life_loss: bool = False
    sticky: float = 0.0
    max_episode_frames: int = 108000
    frame_skip_range: tuple[int, int] | None = rare(None)
    over_previous: bool = rare(False)
    transforms: tuple[Transform, ...] = rare(())
    difference: bool = rare(False)
    running: float | None = rare(None)
    opening: str = rare("vector-env")
    reset_actions: tuple[str, ...] = rare(())
    life_actions: tuple[str, ...] | None = rare(None)

    @property
    def observation_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the network's input."""
        return (*self.size, self.stack * (3 if self.color == "rgb" else 1))

    @property
    def observation_range(self) -> tuple[float, float]:
        """The least and greatest value of an observation; of a running normalisation, what is shown."""
        if self.running is not None:
            return (-4.0, 4.0)
        return (-255.0, 255.0) if self.difference else (0.0, 255.0)

    @property
    def is_float(self) -> bool:
        """Whether observations are float32, else uint8."""
        if self.difference or self.running is not None:
            return True
        if not self.transforms:
            return _gives_floats(self.resize)
        fractional = False
        for transform in self.transforms:
            if transform.op == "bytes" or (transform.op == "grey" and transform.rounding != "none"):
                fractional = False
            elif transform.op == "stretch":
                fractional = fractional and transform.rounding == "none"
            elif transform.op in ("grey", "scale", "float"):
                fractional = True
            elif transform.op == "resize":
                fractional = fractional or _gives_floats(transform.method)
        return fractional


def _gives_floats(method: str) -> bool:
    """Whether resizing bytes gives floats."""
    return method.startswith(("tf-", "skimage-")) and not method.startswith("tf-nearest")
