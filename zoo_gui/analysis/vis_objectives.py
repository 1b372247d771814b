"""What an ascent raises, made of Lucid's objectives: targets, less penalties and likeness.

Lucid 0.3.8's ``neuron`` and ``direction_neuron`` read maps only, its ``direction_cossim`` divides by the length of a
vector that may be 0, and none tells the images of a batch apart by what is fed. All are met in one place: an objective
here sees each layer through a *view*, which gives one image's values as a map (1, h, w, units), a dense layer's as one
of a single position. Called while a graph is written; imports TensorFlow then.
"""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from zoo_gui.analysis.targets import BEST, Term

NEARLY_NOTHING = 1e-6  # added to what a cosine divides, which a silent layer would make 0
BLUR_GAIN = 10.0  # brings the weights that matter to the range of the others
PENALTIES = ("l1", "l2", "tv", "blur", "diversity")


def values(objectives: Any, T: Callable, terms: Sequence[Sequence[Term]], whole_maps: bool) -> list:
    """The scalar tensor of each image's target. T: Lucid's, layer → (n, …) tensor. terms: of each image, an index may
    be a tensor. whole_maps: the mean over a map where no position is said, else its centre."""
    split: dict[str, Any] = {}
    made = []
    for image, of_image in enumerate(terms):
        view = _view(T, image, len(terms), split)
        total = sum((term.weight * _term(objectives, term, whole_maps) for term in of_image[1:]),
                    of_image[0].weight * _term(objectives, of_image[0], whole_maps))  # fmt: skip
        made.append(_scalar(total(view)))
    return made


def penalty(
    objectives: Any, T: Callable, kind: str, at: str, whole_maps: bool, position: tuple[int, int] | None = None
) -> Any:
    """A scalar tensor of the batch, about 1 at its largest. kind: of PENALTIES; at: the layer of ``diversity``, and
    where in its map: all of it, or the position (the centre by default).

    l1, l2, tv: Lucid's norms and total variation of the images, a pixel: 1 for white images (of any two neighbours, one
    white and one black). blur: Lucid's ``blur_input_each_step``, whose gradient is what blurring takes away,
    ten a pixel.
    diversity: Lucid's, the mean cosine between two images' Gram matrices at the layer.
    """
    import tensorflow as tf

    count, *shape = T("input").shape.as_list()
    pixels = count * int(np.prod(shape))
    if kind == "l1":
        return objectives.L1()(T) / pixels
    if kind == "l2":
        return objectives.L2()(T) / pixels**0.5
    if kind == "tv":
        return tf.reduce_sum(objectives.total_variation()(T)) / (2 * pixels)
    if kind == "blur":
        return BLUR_GAIN * objectives.blur_input_each_step()(T) / pixels
    return objectives.diversity(at)(lambda layer: _centre(_map(T(layer)), whole_maps, position)) / max(count - 1, 1)


def _view(T: Callable, image: int, count: int, split: dict) -> Callable:
    """Lucid's T of one image of the batch. split: keeps each layer's parts, so that one operation divides it."""
    import tensorflow as tf

    def view(layer: str) -> Any:
        if layer not in split:
            split[layer] = tf.split(_map(T(layer)), count) if count > 1 else [_map(T(layer))]
        return split[layer][image]

    return view


def _term(objectives: Any, term: Term, whole_maps: bool) -> Any:
    """Lucid's objective of a term, without its weight."""
    import tensorflow as tf

    at = {} if term.position is None else dict(zip("xy", term.position))  # Lucid's x is the row
    local = bool(at) or not whole_maps
    if term.direction is not None:
        vector = np.array(term.direction, np.float32)
        if term.cosine:
            return _cosine(objectives, term, vector, local)
        if local:
            return objectives.direction_neuron(term.layer, vector, **at)
        return objectives.direction(term.layer, vector)
    if term.index is None:
        return objectives.deepdream(term.layer)
    if isinstance(term.index, int) and term.index == BEST:
        return objectives.Objective(lambda T: tf.reduce_max(T(term.layer), -1))
    if local:
        return objectives.neuron(term.layer, term.index, **at)
    return objectives.channel(term.layer, term.index)


def _cosine(objectives: Any, term: Term, vector: np.ndarray, local: bool) -> Any:
    """Lucid's ``direction_cossim``, which has the mean over units where a cosine has the sum."""
    inner = objectives.direction_cossim(term.layer, vector)

    def cosine(T: Callable) -> Any:
        seen = lambda layer: _centre(T(layer), not local, term.position) + NEARLY_NOTHING  # noqa: E731
        return len(vector) * inner(seen)

    return objectives.Objective(cosine)


def _map(tensor: Any) -> Any:
    """(n, h, w, units); a dense layer's (n, units) with one position."""
    return tensor if tensor.shape.rank == 4 else tensor[:, None, None, :]


def _centre(tensor: Any, whole: bool, position: tuple[int, int] | None = None) -> Any:
    """The central position of a map, or the one named, as a map of one; all of it where ``whole``."""
    if whole:
        return tensor
    row, column = position or (tensor.shape[1] // 2, tensor.shape[2] // 2)
    return tensor[:, row : row + 1, column : column + 1]


def _scalar(tensor: Any) -> Any:
    import tensorflow as tf

    return tf.reduce_mean(tensor)
