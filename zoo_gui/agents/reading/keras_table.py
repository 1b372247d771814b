"""The table of Keras layers: what each class, of Keras 1 to 3, is among the layers of a card. No TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from zoo_gui.agents.reading.graph_builder import CENTRED, Builder, Layer, Unreadable, Value, dueling, with_number

ACTIVATIONS = {
    "linear": "linear", "relu": "relu", "relu6": "relu6", "tanh": "tanh", "sigmoid": "sigmoid", "elu": "elu",
    "selu": "selu", "softplus": "softplus", "gelu": "gelu", "swish": "silu", "silu": "silu", "leaky_relu": "leaky_relu",
    "softmax": "softmax", "log_softmax": "softmax",
}  # fmt: skip
GATE_ACTIVATIONS = ("sigmoid", "hard_sigmoid")
RECURRENT_PARTS = ("kernel", "recurrent_kernel", "bias")
Handler = Callable[[Builder, Layer, list], Value]
SCALED = "The layer {} holds code of its author's, which is never run: it is taken for a division by 255."


def apply(builder: Builder, layer: Layer, arguments: list) -> Value:
    """What the layer makes of values (and numbers, of operators). Raises Unreadable."""
    handler = TABLE.get(layer.config.get("function", layer.kind) if layer.kind == "TFOpLambda" else layer.kind)
    if handler is None:
        raise Unreadable(f"Its layer {layer.name} is a {layer.kind[:40]}, of which a card cannot say what it computes.")
    return handler(builder, layer, arguments)


def activation_of(layer: Layer, setting: Any) -> tuple[str, float | None]:
    """(name, slope or None) of what a config has as ``activation``: a name, or a function or layer as a dict."""
    slope = None
    if isinstance(setting, Mapping):
        inner = setting.get("config")
        kind = str(setting.get("class_name", ""))
        if isinstance(inner, Mapping):
            slope = inner.get("negative_slope", inner.get("alpha"))
            setting = {"leakyrelu": "leaky_relu"}.get(kind.lower(), kind.lower())
        else:
            setting = inner if isinstance(inner, str) else kind
    name = ACTIVATIONS.get(str(setting or "linear"))
    if name is None:
        raise Unreadable(f"Its layer {layer.name} has the non-linearity {str(setting)[:40]}, which a card cannot say.")
    if name == "leaky_relu" and slope is None:
        slope = 0.2  # keras.activations.leaky_relu
    return name, slope


def _conv(builder: Builder, layer: Layer, arguments: list) -> Value:
    value = builder.layout(layer, arguments[0], _axes_of(layer))
    filters = int(layer.get("filters", "nb_filter"))
    kernel = (layer.config["nb_row"], layer.config["nb_col"]) if "nb_row" in layer.config else layer.pair("kernel_size")
    dilation = layer.pair("dilation_rate")
    if layer.get("groups", default=1) != 1 or dilation != (1, 1):
        raise Unreadable(f"Its convolution {layer.name} is dilated or grouped, which a card cannot say.")
    padding = _padding(builder, layer, kernel)
    if value.pad:
        padding = value.pad if padding == "VALID" else None
    if padding is None:
        raise Unreadable(f"Its layer {layer.name} pads twice, which a card cannot say.")
    return _weighted(builder, layer, "conv", [replace(value, pad=())], filters, filters=filters, kernel=kernel,
                     stride=layer.pair("strides", "subsample"), padding=padding)  # fmt: skip


def _weighted(builder: Builder, layer: Layer, kind: str, fed: list[Value], width: int, **keys) -> Value:
    """A convolution or dense layer: kernel, perhaps bias, then its non-linearity."""
    bias = bool(layer.get("use_bias", "bias", default=True))
    builder.variables[layer.path] = (1 + bias, 0)
    parts = {"kernel": (0,)} | ({"bias": (1,)} if bias else {})
    activation, slope = activation_of(layer, layer.config.get("activation"))
    value = builder.add(layer, kind, fed, width, parts, bias=bias, **keys)
    if kind == "conv":
        value = replace(value, map=True, axes=_axes_of(layer) if fed[0].axes == "" else fed[0].axes)
    return builder.activate(layer, value, activation, slope)


def _axes_of(layer: Layer) -> str:
    order = layer.get("data_format", "dim_ordering", default="channels_last")
    return "CHW" if order in ("channels_first", "th") else "HWC"


def _padding(builder: Builder, layer: Layer, kernel: tuple[int, int]) -> str | tuple[int, int]:
    padding = str(layer.get("padding", "border_mode", default="valid")).lower()
    if padding == "same" and builder.theano:
        return (kernel[0] // 2, kernel[1] // 2)
    if padding not in ("same", "valid"):
        raise Unreadable(f"Its layer {layer.name} pads “{padding[:20]}”, which a card cannot say.")
    return padding.upper()


def _dense(builder: Builder, layer: Layer, arguments: list) -> Value:
    value, units = arguments[0], int(layer.get("units", "output_dim"))
    if value.map and not value.flat:  # of each position's channels: a convolution of one pixel
        value = builder.layout(layer, value, "HWC")
        return _weighted(builder, layer, "conv", [value], units, filters=units, kernel=(1, 1))
    return _weighted(builder, layer, "dense", [value], units, units=units)


def _flatten(builder: Builder, layer: Layer, arguments: list) -> Value:
    value = arguments[0]
    if layer.get("data_format") == "channels_first" and value.axes == "CHW":
        value = replace(value, axes="HWC")  # Keras turns such a map about before it flattens it
    return replace(value, flat=True) if value.map and not value.flat else value


def _same(builder: Builder, layer: Layer, arguments: list) -> Value:
    return arguments[0]


def _activation(builder: Builder, layer: Layer, arguments: list) -> Value:
    return builder.activate(layer, arguments[0], *activation_of(layer, layer.config.get("activation")))


def _named(name: str, default: float | None = None) -> Handler:
    """A non-linearity that is a layer or an operator."""

    def handler(builder: Builder, layer: Layer, arguments: list) -> Value:
        if layer.get("max_value", "threshold"):
            raise Unreadable(f"Its layer {layer.name} is a clipped ReLU, which a card cannot say.")
        slope = layer.get("negative_slope", "alpha", default=default)
        if name == "relu" and slope:
            return builder.activate(layer, arguments[0], "leaky_relu", slope)
        if name == "elu" and slope not in (None, 1.0):
            raise Unreadable(f"Its layer {layer.name} is an ELU with alpha {slope}, which a card cannot say.")
        return builder.activate(layer, arguments[0], name, slope if name == "leaky_relu" else None)

    return handler


def _pool(kind: str) -> Handler:
    def handler(builder: Builder, layer: Layer, arguments: list) -> Value:
        value = builder.layout(layer, arguments[0], _axes_of(layer))
        size = layer.pair("pool_size", default=(2, 2))
        stride = layer.pair("strides", default=size)
        found = builder.add(layer, kind, [value], value.units, kernel=size, stride=stride,
                            padding=_padding(builder, layer, size))  # fmt: skip
        return replace(found, map=True, axes=value.axes)

    return handler


def _global_average(builder: Builder, layer: Layer, arguments: list) -> Value:
    value = builder.layout(layer, arguments[0], _axes_of(layer))
    return builder.add(layer, "mean", [value], value.units)


def _zero_padding(builder: Builder, layer: Layer, arguments: list) -> Value:
    value = builder.layout(layer, arguments[0], _axes_of(layer))
    pad = layer.get("padding", default=(1, 1))
    if isinstance(pad, int):
        pad = (pad, pad)
    (top, bottom), (left, right) = ((side, side) if isinstance(side, int) else side for side in pad)
    return replace(value, pad=(int(top), int(bottom), int(left), int(right)), shared=True)


def _batchnorm(builder: Builder, layer: Layer, arguments: list) -> Value:
    value = arguments[0]
    axis = layer.get("axis", default=-1)
    axis = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
    if value.map and not value.flat:
        value = builder.layout(layer, value, value.axes or ("CHW" if axis == 1 else "HWC"))
    channels = (1, -3) if value.map and value.axes == "CHW" and not value.flat else (-1, 3, 1)
    if axis not in channels or (axis == 1 and value.map and not value.flat and value.axes == "HWC"):
        raise Unreadable(f"Its layer {layer.name} does not normalise channels, which a card cannot say.")
    scale, centre = layer.get("scale", default=True), layer.get("center", default=True)
    if scale != centre:
        raise Unreadable(f"Its layer {layer.name} has either scale or offset alone, which a card cannot say.")
    builder.variables[layer.path] = (2 * scale, 2)
    names = ("scale", "offset", "mean", "variance") if scale else ("mean", "variance")
    parts = {name: (number,) for number, name in enumerate(names)}
    found = builder.add(layer, "batchnorm", [value], value.units, parts, bias=bool(scale),
                        epsilon=float(layer.get("epsilon", default=1e-3)))  # fmt: skip
    return replace(found, map=value.map and not value.flat, axes=value.axes)


def _layernorm(builder: Builder, layer: Layer, arguments: list) -> Value:
    value, axis = arguments[0], layer.get("axis", default=-1)
    axis = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    is_map = value.map and not value.flat
    if is_map:
        value = builder.layout(layer, value, "HWC")
    over = "units" if axis in ([-1], [3 if is_map else 1]) else ""
    over = "all" if is_map and axis in ([1, 2, 3], [-3, -2, -1]) else over
    scale, centre = layer.get("scale", default=True), layer.get("center", default=True)
    if not over or scale != centre or layer.get("rms_scaling", default=False):
        raise Unreadable(f"Its layer {layer.name} normalises in a way that a card cannot say.")
    builder.variables[layer.path] = (2 * scale, 0)
    found = builder.add(layer, "layernorm", [value], value.units, {"scale": (0,), "offset": (1,)} if scale else {},
                        over=over, bias=bool(scale), epsilon=float(layer.get("epsilon", default=1e-3)))  # fmt: skip
    return replace(found, map=is_map, axes=value.axes)


def _recurrent(kind: str, cudnn: bool = False) -> Handler:
    def handler(builder: Builder, layer: Layer, arguments: list) -> Value:
        gate = layer.get("recurrent_activation", "inner_activation", default="sigmoid" if cudnn else "hard_sigmoid")
        if activation_of(layer, layer.config.get("activation") or "tanh")[0] != "tanh" or layer.get("go_backwards"):
            raise Unreadable(f"Its layer {layer.name} is a recurrent one of a kind that a card cannot say.")
        if gate not in GATE_ACTIVATIONS:
            raise Unreadable(f"The gates of its layer {layer.name} use {str(gate)[:30]}, which a card cannot say.")
        units, bias = int(layer.get("units", "output_dim")), bool(layer.get("use_bias", default=True))
        old = "inner_activation" in layer.config  # Keras 1: three arrays for each gate
        keys = {"reset_after": bool(layer.get("reset_after", default=cudnn))} if kind == "gru" else {}
        keys["gate_activation"] = gate
        builder.variables[layer.path] = (3 * (4 if kind == "lstm" else 3) if old else 2 + bias, 0)
        parts = {"kernel": (0,), "recurrent_kernel": (1,)} | ({"bias": (2,)} if bias else {})
        if old:  # z, r, h of a GRU; i, c, f, o of an LSTM, and ours is i, f, c, o
            gates = (0, 1, 2) if kind == "gru" else (0, 2, 1, 3)
            parts = {part: tuple(3 * gate + at for gate in gates) for at, part in enumerate(RECURRENT_PARTS)}
        builder.facts["stateful"] = bool(layer.get("stateful", default=False))
        if not builder.facts["stateful"]:
            builder.remarks.append(
                f"Its layer {layer.name} began each window of observations without memory in training; "
                "here its state lasts from step to step of an episode."
            )
        return builder.add(layer, kind, [arguments[0]], units, parts, units=units, bias=bias, **keys)

    return handler


def _permute(builder: Builder, layer: Layer, arguments: list) -> Value:
    value, dims = arguments[0], tuple(layer.config["dims"])
    turn = {(2, 3, 1): ("CHW", "HWC"), (3, 1, 2): ("HWC", "CHW")}.get(dims)
    if dims == tuple(range(1, len(dims) + 1)):
        return value
    if turn is None:
        raise Unreadable(f"Its layer {layer.name} turns a map about, which a card cannot say.")
    return replace(builder.layout(layer, value, turn[0]), axes=turn[1])


def _reshape(builder: Builder, layer: Layer, arguments: list) -> Value:
    value, shape = arguments[0], [n for n in layer.get("target_shape", "dims") if n != 1]
    target = tuple(layer.get("target_shape", "dims"))
    if len(shape) <= 1 and (value.map or len(target) < 3):  # to a vector, perhaps as a sequence of one
        return _flatten(builder, layer, arguments)
    if not value.name and len(target) == 3 and len(value.shape) in (1, 3):
        if len(value.shape) == 1:  # an observation that was flattened before
            return replace(value, map=True, shape=target, units=0)
        if [n for n in value.shape if n != 1] == shape:
            return replace(value, shape=target, axes="")
    raise Unreadable(f"Its layer {layer.name} reshapes what it gets in a way that a card cannot say.")


def _merge(op: str) -> Handler:
    """A layer of several inputs: ``add``, ``multiply``, ``subtract``, ``concat``; one of them may be a number."""

    def handler(builder: Builder, layer: Layer, arguments: list) -> Value:
        values = [argument for argument in arguments if isinstance(argument, Value)]
        numbers = [argument for argument in arguments if not isinstance(argument, Value)]
        numbers += [layer.settings[key] for key in ("y", "x2") if isinstance(layer.settings.get(key), (int, float))]
        if numbers and len(values) == 1:
            first = not isinstance(arguments[0], Value)
            return with_number(layer, op, values[0], float(numbers[0]), first)
        if op in ("add", "subtract") and len(values) == 2:
            found = dueling(builder, layer, op, *values)
            if found is not None:
                return found
        if op == "multiply":
            values = _without_mask(builder, layer, values)
            if len(values) == 1:
                return values[0]
        if op not in ("add", "multiply", "concat"):
            raise Unreadable(f"Its layer {layer.name} ({op}) computes what a card cannot say.")
        return _joined(builder, layer, op, values)

    return handler


def _joined(builder: Builder, layer: Layer, op: str, values: list[Value]) -> Value:
    maps = {value.map and not value.flat for value in values}
    axes = {value.axes for value in values if value.map and not value.flat}
    if len(maps) > 1 or len(axes) > 1:
        raise Unreadable(f"Its layer {layer.name} joins a map and a vector, which a card cannot say.")
    is_map, order = maps == {True}, next(iter(axes), "")
    channels = (1, -3) if order == "CHW" else (-1, 3)
    if op == "concat" and is_map and layer.get("axis", "concat_axis", default=-1) not in channels:
        raise Unreadable(f"Its layer {layer.name} joins maps side by side, which a card cannot say.")
    units = [value.units for value in values]
    total = (sum(units) if all(units) else 0) if op == "concat" else max(units)
    return replace(builder.add(layer, op, values, total), map=is_map, axes=order if is_map else "")


def _without_mask(builder: Builder, layer: Layer, values: list[Value]) -> list[Value]:
    """Without an input of one number for each unit: a mask of the actions, all ones when the agent plays."""
    units = max((value.units for value in values if value.name), default=0)
    kept = [value for value in values if value.name or value.map or value.units != units]
    if len(kept) < len(values) and len(kept) == 1:
        builder.remarks.append(f"Its second input, which {layer.name} multiplies the outputs by, is taken for ones.")
        return kept
    return values


def _mean(builder: Builder, layer: Layer, arguments: list) -> Value:
    """A mean of a vector's units: of an advantage."""
    value, axis = arguments[0], layer.settings.get("axis", layer.config.get("axis"))
    axis = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
    if value.map or axis not in (1, -1):
        raise Unreadable(f"Its layer {layer.name} takes a mean that a card cannot say.")
    return replace(value, made="mean", of=(value,), source=layer.name, units=1)


def _rescaling(builder: Builder, layer: Layer, arguments: list) -> Value:
    value = with_number(layer, "multiply", arguments[0], float(layer.config["scale"]), False)
    return with_number(layer, "add", value, float(layer.get("offset", default=0.0)), False)


def _lambda(builder: Builder, layer: Layer, arguments: list) -> Value:
    """Code of the author's. It is never decoded: what it probably is follows from where it stands."""
    value = arguments[0]
    if len(arguments) == 1 and not value.name:
        builder.remarks.append(SCALED.format(layer.name))
        low, high = value.scale or (0.0, 255.0)
        return replace(value, scale=(low / 255.0, high / 255.0))
    if len(arguments) == 2 and {argument.units == 1 for argument in arguments} == {True, False}:
        state, advantage = sorted(arguments, key=lambda argument: argument.units)
        if state.name and advantage.name:
            builder.remarks.append(CENTRED.format(layer.name))
            return builder.add(layer, "dueling", [state, advantage], advantage.units)
    if len(arguments) == 1 and not value.map and value.units:
        return replace(value, made="code", of=(value,), source=layer.name)
    raise Unreadable(f"Its layer {layer.name} is code of its author's, never run, so the structure is not known.")


def _merge_1(builder: Builder, layer: Layer, arguments: list) -> Value:
    """Keras 1's Merge says what it does."""
    return _merge({"sum": "add", "mul": "multiply", "concat": "concat"}.get(layer.config.get("mode"), "merge"))(
        builder, layer, arguments)  # fmt: skip


TABLE: dict[str, Handler] = {
    "Conv2D": _conv, "Convolution2D": _conv, "Dense": _dense, "Flatten": _flatten, "Activation": _activation,
    "ReLU": _named("relu"), "LeakyReLU": _named("leaky_relu", 0.3), "ELU": _named("elu"), "Softmax": _named("softmax"),
    "MaxPooling2D": _pool("maxpool"), "AveragePooling2D": _pool("avgpool"), "GlobalAveragePooling2D": _global_average,
    "ZeroPadding2D": _zero_padding, "BatchNormalization": _batchnorm, "LayerNormalization": _layernorm,
    "LSTM": _recurrent("lstm"), "GRU": _recurrent("gru"), "CuDNNLSTM": _recurrent("lstm", True),
    "CuDNNGRU": _recurrent("gru", True), "Permute": _permute, "Reshape": _reshape, "Merge": _merge_1,
    "Add": _merge("add"), "Multiply": _merge("multiply"), "Subtract": _merge("subtract"),
    "Concatenate": _merge("concat"), "Divide": _merge("divide"), "TrueDivide": _merge("divide"), "Mean": _mean,
    "Rescaling": _rescaling, "Lambda": _lambda, "InputLayer": _same, "Dropout": _same, "SpatialDropout2D": _same,
    "GaussianDropout": _same, "GaussianNoise": _same, "AlphaDropout": _same, "ActivityRegularization": _same,
    "Identity": _same, "Cast": _same, "cast": _same,
    "Relu": _named("relu"), "Tanh": _named("tanh"), "Sigmoid": _named("sigmoid"), "Elu": _named("elu"),
    "math.add": _merge("add"), "__operators__.add": _merge("add"), "math.subtract": _merge("subtract"),
    "math.multiply": _merge("multiply"), "math.truediv": _merge("divide"), "math.divide": _merge("divide"),
    "math.reduce_mean": _mean, "nn.relu": _named("relu"), "math.tanh": _named("tanh"), "nn.softmax": _named("softmax"),
}  # fmt: skip
"""Class of layer, or function of a TFOpLambda → its handler."""
