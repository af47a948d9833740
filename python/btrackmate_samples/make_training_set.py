"""Write a training set: ``python -m btrackmate_samples.make_training_set -o DIR --n N``."""

import argparse
import logging
import sys
from pathlib import Path

from btrackmate.core.errors import UserError
from btrackmate.core.files import make_folder, write_atomically
from btrackmate.core.outputs import check_output
from btrackmate.samples.files import write_stack
from btrackmate.samples.sample import Stack, split_ovule
from btrackmate_samples.training_set import Volume, make_training_volumes

logger = logging.getLogger(__name__)


def write_training_set(
    folder: Path,
    n: int,
    seed: int = 1,
    *,
    shape: tuple[int, int, int] = (24, 128, 128),
    ovule: bool = False,
    overwrite: bool = False,
) -> list[str]:
    """Render volumes into ``Raw/`` and ``Segmentation/`` of a folder.

    Parameters
    ----------
    folder : Path
        Made if missing.
    n : int
        Number of volumes.
    seed : int
        Seed of frames, poses, shapes and noise.
    shape : (Z, Y, X)
        Voxels of a volume.
    ovule : bool
        Add the real ovule stack's training half, ``ovule_train_half.tif``.
    overwrite : bool
        Replace an existing folder.

    Returns
    -------
    list of str
        File names, the same in both folders.

    Raises
    ------
    UserError
        If `folder` exists or cannot be written, or `n` is below 1.
    """
    check_output(folder, overwrite=overwrite)
    names = []
    with write_atomically(folder) as temporary:
        for part in ("Raw", "Segmentation"):
            make_folder(temporary / part)
        for index, volume in enumerate(make_training_volumes(n, seed, shape=shape)):
            name = f"seed{seed:03d}_{index:03d}_frame{volume.frame:02d}.tif"
            _write_pair(temporary, name, volume)
            names.append(name)
            logger.info("%s: %d of %d", name, index + 1, n)
        if ovule:
            names.append("ovule_train_half.tif")
            _write_pair(temporary, names[-1], split_ovule().train)
    return names


def _write_pair(folder: Path, name: str, pair: Volume | Stack) -> None:
    write_stack(folder / "Raw" / name, pair.image, pair.calibration)
    write_stack(folder / "Segmentation" / name, pair.labels, pair.calibration)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m btrackmate_samples.make_training_set")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to make")
    parser.add_argument("--n", type=int, default=12, help="number of volumes (12)")
    parser.add_argument("--seed", type=int, default=1, help="seed (1); another for held-out data")
    parser.add_argument("--shape", default="24,128,128", help="voxels Z,Y,X (24,128,128)")
    parser.add_argument("--ovule", action="store_true", help="add the ovule's training half")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing folder")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        shape = _parse_shape(given.shape)
        write_training_set(
            given.output,
            given.n,
            given.seed,
            shape=shape,
            ovule=given.ovule,
            overwrite=given.overwrite,
        )
    except UserError as error:
        logger.error("%s", error)
        return 2
    return 0


def _parse_shape(text: str) -> tuple[int, int, int]:
    """Read ``Z,Y,X``."""
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        msg = f"--shape {text}: expected three whole numbers > 0, Z,Y,X, e.g. 24,128,128"
        raise UserError(msg)
    return int(parts[0]), int(parts[1]), int(parts[2])


if __name__ == "__main__":
    sys.exit(main())
