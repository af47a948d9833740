from .settings import Augmentation as Augmentation
from .settings import TrainSettings as TrainSettings
from .trainer import train as train
