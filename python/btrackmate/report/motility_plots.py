"""Plots of cycle times, motility, courses around divisions and neighbours."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from btrackmate.analysis.tables import Tables
from btrackmate.core.calibration import Calibration
from btrackmate.core.spots import Spots
from btrackmate.report.plots import (
    COLOURS,
    add_legend,
    draw_band,
    label_feature,
    list_groups,
    new_figure,
    say_n,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_fates(tables: Tables) -> "Figure | None":
    """Plot how tracklets begin and end."""
    table = tables["fates"]
    table = table[table["group"] == table["group"].iloc[0]]
    if not table["n"].sum():
        return None
    figure, axes = new_figure(4.4, 2.2, 2)
    for axis, what, words in zip(
        axes, ("origin", "fate"), ("how tracklets begin", "how tracklets end"), strict=True
    ):
        part = table[table["what"] == what]
        bars = axis.barh(part["value"], part["n"], color=COLOURS[0])
        axis.bar_label(bars, fontsize=7, padding=2)
        axis.invert_yaxis()
        axis.set(xlabel="tracklets")
        axis.set_title(words, fontsize=9, loc="left")
        say_n(axis, f"n = {part['n'].sum():,}")
    return figure


def draw_cycles(tables: Tables, calibration: Calibration) -> "Figure | None":
    """Plot the part of cells that has not divided at each age."""
    curves, times = tables["cycle_curves"], tables["cycle_times"]
    if "movie" in curves:
        together = "all" in set(curves["movie"])
        curves, times = (one[one["movie"] == "all"] if together else one for one in (curves, times))
    times = times[times["n_divided"] > 0]
    if not len(times):
        return None
    figure, (axis,) = new_figure(5.4, 3.2)
    for name, colour in zip(list_groups(times), COLOURS, strict=False):
        row = times[(times["group"] == name) & (times["lost_as"] == "censored")].iloc[0]
        label = f"{'cells' if name == 'all' else name}: n = {row['n']}, {row['n_divided']} divided"
        if np.isfinite(row["median"]):
            label += f", median {row['median']:g} [{row['ci_low']:g}, {row['ci_high']:g}]"
        for way, style in (("censored", "-"), ("event", ":")):
            curve = curves[(curves["group"] == name) & (curves["lost_as"] == way)]
            x, y = curve["time"], curve["undivided"]
            axis.step(x, y, where="post", color=colour, lw=1.5, ls=style,
                      label=label if way == "censored" else None)  # fmt: skip
            if way == "censored":
                axis.fill_between(x, curve["ci_low"], curve["ci_high"], step="post", color=colour,
                                  alpha=0.15, linewidth=0)  # fmt: skip
    axis.set(xlabel=f"time since birth ({calibration.time_unit})", ylabel="part not divided yet",
             ylim=(0, 1.02), xlim=(0, None))  # fmt: skip
    add_legend(axis, loc="lower left")
    say_n(axis, "dotted: cells lost without reason counted as divisions")
    return figure


def draw_motility(tables: Tables, calibration: Calibration, ndim: int) -> "Figure | None":
    """Plot squared displacement with its fits, velocity correlation, turning angles and speed."""
    from matplotlib.ticker import LogLocator, NullFormatter

    msd = tables["msd"]
    if not len(msd) or not (msd["msd"] > 0).any():
        return None
    figure, axes = new_figure(3.9, 3.0, 2, 2)
    for name, colour in zip(list_groups(msd), COLOURS, strict=False):
        _draw_msd(axes[0], tables, name, colour, ndim)
        velocity = tables["velocity_autocorrelation"].query("group == @name and lag > 0")
        zero = tables["velocity_autocorrelation"].query("group == @name and lag == 0")
        scale = zero["correlation"].iloc[0] if len(zero) else np.nan
        error = velocity["correlation_se"] / scale
        part = velocity.assign(low=velocity["normalised"] - error,
                               high=velocity["normalised"] + error)  # fmt: skip
        draw_band(axes[1], part, ("time", "normalised", "low", "high"), colour, name)
        angles = tables["turning_angles"].query("group == @name")
        middle = (angles["angle_from"] + angles["angle_to"]) / 2
        label = f"{name}: n = {angles['n'].sum():,}"
        axes[2].plot(middle, angles["share"], color=colour, marker="o", ms=2.5, label=label)
    time, space = calibration.time_unit, calibration.space_unit
    axes[0].set(xlabel=f"lag ({time})", ylabel=f"mean squared displacement ({space}²)",
                xscale="log", yscale="log")  # fmt: skip
    axes[1].axhline(0, color="0.6", lw=0.8)
    axes[1].set(xlabel=f"lag ({time})", ylabel="velocity autocorrelation (lag 0: 1)")
    aimless = tables["turning_angles"].drop_duplicates("angle_from")
    axes[2].plot((aimless["angle_from"] + aimless["angle_to"]) / 2, aimless["aimless_share"],
                 color="0.5", ls="--", lw=1, label="aimless turns")  # fmt: skip
    axes[2].set(xlabel="turning angle (°)", ylabel="share of turns", xlim=(0, 180), ylim=(0, None))
    _draw_speeds(axes[3], tables["motility"], f"{space}/{time}")
    for ticks in (axes[0].xaxis, axes[0].yaxis):
        ticks.set_major_locator(LogLocator(subs=(1, 2, 5) if ticks is axes[0].xaxis else (1,)))
        ticks.set_minor_formatter(NullFormatter())
    axes[0].xaxis.set_major_formatter("{x:g}")
    for axis in axes[:3]:
        add_legend(axis)
    return figure


def _draw_msd(axis: "Axes", tables: Tables, name: str, colour: str, ndim: int) -> None:
    msd = tables["msd"].query("group == @name and msd > 0")
    if not len(msd):
        return
    fits = tables["motion_fits"].query("group == @name").set_index("parameter")
    value: dict[Any, float] = fits["value"].to_dict()
    label = f"{name}: n = {msd['n_tracklets'].max():,} tracklets"
    part = msd.assign(low=(msd["msd"] - msd["msd_se"]).clip(lower=msd["msd"] / 10),
                      high=msd["msd"] + msd["msd_se"])  # fmt: skip
    draw_band(axis, part, ("time", "msd", "low", "high"), colour, label)
    exponent = value["exponent"]
    if np.isfinite(exponent):
        first, last = float(fits["fit_from"].iloc[0]), float(fits["fit_to"].iloc[0])
        time = np.geomspace(first, last, 30)
        error = fits["error"].to_dict()["exponent"]
        text = f"~ t^α, α = {exponent:.2f} ± {error:.2f} ({first:g} to {last:g})"
        line = 2 * ndim * value["diffusion_coefficient"] * time**exponent
        axis.plot(time, line, color=colour, ls="--", lw=1, label=text)


def _draw_speeds(axis: "Axes", motility: pd.DataFrame, unit: str) -> None:
    speed = motility["mean_speed"].dropna()
    axis.hist(speed, bins=min(40, max(8, int(len(speed) ** 0.5))), color=COLOURS[0],
              edgecolor="white", linewidth=0.5)  # fmt: skip
    axis.set(xlabel=f"mean speed ({unit})", ylabel="tracklets")
    say_n(axis, f"n = {len(speed):,}, median {speed.median():.3g}")


def draw_divisions(tables: Tables, spots: Spots) -> "Figure | None":
    """Plot features around divisions, and the distance of sisters after them."""
    means, sisters = tables["division_means"], tables["sister_means"]
    features = list(dict.fromkeys(means["feature"])) if "feature" in means else []
    plots = [(means[means["feature"] == name], name) for name in features]
    plots = [(part, name) for part, name in plots if len(part)]
    if len(sisters):
        plots.append((sisters, ""))
    if not plots:
        return None
    figure, axes = new_figure(3.9, 2.8, min(len(plots), 2), (len(plots) + 1) // 2)
    for axis in axes[len(plots) :]:
        axis.set_axis_off()
    for axis, (part, feature) in zip(axes, plots, strict=False):
        for name, colour in zip(list_groups(part), COLOURS, strict=False):
            mine = part[part["group"] == name]
            label = f"{name}: n = {mine['n_mothers'].max()} mothers"
            columns = ("time_from_division", "mean", "ci_low", "ci_high")
            draw_band(axis, mine, columns, colour, label)
        if feature:
            axis.axvline(0, color="0.5", lw=0.8, ls="--")
        words = f"distance of sisters ({spots.calibration.space_unit})"
        axis.set(xlabel=f"time from division ({spots.calibration.time_unit})",
                 ylabel=label_feature(feature, spots) if feature else words)  # fmt: skip
        add_legend(axis)
    return figure


def draw_neighbours(tables: Tables, calibration: Calibration) -> "Figure | None":
    """Plot neighbours and their exchange over time."""
    table = tables["crowding"]
    if not len(table) or not table["mean_neighbours"].any():
        return None
    figure, axes = new_figure(3.6, 2.6, 3)
    for name, colour in zip(list_groups(table), COLOURS, strict=False):
        part = table[table["group"] == name]
        label = f"{name}: n = {part['n_cells'].min():,}–{part['n_cells'].max():,} cells"
        for axis, column in zip(
            axes, ("mean_neighbours", "median_nearest_distance", "exchange_rate"), strict=True
        ):
            axis.plot(part["time"], part[column], color=colour, lw=1.3, label=label)
    time, space = calibration.time_unit, calibration.space_unit
    reach = tables["neighbours"]["reach"]
    words = f" within {reach.iloc[0]:.3g} {space}" if len(reach) else ""
    names = (f"neighbours{words}", f"distance to the nearest ({space})",
             f"neighbours exchanged (1/{time})")  # fmt: skip
    for axis, name in zip(axes, names, strict=True):
        axis.set(xlabel=f"time ({time})", ylabel=name, ylim=(0, None))
    add_legend(axes[0])
    return figure
