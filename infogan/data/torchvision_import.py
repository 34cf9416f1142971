"""torchvision, also where the installed torch and torchvision are builds for different devices."""

import sys
from types import ModuleType

import torch

_declared: list[torch.library.Library] = []  # the declared operators exist as long as this object


def import_torchvision() -> ModuleType:
    """torchvision, also where a CPU-only torch meets a torchvision built for CUDA.

    That pair is easily installed, because PyPI's torchvision is the CUDA build, and its import fails: torchvision's
    compiled operators are not loaded, while its Python code registers shape functions for two of them. Neither operator
    is used here. So where the plain import has failed, both are declared, and the import is tried again.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        library = torch.library.Library("torchvision", "FRAGMENT")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared.append(library)
        import torchvision
    return torchvision
