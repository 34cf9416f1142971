"""Seconds of training, on a device that computes in the background."""

import time

import torch


class Stopwatch:
    """Seconds of training so far; what is done while it is stopped does not count."""

    def __init__(self, device: torch.device, seconds: float = 0.0):
        self.device, self.seconds = device, seconds
        self._began: float | None = None

    def start(self) -> None:
        self._began = time.perf_counter()

    def stop(self) -> None:
        """Once the device has done what was asked of it."""
        if self._began is not None:
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            self.seconds += time.perf_counter() - self._began
            self._began = None
