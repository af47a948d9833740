"""Training of StarDist, U-Net and Noise2Void on the user's own images."""

from btrackmate.training.settings import Augmentation, TrainSettings
from btrackmate.training.train import train

__all__ = ["Augmentation", "TrainSettings", "train"]
