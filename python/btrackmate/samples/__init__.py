"""Sample data: a seeded renderer of membrane-labelled tissue and the shipped samples."""

from btrackmate.samples.membranes import MembraneSettings, make_membranes
from btrackmate.samples.movie import MovieSettings, SampleMovie, make_movie
from btrackmate.samples.points import (
    PointMovie,
    PointMovieSettings,
    make_point_movie,
    truth_links_of_observed,
)
from btrackmate.samples.render import Renderer, RenderSettings
from btrackmate.samples.sample import (
    Halves,
    SamplePaths,
    Stack,
    load_nuclei,
    load_ovule,
    load_sample,
    sample_paths,
    split_ovule,
)
from btrackmate.samples.snr import measure_snr
from btrackmate.samples.training_set import TRAINING_FRAMES, make_training_volumes

__all__ = [
    "TRAINING_FRAMES",
    "Halves",
    "MembraneSettings",
    "MovieSettings",
    "PointMovie",
    "PointMovieSettings",
    "RenderSettings",
    "Renderer",
    "SampleMovie",
    "SamplePaths",
    "Stack",
    "load_nuclei",
    "load_ovule",
    "load_sample",
    "make_membranes",
    "make_movie",
    "make_point_movie",
    "make_training_volumes",
    "measure_snr",
    "sample_paths",
    "split_ovule",
    "truth_links_of_observed",
]
