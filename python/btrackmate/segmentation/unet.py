"""U-Net: the tissue mask and, where it was trained for them, the cells' boundaries."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.segmentation.backend import find_model, read_json
from btrackmate.segmentation.blocks import Volume
from btrackmate.segmentation.keras_network import KerasNetwork, open_care
from btrackmate.segmentation.tiling import Box, TilePlan, plan_unet

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class UNetPrediction:
    """What the U-Net sees in an image.

    Parameters
    ----------
    foreground : ([Z,] Y, X) ndarray of float32
        About 1 in cells, membranes included, about 0 outside.
    boundary : ([Z,] Y, X) ndarray of float32 or None
        About 1 where one cell ends, falling to 0 inside it; None if the network has one output.
    """

    foreground: Float32
    boundary: Float32 | None


class UNetModel(KerasNetwork):
    """A trained CSBDeep (CARE) U-Net with one or two outputs: foreground[, boundary].

    Parameters
    ----------
    folder : Path
        Folder with ``config.json``, weights and, if there is one, ``thresholds.json`` with
        ``foreground``, ``boundary``, ``wall`` and ``rescue``.

    bfloat16 : bool
        Compute in bfloat16; the outputs are float32 all the same.

    Raises
    ------
    UserError
        If the folder is not that of such a network, or the packages are not installed.

    References
    ----------
    Weigert et al., "Content-aware image restoration", Nature Methods 15 (2018),
    DOI 10.1038/s41592-018-0216-7.
    """

    def __init__(self, folder: Path, *, bfloat16: bool = False) -> None:
        config = read_json(folder / "config.json")
        outputs = int(config.get("n_channel_out", 0))
        if "unet_n_first" not in config or outputs not in (1, 2):
            msg = f"{folder}/config.json is not that of a CSBDeep U-Net with one or two outputs; "
            msg += "give a U-Net model's folder"
            raise UserError(msg)
        self.outputs = outputs
        thresholds = read_json(folder / "thresholds.json")
        self.foreground_thresh = _number(thresholds.get("foreground"))
        self.boundary_thresh = _number(thresholds.get("boundary"))
        self.wall_thresh = _number(thresholds.get("wall"))
        self.rescue_thresh = _number(thresholds.get("rescue"))
        super().__init__(folder, config, lambda: open_care(folder), bfloat16=bfloat16)

    @classmethod
    def load(cls, model_dir: Path | None, name: str, *, bfloat16: bool = False) -> "UNetModel":
        """Load the model `name` of `model_dir` (None: of the shipped models)."""
        return cls(find_model(model_dir, name, "U-Net"), bfloat16=bfloat16)

    def predict(self, image: Float32, n_tiles: tuple[int, ...] | None = None) -> UNetPrediction:
        """Run the network on a normalised image.

        Parameters
        ----------
        image : ([Z,] Y, X) ndarray of float32
            Normalised with `normalise_volume`; padded inside to what the network divides by.
        n_tiles : tuple of int or None
            Tiles along each axis; by memory if None.

        Returns
        -------
        UNetPrediction
        """
        return self._part(self.run(image, n_tiles)[0])

    @property
    def plan(self) -> TilePlan:
        """What the network asks of its tiles."""
        return plan_unet(self.network.config, self.ndim)

    def stream(self, volume: Volume, memory: float) -> Iterator[tuple[Box, UNetPrediction]]:
        """Run the network on a volume that is read tile by tile.

        Parameters
        ----------
        volume : Volume
            Normalised.
        memory : float
            Bytes that a tile, with the outputs of the one before, may take.

        Yields
        ------
        box : tuple of slice
            A part of the volume.
        prediction : UNetPrediction
            In that part.
        """
        for box, (values,) in self.run_tiles(volume.shape, volume.read, memory):
            yield box, self._part(values)

    def _part(self, values: Float32) -> UNetPrediction:
        """Take the outputs apart."""
        boundary = np.ascontiguousarray(values[..., 1]) if self.outputs == 2 else None
        return UNetPrediction(np.ascontiguousarray(values[..., 0]), boundary)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
