"""What the networks of StarDist, CSBDeep and Noise2Void have in common here."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.segmentation.backend import (
    check_image_axes,
    explain_model,
    load_tensorflow,
    number_format,
    open_network,
    quiet_networks,
    warn_of_other_weights,
)
from btrackmate.segmentation.tiling import Box, TilePlan, run_keras, stream_tiles

Float32 = NDArray[np.float32]


def open_care(folder: Path) -> Any:
    """Open a CSBDeep (CARE) network."""
    from csbdeep.models import CARE

    return open_network(CARE, folder)


class KerasNetwork(ABC):
    """A trained network in a folder, which works on single-channel images tile by tile.

    Parameters
    ----------
    folder : Path
    config : dict
        Its ``config.json``.
    build : callable
        Makes the csbdeep or stardist model; called with all that these print switched off.
    bfloat16 : bool
        Compute in bfloat16; the outputs are float32 all the same.

    Raises
    ------
    UserError
        If the folder is damaged, or the packages are not installed.
    """

    def __init__(
        self,
        folder: Path,
        config: dict[str, Any],
        build: Callable[[], Any],
        *,
        bfloat16: bool = False,
    ) -> None:
        load_tensorflow()
        self.folder = folder
        self.axes = str(config.get("axes", "ZYXC"))
        self.channels = int(config.get("n_channel_in", 1))
        self.ndim = len(self.axes.upper().replace("C", ""))
        with ExitStack() as stack:
            stack.enter_context(explain_model(folder))
            stack.enter_context(quiet_networks())
            stack.enter_context(number_format(bfloat16=bfloat16))
            self.network = build()
        warn_of_other_weights(folder)

    @property
    @abstractmethod
    def plan(self) -> TilePlan:
        """What the network asks of its tiles."""

    def run(self, image: Float32, n_tiles: tuple[int, ...] | None) -> list[Float32]:
        """Run the network on a normalised image; gives its outputs, channels last.

        Parameters
        ----------
        image : ([Z,] Y, X) ndarray of float32
            Padded inside to what the network divides by.
        n_tiles : tuple of int or None
            Tiles along each axis; by memory if None.

        Raises
        ------
        UserError
            If the network is for other images.
        """
        check_image_axes(self.axes, self.channels, image.ndim, self.folder)
        return self.plan.predict(run_keras(self.network.keras_model), image, n_tiles)

    def run_tiles(
        self, shape: tuple[int, ...], read: Callable[[Box], Float32], memory: float
    ) -> Iterator[tuple[Box, list[Float32]]]:
        """Run the network on an image that is read tile by tile.

        Parameters
        ----------
        shape : tuple of int
        read : callable
            Takes slices, one an axis; returns that part, normalised.
        memory : float
            Bytes that a tile, with the outputs of the one before, may take.

        Yields
        ------
        box : tuple of slice
            A part of the network's grid.
        outputs : list of ndarray of float32
            The outputs in it.
        """
        check_image_axes(self.axes, self.channels, len(shape), self.folder)
        network = run_keras(self.network.keras_model)
        yield from stream_tiles(network, shape, read, self.plan, memory)
