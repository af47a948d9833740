"""What is said of a trained model at the end."""

import json
import logging

import pytest

from btrackmate.training.card import describe_scores, warn_of_scores


def write_card(folder, network, scores, images=2):
    folder.mkdir()
    card = {
        "network": network,
        "validation_images": {f"a{i}": "" for i in range(images)},
        "validation_scores": scores,
        "best_val_loss": 0.25,
    }
    (folder / "model_card.json").write_text(json.dumps(card))
    return folder


@pytest.mark.parametrize(
    ("network", "scores", "images", "line"),
    [
        ("StarDist", {"F1": 0.9456}, 1, "StarDist: F1 0.946 on 1 validation image"),
        (
            "U-Net",
            {"foreground_IoU": 0.8, "F1": 0.7, "VollSeg_F1": 0.9},
            2,
            "U-Net: foreground_IoU 0.800, F1 0.700, with StarDist (VollSeg) F1 0.900 on "
            "2 validation images",
        ),
        ("Noise2Void", {}, 2, "Noise2Void: best validation loss 0.25"),
    ],
)
def test_scores_are_one_line(tmp_path, network, scores, images, line):
    assert describe_scores(write_card(tmp_path / "a", network, scores, images)) == line


@pytest.mark.parametrize(
    ("star", "unet", "warned"),
    [
        ({"F1": 0.013}, None, ["stardist: only F1 0.013"]),
        ({"F1": 0.5}, None, []),
        (None, {"foreground_IoU": 0.4, "F1": 0.3}, ["unet: only foreground_IoU 0.400, F1 0.300"]),
        # StarDist's shapes are poor, but they seed the U-Net's cells well.
        ({"F1": 0.2}, {"foreground_IoU": 0.9, "F1": 0.7, "VollSeg_F1": 0.8}, []),
        ({"F1": 0.9}, {"foreground_IoU": 0.9, "F1": 0.4, "VollSeg_F1": 0.3}, ["VollSeg_F1 0.300"]),
    ],
)
def test_models_of_little_use_are_named(tmp_path, caplog, star, unet, warned):
    folders = [
        write_card(tmp_path / name, name, scores)
        for name, scores in (("stardist", star), ("unet", unet))
        if scores is not None
    ]
    with caplog.at_level(logging.WARNING):
        warn_of_scores(folders)
    assert len(caplog.messages) == len(warned)
    for message, words in zip(caplog.messages, warned, strict=True):
        assert words in message
        assert "label more cells" in message
