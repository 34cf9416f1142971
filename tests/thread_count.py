"""A script that writes to a folder how many threads torch, OpenMP and BLAS would use in its process."""

import json
import os
import sys
from pathlib import Path

import numpy  # noqa: F401  (its BLAS is to be counted)
import torch
from threadpoolctl import threadpool_info

pools = [pool["num_threads"] for pool in threadpool_info()]
written = {"torch": torch.get_num_threads(), "pools": pools}
Path(sys.argv[1], f"{os.getpid()}.json").write_text(json.dumps(written))
