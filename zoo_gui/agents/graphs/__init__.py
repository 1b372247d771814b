"""TensorFlow graphs of strangers: parsed, walked, frozen and run operation by operation."""
