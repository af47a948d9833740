"""Images that a network denoised are other training images when the network is another."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from btrackmate.training import trainer
from btrackmate.training.dataset import DataSet, Pair


class Blank:
    """Stands for a denoiser."""

    def __init__(self, folder: Path) -> None:
        self.value = float((folder / "weights").read_text(encoding="ascii"))

    def predict(self, image: np.ndarray) -> Any:
        return np.full_like(image, self.value)


def test_denoised_images_depend_on_the_denoiser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "DenoiseModel", Blank)
    pair = Pair("a", np.ones((2, 4, 4), np.float32), np.ones((2, 4, 4), np.int32), "0" * 64)
    data = DataSet((pair,), ())
    hashes = set()
    for weights in ("1", "2", "2"):
        (tmp_path / "weights").write_text(weights, encoding="ascii")
        whole = trainer._add_denoised(data, tmp_path)
        assert whole.train[0].sha256 == pair.sha256
        hashes.add(whole.train[1].sha256)
    assert len(hashes) == 2
