"""A worker's task that imports nothing of the tests, which themselves limit threads."""

import json
from pathlib import Path


def write_threads(index: int, parent: int | None, folder: str) -> None:
    """A worker that writes how many threads torch, OpenMP and BLAS would use in its process."""
    import numpy  # noqa: F401  (its BLAS is to be counted)
    import torch
    from threadpoolctl import threadpool_info

    pools = [pool["num_threads"] for pool in threadpool_info()]
    Path(folder, f"{index}.json").write_text(json.dumps({"torch": torch.get_num_threads(), "pools": pools}))
