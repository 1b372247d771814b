"""One file for each kind of experiment; ``lab.experiment.Kind`` says what a kind has."""
