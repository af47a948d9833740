"""Shapes of cells from elsewhere, behind StarDist's interface: label images, and Cellpose."""

import importlib.util
import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from btrackmate.core.errors import UserError
from btrackmate.segmentation.seeds import find_centres
from btrackmate.segmentation.shapes import StarDistPrediction

Float32 = NDArray[np.float32]

#: The model of Cellpose 4 that it fetches when it is first used.
_FETCHED = "cpsam"


def describe_shapes(labels: NDArray[Any], probability: Float32 | None = None) -> StarDistPrediction:
    """Give a label image the form of a StarDist prediction.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int
        Cells with any ids, 0 is background.
    probability : ([Z,] Y, X) ndarray of float32, optional
        Of lying in a cell; left out: the distance over the cell's largest.

    Returns
    -------
    StarDistPrediction
        Cells 1…n by ascending id; distance is that to the cell's border, in voxels. A cell's score
        is the probability at its centre; 1 without one.
    """
    present, inverse = np.unique(labels, return_inverse=True)
    number = np.cumsum(present > 0) * (present > 0)
    numbered = number[inverse].reshape(labels.shape).astype(np.int32)
    ids, points = find_centres(numbered, numbered > 0, (1.0,) * labels.ndim)
    distance = _distance_inside(numbered)
    scores = np.ones(len(ids), np.float32)
    if probability is None:
        deepest = ndimage.maximum(distance, numbered, np.arange(1, len(ids) + 1))
        deepest = np.concatenate([[1.0], np.maximum(deepest, 1e-6)]) if len(ids) else np.ones(1)
        probability = (distance / deepest[numbered]).astype(np.float32)
    elif len(ids):
        scores = probability[tuple(points.T)]
    return StarDistPrediction(numbered, points, scores, probability, distance)


def _distance_inside(labels: NDArray[np.int32]) -> Float32:
    """Distance of each voxel to the next one of another cell or of the background."""
    rim = np.zeros(labels.shape, bool)
    for axis in range(labels.ndim):
        low = [slice(None)] * labels.ndim
        high = list(low)
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        differs = labels[tuple(low)] != labels[tuple(high)]
        rim[tuple(low)] |= differs
        rim[tuple(high)] |= differs
    inside = (labels > 0) & ~rim
    if not rim.any():
        return (labels > 0).astype(np.float32)
    distance = ndimage.distance_transform_edt(~rim)
    return np.where(inside, distance + 0.5, np.where(labels > 0, 0.5, 0)).astype(np.float32)


class LabelShapes:
    """Label images that are there already, e.g. of another program or corrected by hand.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int
        Cells of the frame that is segmented.
    """

    def __init__(self, labels: NDArray[Any]) -> None:
        self._labels = labels

    def predict(self, image: Float32, **_: Any) -> StarDistPrediction:
        """Give the labels; thresholds and tiles have no meaning here.

        Raises
        ------
        UserError
            If the image has another shape.
        """
        if image.shape != self._labels.shape:
            msg = f"labels of the shapes are {self._labels.shape}, expected the image's "
            msg += f"{image.shape}"
            raise UserError(msg)
        return describe_shapes(self._labels)


class _Cellpose(Protocol):
    """What is used of `cellpose.models.CellposeModel`."""

    def eval(self, x: Any, **options: Any) -> tuple[Any, ...]:
        """Give masks, flows and styles."""


def find_cellpose(name: str) -> Path | None:
    """Find the file of a Cellpose model; None for models that Cellpose fetches itself.

    Parameters
    ----------
    name : str
        A file, or the name of one that a person trained, in Cellpose's folder of models:
        ``$CELLPOSE_LOCAL_MODELS_PATH``, else ``~/.cellpose/models``.
    """
    if Path(name).is_file():
        return Path(name).absolute()
    folder = Path(os.environ.get("CELLPOSE_LOCAL_MODELS_PATH") or Path.home() / ".cellpose/models")
    return folder / name if name != _FETCHED and (folder / name).is_file() else None


class CellposeShapes:
    """Cellpose in StarDist's place.

    Parameters
    ----------
    model : object
        `cellpose.models.CellposeModel`, or anything with its ``eval``.

    References
    ----------
    Stringer, Wang, Michaelos, Pachitariu, "Cellpose: a generalist algorithm for cellular
    segmentation", Nature Methods 18 (2021), DOI 10.1038/s41592-020-01018-x.
    """

    def __init__(self, model: _Cellpose) -> None:
        self._model = model

    @classmethod
    def load(cls, name: str) -> "CellposeShapes":
        """Load a Cellpose model by name or file; Cellpose fetches its own models' weights.

        Raises
        ------
        UserError
            If cellpose is not installed, or there is no such model: it would take its own.
        """
        if importlib.util.find_spec("cellpose") is None:
            msg = "shapes 'cellpose' need cellpose, which is not installed; install it with: "
            msg += "pip install 'btrackmate[cellpose]'"
            raise UserError(msg)
        from cellpose import models

        file, known = find_cellpose(name), getattr(models, "MODEL_NAMES", [_FETCHED])
        if file is None and name not in known:
            msg = f"cellpose {name!r}: no such file, nor one of that name in Cellpose's folder of "
            msg += f"models, nor one of its own ({', '.join(known)}); give the path of the model"
            raise UserError(msg)
        return cls(models.CellposeModel(pretrained_model=name if file is None else str(file)))

    def predict(
        self, image: Float32, *, prob_thresh: float | None = None, **_: Any
    ) -> StarDistPrediction:
        """Segment a normalised image.

        Parameters
        ----------
        image : ([Z,] Y, X) ndarray of float32
        prob_thresh : float or None
            Least probability of a voxel in a cell; Cellpose's own (0.5) if None.

        Returns
        -------
        StarDistPrediction
            The probability is the logistic function of Cellpose's map.
        """
        options: dict[str, Any] = {"do_3D": True, "z_axis": 0} if image.ndim == 3 else {}
        if prob_thresh is not None:
            options["cellprob_threshold"] = float(np.log(prob_thresh / (1 - prob_thresh)))
        masks, flows, *_rest = self._model.eval(image, normalize=False, **options)
        labels = np.asarray(masks)
        if labels.shape != image.shape:
            msg = f"cellpose gave masks of shape {labels.shape}, expected the image's {image.shape}"
            raise UserError(msg)
        logits = np.asarray(flows[2], np.float32)
        probability = None
        if logits.shape == image.shape:
            probability = np.asarray(1 / (1 + np.exp(-np.clip(logits, -50, 50))), np.float32)
        return describe_shapes(labels, probability)
