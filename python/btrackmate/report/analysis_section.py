"""The report's section on the analysis of tracks: numbers, pictures, tables to take away."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from btrackmate.analysis import AnalysisSettings, analyse_tracks
from btrackmate.analysis.tables import Tables
from btrackmate.report.analysis_plots import draw_analysis
from btrackmate.report.data import ReportData
from btrackmate.report.markup import embed_png, embed_table, format_value, render

#: Frames that a tracklet must have for the section to be made.
_SHORTEST = 8
#: Pictures of each part, by the start of their names, and what must be known to read them.
_PARTS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "Beginnings, ends and cell cycles": (
        ("fates", "cycle_times"),
        "Cells that the movie's end or the image border cuts off are censored, not short "
        "(Kaplan–Meier, 95 % band). Cells that are lost without a reason bias it most where they "
        "are lost as they divide: dotted, they count as divisions; the truth lies between.",
    ),
    "Rhythms": (
        ("periods", "series_", "rhythm_families", "rhythm_ridges"),
        "Each tracklet has its own frequencies. p: probability of a peak as high above noise in "
        "which each value depends on the one before (AR(1)); q: corrected over the tracklets. "
        "Shown are the tracklets with the lowest p, whether they have a rhythm or not.",
    ),
    "Distance to the tissue's boundary": (
        ("boundary_distance", "boundary_ends"),
        "Inside the tissue distances are positive, outside negative. Mothers are green circles, "
        "daughters red triangles; open: start, filled: end.",
    ),
    "Motility": (
        ("motility",),
        "Pairs of places count by the frames between them, gaps or not. Bands: standard error, "
        "tracklets being the independent units.",
    ),
    "Around divisions": (
        ("divisions",),
        "Mean of mothers (left of 0) and of their daughters (right); band: 95 %, bootstrap over "
        "mothers.",
    ),
    "Neighbours": (("neighbours",), "Neighbours that divide are not lost, nor are untracked ones."),
    "Lineages by feature": (("lineages_",), "Colours end at the 2nd and 98th percentile."),
}  # fmt: skip
_TABLES = ("tracklets", "rhythm", "motility", "msd", "motion_fits", "cycle_times", "summary",
           "boundary_approach", "neighbours", "left_out")  # fmt: skip


def render_analysis(data: ReportData) -> Markup:
    """Render the section; empty where all tracklets are too short for it."""
    settings = data.analysis or AnalysisSettings.model_validate({})
    tables = data.tables
    if tables is None:
        longest = data.graph.tracklets["n_spots"].max() if len(data.graph.tracklets) else 0
        if longest < _SHORTEST:
            return Markup()
        tables = analyse_tracks(data.tracked, settings)
    figures = data.pictures or draw_analysis(data.graph, tables, settings, data.ids)
    parts = []
    for title, (starts, words) in _PARTS.items():
        names = [name for start in starts for name in figures if name.startswith(start)]
        pictures = [
            embed_png(figures[name], name.replace("_", " ")) for name in dict.fromkeys(names)
        ]
        if pictures:
            parts.append({"title": title, "pictures": pictures, "words": words})
    files = [embed_table(tables[name], f"{name}.csv") for name in _TABLES if name in tables]
    return render(
        "analysis.html",
        numbers=_list_numbers(tables, data.graph.spots.calibration.time_unit),
        parts=parts,
        left_out=_count_left_out(tables["left_out"]),
        files=[file for file in files if file is not None],
    )


def _list_numbers(tables: Tables, time_unit: str) -> list[str]:
    times = tables["cycle_times"].query("group == 'all'").set_index("lost_as")
    rhythm = tables["rhythm"]
    items = [f"{len(tables['tracklets']):,} tracklets"]
    if len(times) and times["n"].iloc[0]:
        row = times.loc["censored"]
        both = [format_value(value) for value in times["median"].tolist()]
        items.append(
            f"of {row['n']:,} cells born in the movie {row['n_divided']:,} divide, "
            f"{row['n_cut_off']:,} are cut off and {row['n_lost']:,} end without a reason; median "
            f"cycle {both[0]} {time_unit} with these censored, {both[1]} with them as divisions "
            "(–: not reached)"
        )
    for feature, part in rhythm.groupby("feature", sort=False):
        n = int(part["rhythmic"].sum())
        median = part.loc[part["rhythmic"].astype(bool), "period"].median()
        text = f"{n:,} of {len(part):,} tracklets have a rhythm of {feature}"
        items.append(text + (f", median period {median:.3g} {time_unit}" if n else ""))
    return items


def _count_left_out(left_out: pd.DataFrame) -> dict[str, Any] | None:
    if not len(left_out):
        return None
    counts = left_out.groupby(["analysis", "reason"], sort=False).size().reset_index(name="n")
    total = left_out["tracklet"].nunique()
    return {"total": f"{total:,}", "rows": counts.to_numpy().tolist()}
