"""Parts that the readers of formats share: containers, inert pickles, bounded HDF5, configs, limits. No TensorFlow."""
