"""The report as one HTML file that works offline."""

import base64
import html
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from btrackmate.core.files import write_atomically
from btrackmate.report.data import ReportData, load_run
from btrackmate.report.figures import (
    choose_lineages,
    draw_cells_per_frame,
    draw_lineages,
    draw_track_lengths,
    track_durations,
)
from btrackmate.report.montage import draw_montage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_ROWS = 30
_STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")


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
    data = load_run(folder)
    text = render_report(data)
    path = folder / "report.html"
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def render_report(data: ReportData) -> str:
    """Render the report as HTML text."""
    name = _input_name(data)
    sections = [
        _section("Scores against the ground truth", _scores(data)),
        _section("To know before you trust it", _notes(data)),
        _section("What was tracked", _pictures(data)),
        _section("Cells and tracks", _plots(data)),
        _section("Lineages", _lineages(data)),
        _section("What was pruned and dropped", _losses(data)),
        _section("Time spent", _timing(data)),
        _section("Settings, inputs and versions", _settings(data)),
    ]
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>BTrackMate report: {html.escape(name)}</title><style>{_STYLE}</style></head>"
        f"<body><main><header><h1>{html.escape(name)}</h1>{_subtitle(data)}</header>"
        f"{_numbers(data)}{''.join(sections)}"
        f"<footer>{_footer(data)}</footer></main></body></html>\n"
    )


def _input_name(data: ReportData) -> str:
    inputs = data.record["inputs"]
    main = inputs.get("image") or inputs.get("labels") or inputs.get("spots")
    return Path(main["path"]).name


def _subtitle(data: ReportData) -> str:
    spots, record = data.graph.spots, data.record
    size = spots.calibration
    voxel = " × ".join(f"{value:g}" for value in size.spacing(spots.ndim))
    axes = "z × y × x" if spots.ndim == 3 else "y × x"
    return (
        f"<p>{spots.n_frames} frames, {spots.ndim}D, voxel {voxel} {html.escape(size.space_unit)} "
        f"({axes}), every {size.dt:g} {html.escape(size.time_unit)}. "
        f"Run of {html.escape(str(record['started']))[:16].replace('T', ' ')}, "
        f"BTrackMate {html.escape(str(record['btrackmate']))}.</p>"
    )


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
        (_removed_spots(data), "spots pruned"),
        (len(data.dropped), "cells dropped"),
    ]
    cells = "".join(
        f'<div class="tile"><b>{value if isinstance(value, str) else f"{value:,}"}</b>'
        f"<span>{text}</span></div>"
        for value, text in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def _removed_spots(data: ReportData) -> int:
    return int((data.pruned["what"] == "spot").sum())


def _scores(data: ReportData) -> str:
    parts = []
    for table in data.scores:
        head = f"<h3>{html.escape(table['title'])}</h3>"
        note = f'<p class="note">{html.escape(table["note"])}</p>' if table.get("note") else ""
        parts.append(head + _table(table["columns"], table["rows"]) + note)
    return "".join(parts)


def _notes(data: ReportData) -> str:
    notes = [html.escape(str(note)) for note in data.record.get("warnings", [])]
    if not len(data.graph.spots):
        notes.insert(0, "<b>No cell was found</b>: there is nothing to track in this movie.")
    items = "".join(f"<li>{note}</li>" for note in notes)
    return f"<ul>{items}</ul>" if items else ""


def _pictures(data: ReportData) -> str:
    figure = draw_montage(data)
    if figure is None:
        return ""
    missing = ""
    if data.image is None and data.labels is None:
        missing = " The run had no image, or its files are gone, so only positions are shown."
    return _png(figure, "Frames with outlines and track tails") + (
        '<p class="note">Colours tell tracks apart; daughters share their mother’s. In the '
        "projections, outlines are those of the cells seen from above and tails show the last "
        f"8 frames; grey cells are in no track.{missing}</p>"
    )


def _plots(data: ReportData) -> str:
    left = _svg(draw_cells_per_frame(data.graph, data.dropped), "Cells per frame")
    right = _svg(draw_track_lengths(data.graph), "Track lengths") if data.graph.n_tracks else ""
    return f'<div class="pair">{left}{right}</div>'


def _lineages(data: ReportData) -> str:
    figure = draw_lineages(data.graph)
    if figure is None:
        return "<p>No tracks.</p>"
    shown, total = len(choose_lineages(data.graph)), data.graph.n_tracks
    which = "All tracks are" if shown == total else f"{shown} of {total} tracks are"
    rule = "" if shown == total else " (those with most divisions, then most spots)"
    return _svg(figure, "Lineage trees") + f'<p class="note">{which} shown{rule}.</p>'


def _losses(data: ReportData) -> str:
    parts = []
    for title, table, file in (
        ("Pruned (short tracklets)", data.pruned, "pruned.csv"),
        ("Dropped before linking, or with their track", data.dropped, "dropped.csv"),
    ):
        if not len(table):
            parts.append(f"<h3>{title}</h3><p>Nothing.</p>")
            continue
        reason = "rule" if "rule" in table else "reason"
        counts = table[reason].value_counts()
        summary = ", ".join(f"{count:,} {html.escape(str(why))}" for why, count in counts.items())
        shown = table.dropna(axis="columns", how="all").head(MAX_ROWS)
        rows = [[_format(value) for value in row] for row in shown.itertuples(index=False)]
        more = (
            f"the first {MAX_ROWS} of {len(table):,}; all are" if len(table) > MAX_ROWS else "all"
        )
        parts.append(
            f"<h3>{title}</h3><p>{len(table):,}: {summary}.</p>"
            f"<details><summary>The list ({more} in {file})</summary>"
            f"{_table(list(shown.columns), rows)}</details>"
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
    return f"<details><summary>run.yaml</summary><pre>{html.escape(text)}</pre></details>"


def _footer(data: ReportData) -> str:
    return (
        "Made by BTrackMate from the files beside this one; "
        "<code>tracks.xml</code> opens in Fiji’s TrackMate. "
        f"Engine: {html.escape(str(data.record.get('engine', 'builtin')))}."
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>" if body else ""


def _table(columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=num' if _is_number(value) else ''}>{html.escape(_format(value))}</td>"
            for value in row
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _is_number(value: Any) -> bool:
    if isinstance(value, int | float):
        return True
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _format(value: Any) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}" if not value.is_integer() else f"{value:g}"
    return str(value)


def _svg(figure: "Figure", title: str) -> str:
    import matplotlib as mpl

    stream = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "btrackmate"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return _image(stream.getvalue(), "image/svg+xml", title)


def _png(figure: "Figure", title: str) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130, metadata={"Software": None})
    return _image(stream.getvalue(), "image/png", title)


def _image(content: bytes, kind: str, title: str) -> str:
    code = base64.b64encode(content).decode("ascii")
    return f'<img alt="{html.escape(title)}" src="data:{kind};base64,{code}">'
