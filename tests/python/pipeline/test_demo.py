"""The demo's files beside its run: what others made meanwhile is left."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from btrackmate.core.errors import UserError
from btrackmate.pipeline import demo


@pytest.mark.parametrize("name", ["", "scores.json", "report.html", "tracks.xml.edits.jsonl"])
def test_what_others_make_while_the_demo_scores_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "demo" / "run"

    def run(*_: Any, **__: Any) -> SimpleNamespace:
        folder.mkdir()
        for made in ("run.yaml", "tracks.xml", "report.html"):
            (folder / made).write_text("ours")
        return SimpleNamespace(folder=folder)

    def score(*_: Any) -> dict[str, Any]:
        if name:
            (folder / name).write_text("theirs")
        return {}

    monkeypatch.setattr(demo, "run", run)
    monkeypatch.setattr(demo, "_score_movie", score)
    monkeypatch.setattr(demo, "_score_ovule", lambda _: {})
    monkeypatch.setattr(demo, "build_report", lambda place: None)
    if not name:
        demo.run_demo(tmp_path / "demo")
        assert (folder / "scores.json").read_text() != ""
        return
    with pytest.raises(UserError, match=f"{name} was (made|changed) by somebody else"):
        demo.run_demo(tmp_path / "demo")
    assert (folder / name).read_text() == "theirs"
    assert (folder / "scores.json").exists() == (name == "scores.json")
