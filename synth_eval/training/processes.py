"""The processes around one run: which one writes, and waiting for each other."""

from __future__ import annotations

import os

import torch


def is_main_process() -> bool:
    """Whether this is the process that writes (torchrun and accelerate number them)."""
    return int(os.environ.get("RANK", "0")) == 0


def barrier() -> None:
    """Wait for the other processes of a distributed run."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
