"""What a stranger's file is, from the names and shapes of its arrays: layers, wiring, geometry, outputs, game.

``arrays`` finds layers, ``wiring`` says what feeds them, ``geometry`` which strides and paddings fit, ``roles`` what the
outputs mean, ``structure`` puts them together to a NetworkSpec, ``naming`` reads path and facts. No TensorFlow.
"""
