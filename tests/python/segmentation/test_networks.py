"""Percentiles: those of the models' training, unless others are chosen."""

import json
from pathlib import Path

import pytest

from btrackmate.core.errors import UserError
from btrackmate.segmentation.networks import choose_percentiles


def make_models(folder: Path, *percentiles: tuple[float, float]) -> list[Path]:
    """Make folders that hold a model card each."""
    folders = []
    for number, (low, high) in enumerate(percentiles):
        model = folder / f"model{number}"
        model.mkdir()
        card = {"settings": {"norm_low": low, "norm_high": high}}
        (model / "model_card.json").write_text(json.dumps(card))
        folders.append(model)
    return folders


def test_what_the_models_were_trained_with_is_taken(tmp_path):
    folders = make_models(tmp_path, (3, 99), (3, 99))
    assert choose_percentiles((None, None), folders) == (3, 99)


def test_models_of_other_programs_get_the_defaults(tmp_path):
    assert choose_percentiles((None, None), [tmp_path]) == (1, 99.8)


def test_models_that_disagree_are_refused(tmp_path):
    folders = make_models(tmp_path, (3, 99), (1, 99.8))
    with pytest.raises(UserError, match=r"model0: 3 and 99; .*model1: 1 and 99\.8.*norm_low="):
        choose_percentiles((None, None), folders)


def test_a_choice_is_taken_with_a_warning(tmp_path, caplog):
    folders = make_models(tmp_path, (3, 99), (1, 99.8))
    assert choose_percentiles((1, 99.8), folders) == (1, 99.8)
    assert "model0 was trained with percentiles 3 and 99, and sees 1 and 99.8" in caplog.text
    assert "model1" not in caplog.text


def test_a_choice_that_crosses_the_model_s_own_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"norm_low 99 is not below norm_high 98"):
        choose_percentiles((99, None), make_models(tmp_path, (1, 98)))
