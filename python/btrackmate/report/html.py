"""The report as one HTML file that works offline."""

import html
from pathlib import Path

import numpy as np
import yaml

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
from btrackmate.report.linked_view import make_linked_view
from btrackmate.report.markup import (
    embed_png,
    embed_svg,
    format_value,
    make_download,
    make_section,
    make_table,
)
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
    name = _input_name(data)
    sections = [
        make_section("Scores against the ground truth", _scores(data)),
        make_section("What was tracked", _pictures(data)),
        make_section("Cells and tracks", _plots(data)),
        make_section("Lineages in space and time", make_linked_view(data.graph, data.ids)),
        make_section("Lineages", _lineages(data)),
        make_section("Tracks", _tracks(data)),
        make_section("Analysis", render_analysis(data)),
        make_section("What was pruned and dropped", _losses(data)),
        make_section("Warnings of the run", _warnings(data)),
        make_section("Time spent", _timing(data)),
        make_section("Settings, inputs and versions", _settings(data)),
    ]
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>BTrackMate report: {html.escape(name)}</title><style>{_STYLE}</style></head>"
        f"<body><main><header><h1>{html.escape(name)}</h1>{_subtitle(data)}</header>"
        f"{_to_know(data)}{_numbers(data)}{''.join(sections)}"
        f"<footer>{_footer(data)}</footer></main></body></html>\n"
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
    scale = f"{what} {voxel} {html.escape(size.space_unit)} ({axes})"
    if size.space_unit == "pixel" and set(size.spacing(spots.ndim)) == {1.0}:
        scale = "not calibrated: lengths in pixels"
    time = f"every {size.dt:g} {html.escape(size.time_unit)}"
    if size.time_unit == "frame" and size.dt == 1:
        time = "times in frames"
    made = f"BTrackMate {html.escape(str(record['btrackmate']))}"
    if "started" in record:
        made = f"Run of {html.escape(str(record['started']))[:16].replace('T', ' ')}, {made}"
    frames = "1 frame" if spots.n_frames == 1 else f"{spots.n_frames} frames"
    return f"<p>{frames}, {spots.ndim}D, {scale}, {time}. {made}.</p>"


def _to_know(data: ReportData) -> str:
    """Make the box of what a user must know before trusting the tracks: what, and what to do."""
    items = [dict(item) for item in data.record.get("to_know") or []]
    nothing = "No cell was found"
    if not len(data.graph.spots) and not any(nothing in item.get("what", "") for item in items):
        what = f"{nothing}: there is nothing to track in this movie."
        items.insert(0, {"what": what, "do": "Check the channel, the labels and the mask."})
    lines = "".join(
        f"<li><b>{html.escape(str(item.get('what', '')))}</b>"
        f"<span>{html.escape(str(item.get('do', '')))}</span></li>"
        for item in items
    )
    if not lines:
        return ""
    return f'<aside class="know"><h2>To know before you trust it</h2><ul>{lines}</ul></aside>'


def _numbers(data: ReportData) -> str:
    graph = data.graph
    durations = track_durations(graph)
    median = f"{np.median(durations) + 1:g}" if durations.size else "–"
    tiles = [
        (len(graph.spots), "cells (spots)"),
        (graph.n_links, "links"),
        (graph.n_tracks, "tracks"),
        (len(graph.divisions), "divisions"),
        (median, "frames in the median track"),
        (int((graph.track < 0).sum()), "cells in no track"),
    ]
    if len(graph.merges):
        tiles.insert(4, (len(graph.merges), "merges"))
    if data.pruned is not None:
        tiles.append((int((data.pruned["what"] == "spot").sum()), "spots pruned"))
    if data.dropped is not None:
        tiles.append((len(data.dropped), "cells dropped"))
    cells = "".join(
        f'<div class="tile"><b>{value if isinstance(value, str) else f"{value:,}"}</b>'
        f"<span>{text}</span></div>"
        for value, text in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def _scores(data: ReportData) -> str:
    parts = []
    for table in data.scores:
        head = f"<h3>{html.escape(table['title'])}</h3>"
        note = f'<p class="note">{html.escape(table["note"])}</p>' if table.get("note") else ""
        parts.append(head + make_table(table["columns"], table["rows"]) + note)
    return "".join(parts)


def _warnings(data: ReportData) -> str:
    notes = [html.escape(str(note)) for note in data.record.get("warnings", [])]
    items = "".join(f"<li>{note}</li>" for note in notes)
    return f"<ul>{items}</ul>" if items else ""


def _pictures(data: ReportData) -> str:
    figure = draw_montage(data)
    if figure is None:
        return ""
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
    if not data.has_pixels:
        words.append("There was no image, or its file is gone: only positions are shown.")
    return embed_png(figure, "Frames with outlines and track tails") + (
        f'<p class="note">{" ".join(words)}</p>'
    )


def _plots(data: ReportData) -> str:
    plots = [embed_svg(draw_cells_per_frame(data.graph, data.dropped), "Cells per frame")]
    if data.graph.n_tracks:
        plots.append(embed_svg(draw_track_lengths(data.graph), "Track lengths"))
    displacements = draw_displacements(data.graph, data.linking_limit)
    if displacements is not None:
        plots.append(embed_svg(displacements, "Displacements"))
    return f'<div class="plots">{"".join(plots)}</div>'


def _lineages(data: ReportData) -> str:
    figure = draw_lineages(data.graph, data.ids)
    if figure is None:
        return "<p>No tracks.</p>"
    shown, total = len(choose_lineages(data.graph)), data.graph.n_tracks
    which = "All tracks are" if shown == total else f"{shown} of {total:,} tracks are"
    rule = "" if shown == total else " (those with most divisions, then most spots)"
    words = f"{which} shown{rule}. The number of each is that in the table of tracks."
    return embed_svg(figure, "Lineage trees") + f'<p class="note">{words}</p>'


def _tracks(data: ReportData) -> str:
    """Show the tracks worth looking at first, and give the table of all."""
    if not data.graph.n_tracks:
        return ""
    table = make_tracks_table(data.graph, data.ids)
    columns = [name for name in _TRACK_COLUMNS if name in table]
    chosen = table.iloc[rank_tracks(data.graph)[:MAX_ROWS]][columns]
    rows = [[format_value(value) for value in row] for row in chosen.itertuples(index=False)]
    size = data.graph.spots.calibration
    units = f"Lengths in {html.escape(size.space_unit)}, speeds in {html.escape(size.space_unit)}/"
    units += f"{html.escape(size.time_unit)}."
    link = make_download(table, TRACK_FEATURES)
    whole = (
        f"All {len(table):,} tracks with all features: {link}."
        if link
        else (
            f"All {len(table):,} tracks with all features: {TRACK_FEATURES} of the run folder, or "
            "<code>btrackmate report … --table FILE</code>."
        )
    )
    hidden = data.record.get("hidden_tracks_left_out", 0)
    if hidden:
        whole += f" {hidden:,} tracks that TrackMate hides are left out of this report."
    which = "all" if len(table) <= MAX_ROWS else f"{MAX_ROWS} of {len(table):,}"
    return (
        f"<p>{whole}</p><details><summary>The tracks with most divisions, then most spots "
        f"({which})</summary>{make_table(columns, rows)}<p class='note'>{units}</p></details>"
    )


def _losses(data: ReportData) -> str:
    parts = []
    for title, table, file in (
        ("Pruned (short tracklets)", data.pruned, PRUNED),
        ("Dropped before linking, or with their track", data.dropped, DROPPED),
    ):
        if table is None:
            continue
        if not len(table):
            parts.append(f"<h3>{title}</h3><p>Nothing.</p>")
            continue
        reason = "rule" if "rule" in table else "reason"
        counts = table[reason].value_counts()
        summary = ", ".join(f"{count:,} {html.escape(str(why))}" for why, count in counts.items())
        shown = table.dropna(axis="columns", how="all").head(MAX_ROWS)
        rows = [[format_value(value) for value in row] for row in shown.itertuples(index=False)]
        more = (
            f"the first {MAX_ROWS} of {len(table):,}; all are" if len(table) > MAX_ROWS else "all"
        )
        parts.append(
            f"<h3>{title}</h3><p>{len(table):,}: {summary}.</p>"
            f"<details><summary>The list ({more} in {file})</summary>"
            f"{make_table(list(shown.columns), rows)}</details>"
        )
    return "".join(parts)


def _timing(data: ReportData) -> str:
    steps = data.record.get("timing", [])
    total = sum(step["seconds"] for step in steps)
    if total <= 0:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(step['step'])}</td><td class='num'>{step['seconds']:.1f} s</td>"
        f"<td class='bar'><i style='width:{100 * step['seconds'] / total:.1f}%'></i></td></tr>"
        for step in steps
    )
    return (
        f"<table class='timing'>{rows}<tr><td><b>all</b></td><td class='num'><b>{total:.1f} s"
        "</b></td><td></td></tr></table>"
    )


def _settings(data: ReportData) -> str:
    text = yaml.safe_dump(data.record, sort_keys=False, allow_unicode=True, width=100)
    title = "run.yaml" if _is_run(data) else "What the file says"
    return f"<details><summary>{title}</summary><pre>{html.escape(text)}</pre></details>"


def _footer(data: ReportData) -> str:
    if not _is_run(data):
        return "Made by BTrackMate from the file named above."
    return (
        "Made by BTrackMate from the files beside this one; "
        "<code>tracks.xml</code> opens in Fiji’s TrackMate. "
        f"Engine: {html.escape(str(data.record.get('engine', 'builtin')))}."
    )


def _is_run(data: ReportData) -> bool:
    return "tracks" not in data.record["inputs"]
