"""The images that an ascent moves: how Lucid writes them into the graph, and where they begin.

Importing this module imports neither TensorFlow nor Lucid.
"""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from zoo_gui.types import ZooError

PARAMETERIZATIONS = ("fft", "pixel", "pyramid", "cppn")
START_SD = 0.01  # Lucid's: standard deviation of the first parameters, hence a nearly uniform grey image
FFT_GAIN = 4.0  # fft_image divides the image by 4
CPPN_HIDDEN, CPPN_LAYERS = 16, 8  # the Atari Zoo's; Lucid's own 24 are as good for photographs and cost twice as much
CPPN_BIAS_SD = 0.1  # Lucid's


class Images:
    """A batch of images (n, h, w, C) in 0–1 in the default graph, by one of Lucid's parameterisations.

    tensor: the batch. variables: what Adam moves. past: the variable with the frames that stay as they are,
    (1, h, w, C − free), or None. free: how many of the newest channels are optimised.

    No colour decorrelation: the channels are frames in time, not RGB.
    """

    def __init__(self, v1: Any, param: Any, parameterization: str, count: int, shape: tuple[int, ...], free: int):
        import tensorflow as tf

        self.parameterization, self.count, self.shape, self.free = parameterization, count, shape, free
        height, width, channels = shape
        newest = self._made(tf, param, (height, width, free))
        self.variables = v1.trainable_variables()
        self.shapes = [tuple(variable.shape.as_list()) for variable in self.variables]
        self.past = None
        if free < channels:
            still = (1, height, width, channels - free)
            self.past = v1.Variable(np.zeros(still, np.float32), trainable=False)
            newest = tf.concat([tf.tile(self.past.read_value(), [count, 1, 1, 1]), newest], -1)
        self.tensor = newest

    def _made(self, tf: Any, param: Any, shape: tuple[int, int, int]) -> Any:
        height, width, channels = shape
        if self.parameterization == "cppn":  # images of one CPPN would share its weights
            side = max(height, width)
            each = [_cppn(param, side, channels) for _ in range(self.count)]
            return tf.concat(each, 0)[:, :height, :width]
        if self.parameterization == "fft":
            # Lucid's batches have a variable and a transform for each image; as channels of one image they share both.
            wide = param.fft_image([1, height, width, channels * self.count])
            parts = tf.reshape(wide, [height, width, self.count, channels])
            made = tf.transpose(parts, [2, 0, 1, 3]) if self.count > 1 else wide
        else:
            make = {"pixel": param.naive, "pyramid": param.laplacian_pyramid}[self.parameterization]
            made = make([self.count, *shape])
        return param.to_valid_rgb(made, decorrelate=False, sigmoid=True)

    def start(self, seed: int, image: np.ndarray | None = None, alike: bool = False) -> list[np.ndarray]:
        """Values of ``variables`` where an ascent begins: grey noise, or ``image`` (h, w, C) in 0–1 for all images.

        Noise of image i is drawn from (seed, i), or from the seed for all where ``alike``; image 0's is the same
        whatever the size of the batch. Raises ZooError for an image that a CPPN should begin at.
        """
        if image is not None:
            one = self._encoded(np.asarray(image, np.float64)[..., -self.free :])
            return self._joined([one] * self.count)
        seeds = [seed if i == 0 or alike else [seed, i] for i in range(self.count)]
        return self._joined([self._noise(np.random.default_rng(number)) for number in seeds])

    def _noise(self, rng: np.random.Generator) -> list[np.ndarray]:
        """The parameters of one image, as Lucid draws them."""
        if self.parameterization != "cppn":
            return [(START_SD * rng.standard_normal(shape)).astype(np.float32) for shape in self._one()]
        kernels_and_biases = []
        for rank, shape in enumerate(self._one()):
            if len(shape) == 1:
                drawn = CPPN_BIAS_SD * rng.standard_normal(shape)
            elif rank == len(self._one()) - 2:
                drawn = np.zeros(shape)  # the last kernel: a uniform image
            else:
                drawn = rng.standard_normal(shape) / np.sqrt(shape[-2])
            kernels_and_biases.append(drawn.astype(np.float32))
        return kernels_and_biases

    def _one(self) -> list[tuple[int, ...]]:
        """Shapes of one image's parameters."""
        if self.parameterization == "cppn":
            return self.shapes[: len(self.shapes) // self.count]
        if self.parameterization == "fft":
            (_, _, rows, columns), *_ = self.shapes
            return [(2, self.free, rows, columns)]
        return [(1, *shape[1:]) for shape in self.shapes]

    def _joined(self, each: Sequence[list[np.ndarray]]) -> list[np.ndarray]:
        """The batch's parameters from those of each image."""
        if self.parameterization == "cppn":
            return [array for one in each for array in one]
        axis = 1 if self.parameterization == "fft" else 0
        return [np.concatenate(parts, axis) for parts in zip(*each)]

    def _encoded(self, image: np.ndarray) -> list[np.ndarray]:
        """Parameters whose image is ``image`` (h, w, free) in 0–1, up to clipping at 1 % from black and white."""
        if self.parameterization == "cppn":
            raise ZooError("A CPPN cannot begin at an observation: choose fft, pixel or pyramid.")
        clipped = np.clip(image, 0.01, 0.99)
        logits = np.log(clipped / (1 - clipped))
        if self.parameterization != "fft":  # the first level of a pyramid has full size; the others add nothing
            return [logits[None].astype(np.float32), *(np.zeros(shape, np.float32) for shape in self._one()[1:])]
        h, w, _ = logits.shape
        bins = self.shapes[0][-1]  # an odd width has one more, and fft_image cuts the surplus column off
        wide = np.pad(logits, ((0, 0), (0, 2 * (bins - 1) - w), (0, 0)), mode="edge")
        frequency = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[np.arange(bins) % w])
        scale = np.sqrt(w * h) / np.maximum(frequency, 1 / max(h, w))
        spectrum = np.fft.rfft2(np.moveaxis(wide, 2, 0)) * FFT_GAIN / scale
        return [np.stack([spectrum.real, spectrum.imag]).astype(np.float32)]


def _cppn(param: Any, side: int, channels: int) -> Any:
    """Lucid's compositional pattern producing network, (1, side, side, channels), in the Atari Zoo's size."""
    import tensorflow as tf

    return param.cppn(
        side, num_output_channels=channels, num_hidden_channels=CPPN_HIDDEN, num_layers=CPPN_LAYERS,
        activation_func=lambda x: (tf.nn.relu(x) - 0.4) / 0.58, normalize=True,
    )  # fmt: skip
