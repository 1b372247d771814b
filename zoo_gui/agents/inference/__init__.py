"""What a stranger's file is, from the names and shapes of its arrays: layers, wiring, geometry, outputs, game.

``arrays`` (with ``cells``, ``copies``) finds layers, ``wiring`` (with ``residual``) says what feeds them, ``geometry``
which strides and paddings fit, ``roles`` what the outputs mean; ``structure``, ``builder`` and ``outputs`` write the
network; ``naming``, ``actions`` and ``observation`` know the rest. ``deduce`` takes these steps, on a ``board`` that
prefers what a person or a preset says; ``told`` does where the file brings its network. No TensorFlow.
"""
