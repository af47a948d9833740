"""The report as one HTML file that works offline."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from markupsafe import Markup

from btrackmate.core.files import write_text
from btrackmate.core.track_features import make_tracks_table
from btrackmate.io.run_folder import DROPPED, PRUNED, REPORT, TRACK_FEATURES
from btrackmate.report.analysis_section import render_analysis
from btrackmate.report.data import ReportData, load_run
from btrackmate.report.figures import (
    choose_lineages,
    draw_cells_per_frame,
    draw_displacements,
    draw_lineages,
    draw_track_lengths,
    track_durations,
)
from btrackmate.report.linked_view import render_linked_view
from btrackmate.report.markup import Embedded, embed_png, embed_svg, embed_table, render
from btrackmate.report.montage import MAX_TAILS, TAIL, draw_montage, rank_tracks

MAX_ROWS = 30
_STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
_TRACK_COLUMNS = (
    "track", "first_frame", "last_frame", "n_spots", "n_divisions", "n_merges", "n_gaps",
    "displacement", "total_distance", "mean_speed", "max_speed",
)  # fmt: skip


def build_report(folder: Path) -> Path:
    """Make report.html of a run folder from the files in it.

    Parameters
    ----------
    folder : Path
        A finished run folder.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    UserError
        If the folder is no finished run.
    """
    path = folder / REPORT
    write_report(path, load_run(folder))
    return path


def write_report(path: Path, data: ReportData) -> None:
    """Write a report."""
    text = render_report(data)
    write_text(path, text)


def render_report(data: ReportData) -> str:
    """Render the report as HTML text."""
    record = data.record
    return render(
        "page.html",
        name=_input_name(data),
        style=Markup(_STYLE),
        subtitle=_subtitle(data),
        to_know=_to_know(data),
        tiles=_numbers(data),
        score_tables=data.scores,
        montage=_montage(data),
        plots=_plots(data),
        linked_view=render_linked_view(data.graph, data.ids),
        lineages=_lineages(data),
        tracks=_tracks(data),
        analysis=render_analysis(data),
        losses=_losses(data),
        warnings=record.get("warnings", []),
        timing=_timing(data),
        cost=_cost(data),
        is_run="tracks" not in record["inputs"],
        engine=record.get("engine", "builtin"),
        settings=yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=100),
    )


def _input_name(data: ReportData) -> str:
    inputs = data.record["inputs"]
    roles = ("image", "labels", "spots", "tracks")
    main = next(inputs[role] for role in roles if inputs.get(role))
    return Path(main["path"]).name


def _subtitle(data: ReportData) -> str:
    spots, record = data.graph.spots, data.record
    size = spots.calibration
    axes = "z × y × x" if spots.ndim == 3 else "y × x"
    voxel = " × ".join(f"{value:g}" for value in size.spacing(spots.ndim))
    what = "voxel" if spots.ndim == 3 else "pixel"
    scale = f"{what} {voxel} {size.space_unit} ({axes})"
    if size.space_unit == "pixel" and set(size.spacing(spots.ndim)) == {1.0}:
        scale = "not calibrated: lengths in pixels"
    time = f"every {size.dt:g} {size.time_unit}"
    if size.time_unit == "frame" and size.dt == 1:
        time = "times in frames"
    made = f"BTrackMate {record['btrackmate']}"
    if "started" in record:
        made = f"Run of {str(record['started'])[:16].replace('T', ' ')}, {made}"
    frames = "1 frame" if spots.n_frames == 1 else f"{spots.n_frames} frames"
    return f"{frames}, {spots.ndim}D, {scale}, {time}. {made}."


def _to_know(data: ReportData) -> list[dict[str, Any]]:
    """List what a user must know before trusting the tracks: what, and what to do."""
    items = [{"what": "", "do": ""} | item for item in data.record.get("to_know") or []]
    nothing = "No cell was found"
    if not len(data.graph.spots) and not any(nothing in item["what"] for item in items):
        what = f"{nothing}: there is nothing to track in this movie."
        items.insert(0, {"what": what, "do": "Check the channel, the labels and the mask."})
    return items


def _numbers(data: ReportData) -> list[tuple[str, str]]:
    graph = data.graph
    durations = track_durations(graph)
    median = f"{np.median(durations) + 1:g}" if durations.size else "–"
    tiles = [
        (f"{len(graph.spots):,}", "cells (spots)"),
        (f"{graph.n_links:,}", "links"),
        (f"{graph.n_tracks:,}", "tracks"),
        (f"{len(graph.divisions):,}", "divisions"),
        (median, "frames in the median track"),
        (f"{int((graph.track < 0).sum()):,}", "cells in no track"),
    ]
    if len(graph.merges):
        tiles.insert(4, (f"{len(graph.merges):,}", "merges"))
    if data.pruned is not None:
        tiles.append((f"{int((data.pruned['what'] == 'spot').sum()):,}", "spots pruned"))
    if data.dropped is not None:
        tiles.append((f"{len(data.dropped):,}", "cells dropped"))
    return tiles


def _montage(data: ReportData) -> dict[str, Any] | None:
    figure = draw_montage(data)
    if figure is None:
        return None
    words = ["Colours tell tracks apart; daughters share their mother’s; grey: in no track."]
    if data.graph.spots.ndim == 3 and data.labels is not None:
        words.append("In the upper pictures, outlines are those of the cells seen from above.")
    shown = min(MAX_TAILS, data.graph.n_tracks)
    whose = "all tracks"
    if shown < data.graph.n_tracks:
        whose = f"{shown} of {data.graph.n_tracks:,} tracks (those with most divisions, then spots)"
    words.append(f"Tails show the last {TAIL} frames of {whose}.")
    if data.mask is not None:
        words.append("White lines: the border of the tissue mask.")
    words += [
        f"The file of the {role}, {path.name}, is gone and not shown."
        for role, path in data.gone.items()
    ]
    if not data.has_pixels:
        words.append("There is no image: only positions are shown.")
    picture = embed_png(figure, "Frames with outlines and track tails")
    return {"picture": picture, "words": " ".join(words)}


def _plots(data: ReportData) -> list[Embedded]:
    plots = [embed_svg(draw_cells_per_frame(data.graph, data.dropped), "Cells per frame")]
    if data.graph.n_tracks:
        plots.append(embed_svg(draw_track_lengths(data.graph), "Track lengths"))
    displacements = draw_displacements(data.graph, data.linking_limit)
    if displacements is not None:
        plots.append(embed_svg(displacements, "Displacements"))
    return plots


def _lineages(data: ReportData) -> dict[str, Any] | None:
    figure = draw_lineages(data.graph, data.ids)
    if figure is None:
        return None
    shown, total = len(choose_lineages(data.graph)), data.graph.n_tracks
    which = "All tracks are" if shown == total else f"{shown} of {total:,} tracks are"
    rule = "" if shown == total else " (those with most divisions, then most spots)"
    words = f"{which} shown{rule}. The number of each is that in the table of tracks."
    return {"picture": embed_svg(figure, "Lineage trees"), "words": words}


def _tracks(data: ReportData) -> dict[str, Any] | None:
    """Show the tracks worth looking at first, and give the table of all."""
    if not data.graph.n_tracks:
        return None
    table = make_tracks_table(data.graph, data.ids)
    columns = [name for name in _TRACK_COLUMNS if name in table]
    chosen = table.iloc[rank_tracks(data.graph)[:MAX_ROWS]][columns]
    size = data.graph.spots.calibration
    hidden = data.record.get("hidden_tracks_left_out", 0)
    return {
        "total": f"{len(table):,}",
        "file": embed_table(table, TRACK_FEATURES),
        "file_name": TRACK_FEATURES,
        "hidden": f"{hidden:,}" if hidden else "",
        "which": "all" if len(table) <= MAX_ROWS else f"{MAX_ROWS} of {len(table):,}",
        "columns": columns,
        "rows": _list_rows(chosen),
        "units": f"Lengths in {size.space_unit}, speeds in {size.space_unit}/{size.time_unit}.",
    }


def _list_rows(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(table.itertuples(index=False, name=None))


def _losses(data: ReportData) -> list[dict[str, Any]]:
    """Describe what was pruned and dropped; a table that is not known is left out."""
    parts = []
    for title, table, file in (
        ("Pruned (short tracklets)", data.pruned, PRUNED),
        ("Dropped before linking, or with their track", data.dropped, DROPPED),
    ):
        if table is None:
            continue
        counts = table["rule" if "rule" in table else "reason"].value_counts()
        shown = table.dropna(axis="columns", how="all").head(MAX_ROWS)
        more = f"the first {MAX_ROWS} of {len(table):,}; all are"
        parts.append(
            {
                "title": title,
                "total": f"{len(table):,}" if len(table) else "",
                "summary": ", ".join(f"{count:,} {why}" for why, count in counts.items()),
                "which": more if len(table) > MAX_ROWS else "all",
                "file": file,
                "columns": list(shown.columns),
                "rows": _list_rows(shown),
            }
        )
    return parts


def _timing(data: ReportData) -> dict[str, Any] | None:
    steps = data.record.get("timing", [])
    total = sum(step["seconds"] for step in steps)
    if total <= 0:
        return None
    rows = [
        {
            "name": step["step"],
            "seconds": f"{step['seconds']:.1f} s",
            "share": f"{100 * step['seconds'] / total:.1f}",
        }
        for step in steps
    ]
    return {"steps": rows, "total": f"{total:.1f} s"}


def _cost(data: ReportData) -> str:
    """Say what the cells cost in processor time; nothing where the record does not tell."""
    cost = data.record.get("cost", {})
    rate = cost.get("cells_per_core_hour")
    if rate is None:
        return ""
    by = f", with {cost['workers']}" if "workers" in cost else ""
    return (
        f"{rate:,} cells per core-hour: {cost['cells']:,} cells in {cost['core_seconds']:,} s of "
        f"processor time{by}."
    )
