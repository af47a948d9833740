"""Plots of rhythms: series with their spectra, periods found, mothers and daughters, ridges."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from btrackmate.analysis import RhythmSettings, make_spectrum
from btrackmate.analysis.rhythm import choose_series, make_treatment
from btrackmate.analysis.tables import Tables
from btrackmate.analysis.tracklets import Members
from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.report.plots import COLOURS, add_legend, label_feature, new_figure, say_n

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Tracklets whose series and spectrum are shown.
EXAMPLES = 4
_RIDGES = 30


def draw_series(
    graph: TrackGraph, tables: Tables, feature: str, settings: RhythmSettings
) -> "Figure | None":
    """Plot the series and the spectra of the tracklets with the clearest rhythm of a feature."""
    table = tables["rhythm"]
    table = table[table["feature"] == feature].sort_values(["p_value", "tracklet"]).head(EXAMPLES)
    if not len(table):
        return None
    calibration = graph.spots.calibration
    dt, unit = calibration.dt, calibration.time_unit
    rows = table.set_index("tracklet")
    tracklets = tables["tracklets"].set_index("tracklet").loc[sorted(rows.index)]
    usable, _ = choose_series(graph, tracklets, feature, settings, Members.of(graph))
    series = {one.tracklet: one for one in usable}
    figure, axes = new_figure(4.6, 1.9, 2, len(rows))
    for i, (number, row) in enumerate(rows.iterrows()):
        left, right = axes[2 * i : 2 * i + 2]
        one = series[int(str(number))]
        values = np.full(one.present.size, np.nan)
        values[one.present] = one.values
        time = (one.start + np.arange(values.size)) * dt
        left.plot(time, values, color=COLOURS[0], lw=1, marker="o", ms=2.5)
        left.set_ylabel(textwrap.fill(label_feature(feature, graph.spots), 24), fontsize=7)
        left.set_title(f"track {row['track']}, tracklet {number}", fontsize=8, loc="left")
        say_n(left, f"n = {row['n']}")
        frequency, power = make_spectrum(values, dt, make_treatment(settings, dt))
        right.vlines(frequency, 0, power, color=COLOURS[0], lw=1.5)
        if np.isfinite(row["period"]):
            right.axvline(row["dominant_frequency"], color=COLOURS[1], ls="--", lw=1)
            text = f"period {row['period']:.3g} {unit}, p = {row['p_value']:.2g}, "
            say_n(right, text + f"q = {row['q_value']:.2g}")
        right.set(ylabel="power", xlim=(0, 0.5 / dt), ylim=(0, None))
    axes[-2].set(xlabel=f"time ({unit})")
    axes[-1].set(xlabel=f"frequency (1/{unit})")
    return figure


def draw_periods(tables: Tables, calibration: Calibration) -> "Figure | None":
    """Plot the periods found and how sure they are, a plot a feature."""
    table = tables["rhythm"].dropna(subset=["period"])
    features = list(dict.fromkeys(table["feature"]))[:4]
    if not features:
        return None
    figure, axes = new_figure(3.4, 2.6, len(features))
    unit = calibration.time_unit
    for axis, name in zip(axes, features, strict=True):
        part = table[table["feature"] == name]
        sure = part["rhythmic"].to_numpy(bool)
        whole = len(tables["rhythm"].query("feature == @name"))
        for mask, colour, label, marker in (
            (~sure, "0.6", f"no rhythm: {(~sure).sum():,}", "."),
            (sure, COLOURS[1], f"rhythm: {sure.sum():,}", "o"),
        ):
            axis.scatter(part["period"][mask], part["p_value"][mask], color=colour, s=12,
                         marker=marker, label=label, linewidth=0)  # fmt: skip
        axis.set(xlabel=f"period ({unit})", ylabel="p-value", yscale="log")
        axis.set_title(name.replace("_", " "), fontsize=8, loc="left")
        axis.invert_yaxis()
        say_n(axis, f"n = {whole:,}")
        add_legend(axis)
    return figure


def draw_families(tables: Tables, calibration: Calibration) -> "Figure | None":
    """Plot mothers' against daughters' periods, and phases at division, where both are sure."""
    table = tables["rhythm_families"]
    sure = table[(table["mother_q"] < 0.05) & (table["daughter_q"] < 0.05)]
    if len(sure) < 3:
        return None
    figure, axes = new_figure(3.4, 2.9, 2)
    unit = calibration.time_unit
    for name, colour in zip(dict.fromkeys(sure["feature"]), COLOURS, strict=False):
        part = sure[sure["feature"] == name]
        label = f"{name.replace('_', ' ')}: n = {len(part)}"
        axes[0].scatter(part["mother_period"], part["daughter_period"], s=14, color=colour,
                        alpha=0.7, linewidth=0, label=label)  # fmt: skip
        axes[1].hist(part["phase_at_division"], bins=np.linspace(-np.pi, np.pi, 13).tolist(),
                     histtype="step", color=colour, lw=1.4, label=label)  # fmt: skip
    low, high = axes[0].get_xlim()
    axes[0].plot([low, high], [low, high], color="0.6", lw=0.8)
    axes[0].set(xlabel=f"mother's period ({unit})", ylabel=f"daughter's period ({unit})")
    axes[1].set(xlabel="mother's phase at division (rad, 0: maximum)", ylabel="divisions")
    add_legend(axes[0])
    return figure


def draw_ridges(tables: Tables, calibration: Calibration) -> "Figure | None":
    """Plot the period over time (wavelet ridges) of the longest tracklets, a plot a feature."""
    table = tables.get("rhythm_ridges")
    if table is None or not len(table):
        return None
    features = list(dict.fromkeys(table["feature"]))[:3]
    figure, axes = new_figure(3.9, 2.7, len(features))
    for axis, name in zip(axes, features, strict=True):
        part = table[table["feature"] == name]
        longest = part.groupby("tracklet").size().sort_values(ascending=False, kind="stable")
        for number in longest.index[:_RIDGES]:
            mine = part[part["tracklet"] == number]
            axis.plot(mine["time"], mine["period"].where(mine["inside"]), lw=0.9, alpha=0.8)
        axis.set(xlabel=f"time ({calibration.time_unit})",
                 ylabel=f"period ({calibration.time_unit})", ylim=(0, None))  # fmt: skip
        axis.set_title(name.replace("_", " "), fontsize=8, loc="left")
        say_n(axis, f"{min(_RIDGES, len(longest))} of {len(longest):,} tracklets")
    return figure
