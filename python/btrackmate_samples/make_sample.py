"""Make the sample movie again: ``python -m btrackmate_samples.make_sample -o DIR``."""

import argparse
import logging
import sys
from pathlib import Path

from btrackmate.core.errors import UserError
from btrackmate.core.outputs import check_output
from btrackmate.samples.sample import SamplePaths, write_sample
from btrackmate.samples.snr import measure_snr
from btrackmate_samples.movie import MovieSettings, make_movie

logger = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m btrackmate_samples.make_sample")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write to")
    parser.add_argument("--config", type=Path, help="YAML of other movie settings")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        settings = MovieSettings.from_yaml(given.config) if given.config else MovieSettings()
        check_output(SamplePaths.in_folder(given.output).image, overwrite=given.overwrite)
        movie = make_movie(settings, lambda step, i, n: logger.info("%s %d of %d", step, i, n))
        paths = write_sample(movie, given.output)
    except UserError as error:
        logger.error("%s", error)
        return 2
    logger.info("%s: %d divisions", paths.image, movie.n_divisions)
    size = movie.calibration.dz, movie.calibration.dy, movie.calibration.dx
    try:
        logger.info("signal to noise %.2f", measure_snr(movie.image, movie.truth, size))
    except UserError as error:
        logger.warning("signal to noise not measured: %s", error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
