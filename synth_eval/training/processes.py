"""The processes around one run: which one writes, waiting for each other, and one training a folder at a time."""

from __future__ import annotations

import fcntl
import os
import warnings
from pathlib import Path

import torch

from synth_eval.errors import InputError


def is_main_process() -> bool:
    """Whether this is the process that writes (torchrun and accelerate number them)."""
    return int(os.environ.get("RANK", "0")) == 0


def barrier() -> None:
    """Wait for the other processes of a distributed run."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()


def lock(folder: Path) -> int:
    """Take the folder's lock, without waiting. It is free again when the handle is closed or the process is gone.

    Returns:
        an open handle of the folder; close it to let go.

    Raises:
        InputError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise InputError(
            folder,
            f"another process is training in {folder}",
            "one training a folder",
            "wait until it is finished, or use another --output_dir",
        ) from error
    except OSError as error:  # some network file systems have no locks
        warnings.warn(f"{folder} cannot be locked ({error.strerror}): start no second training in it", stacklevel=2)
    return handle
