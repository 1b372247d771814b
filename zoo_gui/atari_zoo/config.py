"""Where the zoo's files are: folders for ``local=True``, and the published addresses."""

from __future__ import annotations

debug = False
"""Whether ``MakeAtariModel`` prints the paths, as the zoo's did."""
ALGORITHMS = ("ga", "a2c", "apex", "es", "impala", "dqn", "rainbow")
datadir_local_dict: dict[str, str] = {}
"""{algorithm: folder} for ``local=True``: set it, or give the folder itself as ``local``."""
datadir_remote_dict = {name: f"https://dgqeqexrlnkvd.cloudfront.net/zoo/{name}" for name in ALGORITHMS}
"""Of these addresses only those of dqn and rainbow ever were reachable after 2020, if any."""
GRAPHS = "https://storage.googleapis.com/download-dopamine-rl/lucid/{algorithm}/{game}/{run}/graph_def.pb"
"""Where Google keeps the graphs of dqn and rainbow."""
