"""Training of StarDist and U-Net on the user's own images."""

from btrackmate.training.settings import Augmentation, TrainSettings
from btrackmate.training.train import train

__all__ = ["Augmentation", "TrainSettings", "train"]
