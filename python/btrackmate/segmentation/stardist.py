"""StarDist: the network, the suppression of its shapes and their drawing."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.segmentation.backend import explain_model, find_model, open_network, read_json
from btrackmate.segmentation.blocks import Volume
from btrackmate.segmentation.keras_network import KerasNetwork
from btrackmate.segmentation.polyhedra import draw, suppress
from btrackmate.segmentation.ray_table import RayTable, find_boxes, make_table
from btrackmate.segmentation.settings import Suppression
from btrackmate.segmentation.shapes import (
    Maps,
    Shapes,
    StarDistPrediction,
    interpolate_grid,
    select_candidates,
)
from btrackmate.segmentation.tiling import OUTPUT_COPIES, Box, TilePlan, view_radius

_log = logging.getLogger(__name__)

Float32 = NDArray[np.float32]


class StarDistModel(KerasNetwork):
    """A trained StarDist2D or StarDist3D network.

    Parameters
    ----------
    folder : Path
        Folder with ``config.json``, weights and, if there is one, ``thresholds.json``.

    bfloat16 : bool
        Compute in bfloat16; the outputs are float32 all the same.

    Raises
    ------
    UserError
        If the folder is not that of a StarDist model, or the packages are not installed.

    References
    ----------
    Weigert et al., "Star-convex Polyhedra for 3D Object Detection and Segmentation in
    Microscopy", WACV 2020, DOI 10.1109/WACV45572.2020.9093435.
    """

    def __init__(self, folder: Path, *, bfloat16: bool = False) -> None:
        config = read_json(folder / "config.json")
        if "n_rays" not in config:
            msg = f"{folder}/config.json is not that of a StarDist model (no n_rays); "
            msg += "give a StarDist model's folder"
            raise UserError(msg)
        if config.get("backbone", "unet") != "unet":
            msg = f"{folder}: StarDist model of backbone {config['backbone']!r}, expected 'unet'"
            raise UserError(msg)
        super().__init__(folder, config, lambda: _open(folder, config), bfloat16=bfloat16)
        with explain_model(folder):
            self.grid = tuple(int(step) for step in self.network.config.grid)
            self.prob_thresh = float(self.network.thresholds.prob)
            self.nms_thresh = float(self.network.thresholds.nms)
        self._table: RayTable | None = None

    @classmethod
    def load(cls, model_dir: Path | None, name: str, *, bfloat16: bool = False) -> "StarDistModel":
        """Load the model `name` of `model_dir` (None: of the shipped models)."""
        return cls(find_model(model_dir, name, "StarDist"), bfloat16=bfloat16)

    def predict_maps(self, image: Float32, n_tiles: tuple[int, ...] | None = None) -> Maps:
        """Run the network on a normalised image.

        Parameters
        ----------
        image : ([Z,] Y, X) ndarray of float32
            Normalised with `normalise_volume`; padded inside to what the network divides by.
        n_tiles : tuple of int or None
            Tiles along each axis; by memory if None.

        Returns
        -------
        Maps
        """
        return _take_maps(self.run(image, n_tiles))

    @property
    def plan(self) -> TilePlan:
        """What the network asks of its tiles."""
        config = self.network.config
        depth, kernel = int(config.unet_n_depth), max(config.unet_kernel_size)
        radius = view_radius(depth, kernel) + kernel // 2
        # 14 bytes a filter were measured with the grid (1, 2, 2), about twice that without one.
        base = 28.0 * config.unet_n_filter_base / (2 if max(self.grid) > 1 else 1)
        return TilePlan(
            tuple(pool**depth * g for pool, g in zip(config.unet_pool, self.grid, strict=True)),
            tuple(g * radius + 2 * (kernel // 2) * (g - 1) for g in self.grid),
            self.grid,
            float(base + 4.0 * config.n_rays / np.prod(self.grid)),
            float(OUTPUT_COPIES * 4.0 * (config.n_rays + 1) / np.prod(self.grid)),
        )

    def stream(self, volume: Volume, memory: float) -> Iterator[tuple[Box, Maps]]:
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
            A part of the grid.
        maps : Maps
            The maps in it.
        """
        for box, outputs in self.run_tiles(volume.shape, volume.read, memory):
            yield box, _take_maps(outputs)

    def find_shapes(
        self, maps: Maps, prob_thresh: float, nms_thresh: float, *, nms: Suppression = "exact"
    ) -> Shapes:
        """Choose the shapes by non-maximum suppression.

        Parameters
        ----------
        maps : Maps
        prob_thresh : float
            Points above it are candidates.
        nms_thresh : float
            Overlap with a more probable shape (of the smaller one's volume) that suppresses.
        nms : {"exact", "filtered", "stardist"}
            See `SegmentationSettings.nms`.

        Returns
        -------
        Shapes
        """
        return self.suppress(self.find_candidates(maps, prob_thresh, nms=nms), nms_thresh, nms=nms)

    def find_candidates(self, maps: Maps, prob_thresh: float, *, nms: Suppression) -> Shapes:
        """Give the shapes that compete, most probable first."""
        where = select_candidates(maps.probability, prob_thresh, local_maxima=nms == "filtered")
        points = np.stack(np.nonzero(where), axis=1).astype(np.int64) * np.asarray(self.grid)
        return Shapes(points, maps.probability[where], maps.distance[where]).sorted()

    def suppress(self, shapes: Shapes, nms_thresh: float, *, nms: Suppression = "exact") -> Shapes:
        """Keep the shapes that no more probable one suppresses.

        Parameters
        ----------
        shapes : Shapes
            Most probable first.
        nms_thresh : float
        nms : {"exact", "filtered", "stardist"}

        Returns
        -------
        Shapes
        """
        points, scores, distance = shapes.points, shapes.scores, shapes.distance
        if len(points) == 0:
            return shapes
        if self.ndim == 2:
            from stardist.nms import non_maximum_suppression_inds

            keep = non_maximum_suppression_inds(
                distance, points, scores, thresh=nms_thresh, verbose=False
            )
            return shapes.where(keep)
        rays = self._rays()
        if nms != "stardist":
            table = self._make_table(shapes)
            if table is not None:
                vertices = rays.vertices.astype(np.float32)
                return shapes.where(suppress(points, distance, vertices, table, nms_thresh))
            _log.info("shapes too large for the fast suppression: StarDist's own is used")
        from stardist.nms import non_maximum_suppression_3d_inds

        keep = non_maximum_suppression_3d_inds(
            distance, points, rays, scores, thresh=nms_thresh, verbose=False
        )
        return shapes.where(keep)

    def render(self, shapes: Shapes, shape: tuple[int, ...]) -> NDArray[np.int32]:
        """Draw shapes into a label image; where two overlap, the more probable one is seen.

        Parameters
        ----------
        shapes : Shapes
        shape : tuple of int
            Shape of the image.

        Returns
        -------
        ([Z,] Y, X) ndarray of int32
            Shape i has the label i + 1.
        """
        if len(shapes.points) == 0:
            return np.zeros(shape, np.int32)
        if self.ndim == 2:
            from stardist.geometry import polygons_to_label

            # It numbers polygons by their row, whatever the order in which they are drawn.
            labels = polygons_to_label(
                shapes.distance, shapes.points, shape=shape, prob=shapes.scores
            )
            return np.asarray(labels, np.int32)
        table = self._make_table(shapes)
        if table is not None:
            vertices = self._rays().vertices.astype(np.float32)
            return draw(shapes.points, shapes.distance, vertices, table, shape)
        from stardist.geometry import polyhedron_to_label

        labels = polyhedron_to_label(
            shapes.distance,
            shapes.points,
            rays=self._rays(),
            shape=shape,
            prob=shapes.scores,
            labels=np.arange(1, len(shapes.points) + 1),
            verbose=False,
        )
        return np.asarray(labels, np.int32)

    def predict(
        self,
        image: Float32,
        *,
        prob_thresh: float | None = None,
        nms_thresh: float | None = None,
        n_tiles: tuple[int, ...] | None = None,
        nms: Suppression = "exact",
    ) -> StarDistPrediction:
        """Segment a normalised image.

        Parameters
        ----------
        image : ([Z,] Y, X) ndarray of float32
            Normalised with `normalise_volume`.
        prob_thresh, nms_thresh : float or None
            The model's own if None.
        n_tiles : tuple of int or None
            Tiles along each axis; by memory if None.
        nms : {"exact", "filtered", "stardist"}
            See `SegmentationSettings.nms`.

        Returns
        -------
        StarDistPrediction
        """
        maps = self.predict_maps(image, n_tiles)
        shapes = self.find_shapes(
            maps,
            self.prob_thresh if prob_thresh is None else prob_thresh,
            self.nms_thresh if nms_thresh is None else nms_thresh,
            nms=nms,
        )
        return StarDistPrediction(
            self.render(shapes, image.shape),
            shapes.points,
            shapes.scores,
            interpolate_grid(maps.probability, self.grid, image.shape),
            interpolate_grid(maps.distance.mean(axis=-1), self.grid, image.shape),
        )

    def find_extent(self, shapes: Shapes) -> NDArray[np.int64]:
        """Give how far each shape reaches from its point along each axis, in voxels.

        Returns
        -------
        (n, ndim) ndarray of int
        """
        if self.ndim == 2:
            reach = np.ceil(shapes.distance.max(axis=1, initial=0)).astype(np.int64)
            return np.repeat(reach[:, None], 2, axis=1)
        boxes = find_boxes(shapes.points, shapes.distance, self._rays().vertices.astype(np.float32))
        extent: NDArray[np.int64] = np.abs(boxes.reshape(-1, 2, 3)).max(axis=1).astype(np.int64)
        return extent

    def find_nothing(self) -> Shapes:
        """Give no shapes."""
        rays = int(self.network.config.n_rays)
        return Shapes(
            np.zeros((0, self.ndim), np.int64), np.zeros(0, np.float32),
            np.zeros((0, rays), np.float32),
        )  # fmt: skip

    def _make_table(self, shapes: Shapes) -> RayTable | None:
        """Look up the rays around the shapes; what was looked up before is used again."""
        rays = self._rays()
        vertices = rays.vertices.astype(np.float32)
        boxes = find_boxes(shapes.points, shapes.distance, vertices)
        half = np.abs(boxes).reshape(-1, 3).max(axis=0)
        if self._table is None or (self._table.half < half).any():
            self._table = make_table(vertices, rays.faces.astype(np.int32), boxes)
        return self._table

    def _rays(self) -> Any:
        from stardist.rays3d import rays_from_json

        return rays_from_json(self.network.config.rays_json)


def _take_maps(outputs: list[Float32]) -> Maps:
    """Take the network's outputs apart; class probabilities, if there are any, are left out."""
    probability, distance, *_ = outputs
    return Maps(probability[..., 0], np.maximum(distance, np.float32(1e-3)))


def _open(folder: Path, config: dict[str, Any]) -> Any:
    from stardist.models import StarDist2D, StarDist3D

    kind = StarDist3D if "Z" in str(config.get("axes", "ZYXC")).upper() else StarDist2D
    return open_network(kind, folder)
