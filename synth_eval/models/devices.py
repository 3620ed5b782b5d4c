"""Which accelerators PyTorch sees."""

from __future__ import annotations

import torch


def gpus() -> list[str]:
    """Names of the CUDA devices, empty without one."""
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
