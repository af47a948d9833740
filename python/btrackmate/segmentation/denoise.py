"""Denoising with a trained network (Noise2Void or CARE) before segmentation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.segmentation.backend import (
    check_image_axes,
    find_model,
    read_json,
    read_percentiles,
)
from btrackmate.segmentation.blocks import Volume
from btrackmate.segmentation.keras_network import KerasNetwork, open_care
from btrackmate.segmentation.normalisation import normalise_volume
from btrackmate.segmentation.percentiles import find_percentiles
from btrackmate.segmentation.tiling import Box, TilePlan, plan_unet

Float32 = NDArray[np.float32]

_KIND = "denoising"


class DenoiseModel(KerasNetwork):
    """A trained CSBDeep (CARE) U-Net with one output: the image without its noise.

    Parameters
    ----------
    folder : Path
        Folder with ``config.json`` and weights, written by ``btrackmate train --only n2v`` or
        by CSBDeep.

    Raises
    ------
    UserError
        If the folder is not that of such a network, or the packages are not installed.

    References
    ----------
    Krull, Buchholz, Jug, "Noise2Void - learning denoising from single noisy images", CVPR 2019,
    arXiv 1811.10980. Weigert et al., "Content-aware image restoration", Nature Methods 15 (2018),
    DOI 10.1038/s41592-018-0216-7.
    """

    def __init__(self, folder: Path) -> None:
        folder = find_model(folder.parent, folder.name, _KIND)
        config = read_json(folder / "config.json")
        _check_config(config, folder)
        self.norm_low, self.norm_high = read_percentiles(folder)
        super().__init__(folder, config, lambda: open_care(folder))

    @classmethod
    def load(cls, model_dir: Path | None, name: str) -> "DenoiseModel":
        """Load the model `name` of `model_dir` (None: of the shipped models)."""
        return cls(find_model(model_dir, name, _KIND))

    def denoise(
        self, image: NDArray[Any], n_tiles: tuple[int, ...] | None = None, source: str = "image"
    ) -> Float32:
        """Denoise an image, in its own grey values.

        Parameters
        ----------
        image : ([Z,] Y, X) ndarray
            One channel of one frame, any integer or float type.
        n_tiles : tuple of int or None
            Tiles along each axis; by memory if None.
        source : str
            What the image is, for messages.

        Returns
        -------
        ([Z,] Y, X) ndarray of float32
            Same shape and scale of grey values; a constant image comes back as it is.

        Raises
        ------
        UserError
            If the image holds NaN or infinity, or does not fit the model.
        """
        check_image_axes(self.axes, self.channels, image.ndim, self.folder)
        normalised = normalise_volume(image, self.norm_low, self.norm_high, source)
        if not normalised.any():
            return image.astype(np.float32)
        grey = image.astype(np.uint8) if image.dtype.kind == "b" else image
        floor, ceiling = np.percentile(grey, (self.norm_low, self.norm_high))
        result = self.predict(normalised, n_tiles)
        result *= np.float32(ceiling - floor)
        result += np.float32(floor)
        return result

    def predict(self, image: Float32, n_tiles: tuple[int, ...] | None = None) -> Float32:
        """Run the network on a normalised image.

        Parameters
        ----------
        image : ([Z,] Y, X) ndarray of float32
            Normalised with `normalise_volume`, percentiles `norm_low` and `norm_high`; padded
            inside to what the network divides by.
        n_tiles : tuple of int or None
            Tiles along each axis; by memory if None.

        Returns
        -------
        ([Z,] Y, X) ndarray of float32
            Normalised as the input; a new array.
        """
        return np.ascontiguousarray(self.run(image, n_tiles)[0][..., 0])

    @property
    def plan(self) -> TilePlan:
        """What the network asks of its tiles."""
        return plan_unet(self.network.config, self.ndim)

    def stream(self, volume: Volume, memory: float) -> Iterator[tuple[Box, Float32]]:
        """Denoise a volume that is read tile by tile.

        Parameters
        ----------
        volume : Volume
            In its own grey values.
        memory : float
            Bytes that a tile, with the outputs of the one before, may take.

        Yields
        ------
        box : tuple of slice
            A part of the volume.
        part : ([z,] y, x) ndarray of float32
            That part without noise; of a constant volume as it is.
        """
        low, high = find_percentiles(volume.parts, (self.norm_low, self.norm_high))
        floor, width = np.float32(low), np.float32(high - low)

        def read(box: Box) -> Float32:
            part = volume.read(box).astype(np.float32)
            return np.asarray((part - floor) / width if width > 0 else part * 0, np.float32)

        for box, (values,) in self.run_tiles(volume.shape, read, memory):
            if width > 0:
                yield box, values[..., 0] * width + floor
            else:
                yield box, volume.read(box).astype(np.float32)


def _check_config(config: dict[str, Any], folder: Path) -> None:
    if any(name.startswith("n2v_") for name in config):
        msg = f"{folder} is a model of the n2v package, whose networks are not read; "
        msg += "train one with: btrackmate train --only n2v"
        raise UserError(msg)
    if "unet_n_first" not in config or int(config.get("n_channel_out", 0)) != 1:
        msg = f"{folder}/config.json is not that of a denoising U-Net with one output; "
        msg += "give the folder of a model from: btrackmate train --only n2v (or from CSBDeep)"
        raise UserError(msg)
    if config.get("probabilistic"):
        msg = f"{folder}: probabilistic CARE model, expected one that predicts grey values; "
        msg += "train one with: btrackmate train --only n2v"
        raise UserError(msg)
