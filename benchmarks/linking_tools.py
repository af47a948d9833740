"""The tools that linking.py measures, each as prepare(points, offsets, reach) → run().

`points` are (n, 3) positions in µm, sorted by frame; rows of frame t are offsets[t]:offsets[t + 1].
What `prepare` does is not timed: it brings the points into the form that the tool takes. What
`run` returns is (links, notes), or a function that gives them untimed; links are rows of points.
All look as far as `reach` µm, over one missed frame where they can.
"""

import importlib
import importlib.metadata
import sys
import time
import warnings

import numpy as np

VERSIONED = ("numpy", "scipy", "numba", "laptrack", "trackpy", "btrack")


#: LAP with gap closing and splitting as far as the reach.
GAPS_AND_SPLITS = {
    "linking_max_distance": ...,
    "allow_gap_closing": True,
    "gap_closing_max_distance": ...,
    "max_frame_gap": 2,
    "splitting_max_distance": ...,
}


class ToolMissing(Exception):
    """The tool is not installed, in words."""


def need(name):
    """Import a package or say that it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = f"{name} is not installed ({error})"
        raise ToolMissing(message) from None


def frames_of(offsets):
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def kd_tree_query(points, offsets, reach):
    """Nearest neighbour in the next frame, trees built before."""
    from scipy.spatial import cKDTree

    start = time.process_time()
    parts = np.split(points, offsets[1:-1])
    trees = [cKDTree(part) for part in parts]
    notes = {"build": time.process_time() - start}

    def run():
        for part, tree in zip(parts[:-1], trees[1:], strict=True):
            tree.query(part)
        return [], notes

    return run


def kd_tree_pairs(points, offsets, reach):
    """All pairs within reach, trees built before."""
    from scipy.spatial import cKDTree

    trees = [cKDTree(part) for part in np.split(points, offsets[1:-1])]

    def run():
        for one, other in zip(trees[:-1], trees[1:], strict=True):
            one.sparse_distance_matrix(other, reach, output_type="ndarray")
        return [], {}

    return run


def our_spots(points, offsets):
    """Give btrackmate's table of the points, whose ids are the rows."""
    import pandas as pd

    from btrackmate.core.calibration import Calibration
    from btrackmate.core.spots import Spots

    table = pd.DataFrame(points, columns=["x", "y", "z"])
    table = table.assign(frame=frames_of(offsets), id=np.arange(len(points)))
    return Spots.from_table(table, Calibration(space_unit="µm"), n_frames=len(offsets) - 1)


def our_settings(name, values, reach):
    """Give a tracker's settings; a value of ... is the reach."""
    from btrackmate.tracking.settings import parse_tracker

    reaches = {key: reach for key, value in values.items() if value is ...}
    return parse_tracker(name, values | reaches)


def our_tracker(name, **values):
    """Make the preparation of one of btrackmate's trackers."""

    def prepare(points, offsets, reach):
        from btrackmate.tracking import track

        spots = our_spots(points, offsets)
        settings = our_settings(name, values, reach)

        def run():
            graph = track(spots, settings)
            return lambda: (np.column_stack((graph.source, graph.target)), {})

        return run

    return prepare


def trackmate(points, offsets, reach):
    """Run the real TrackMate's LAP in this process' Java, the spots in its model before."""
    from btrackmate.core.errors import UserError
    from btrackmate.fiji_bridge import FijiSettings, start_fiji
    from btrackmate.fiji_bridge.linking import prepare_trackmate, read_links

    try:
        start_fiji(FijiSettings(memory="8g"))
    except UserError as error:
        raise ToolMissing(str(error)) from None
    work = prepare_trackmate(
        our_spots(points, offsets), our_settings("lap", GAPS_AND_SPLITS, reach)
    )

    def run():
        if not work.execTracking():
            raise RuntimeError(str(work.getErrorMessage()))
        return lambda: (np.column_stack(read_links(work.getModel())[:2]), {})

    return run


def laptrack(second_step):
    """Make the preparation of laptrack, with or without gap closing and splitting."""

    def prepare(points, offsets, reach):
        package = need("laptrack")
        # its frame count of 2 lets a link span 2 frames, i.e. bridge one missed frame
        more = {"gap_closing_cutoff": False, "splitting_cutoff": False}
        if second_step:
            more = {
                "gap_closing_cutoff": reach**2,
                "gap_closing_max_frame_count": 2,
                "splitting_cutoff": reach**2,
            }
        tracker = package.LapTrack(cutoff=reach**2, merging_cutoff=False, **more)
        parts = np.split(points, offsets[1:-1])

        def run():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = tracker.predict(parts)
            return lambda: (
                [[offsets[a[0]] + a[1], offsets[b[0]] + b[1]] for a, b in tree.edges],
                {},
            )

        return run

    return prepare


def trackpy(points, offsets, reach):
    """Run trackpy's link with memory 1; it knows no divisions.

    Where too many points lie within reach of each other it gives up unless it may look less far
    there, its documented remedy.
    """
    package = need("trackpy")
    import pandas as pd

    package.quiet()
    table = pd.DataFrame(points, columns=["x", "y", "z"]).assign(frame=frames_of(offsets))
    table["row"] = np.arange(len(table))

    def run():
        linked = package.link(
            table,
            reach,
            pos_columns=["x", "y", "z"],
            memory=1,
            adaptive_stop=reach / 8,
            adaptive_step=0.95,
        )

        def links():
            ordered = linked.sort_values(["particle", "frame"])
            row, same = ordered["row"].to_numpy(), np.diff(ordered["particle"]) == 0
            return np.column_stack((row[:-1][same], row[1:][same])), {}

        return links

    return run


def btrack(points, offsets, reach):
    """Run btrack with approximate updates and its optimiser, with its documented cell model."""
    package = need("btrack")
    from btrack.io import objects_from_array

    frames = frames_of(offsets)
    rows = np.column_stack((frames, points))
    low, high = points.min(axis=0) - 1, points.max(axis=0) + 1

    def run():
        objects = objects_from_array(rows, default_keys=["t", "x", "y", "z"])
        with package.BayesianTracker(verbose=False) as tracker:
            tracker.configure(_btrack_configuration(package, reach))
            tracker.update_method = package.constants.BayesianUpdates.APPROXIMATE
            tracker.max_search_radius = reach
            tracker.append(objects)
            tracker.volume = tuple(zip(low.tolist(), high.tolist(), strict=True))
            tracker.track(step_size=100)
            tracker.optimize()
            tracks = tracker.tracks
        return lambda: (_btrack_links(tracks), {})

    return run


def _btrack_configuration(package, reach):
    """Constant velocity, and the hypotheses of its example for cells, in µm of these movies."""
    from btrack.models import HypothesisModel, MotionModel

    step = np.eye(6)
    step[:3, 3:] = np.eye(3)
    motion = MotionModel(
        name="cells",
        measurements=3,
        states=6,
        A=step.ravel(),
        H=np.eye(3, 6).ravel(),
        P=15.0 * np.diag([0.1, 0.1, 0.1, 1, 1, 1]).ravel(),
        R=0.5 * np.eye(3).ravel(),
        G=1.5 * np.array([0.5, 0.5, 0.5, 1, 1, 1]),
        dt=1.0,
        accuracy=7.5,
        max_lost=1,
        prob_not_assign=0.001,
    )
    hypotheses = HypothesisModel(
        name="cells",
        hypotheses=["P_FP", "P_init", "P_term", "P_link", "P_branch", "P_dead"],
        lambda_time=5.0,
        lambda_dist=3.0,
        lambda_link=reach / 2,
        lambda_branch=reach,
        eta=1e-10,
        theta_dist=reach,
        theta_time=5.0,
        dist_thresh=reach,
        time_thresh=2.0,
        apop_thresh=5,
        segmentation_miss_rate=0.1,
        apoptosis_rate=0.001,
        relax=True,
    )
    return package.config.TrackerConfig(motion_model=motion, hypothesis_model=hypotheses)


def _btrack_links(tracks):
    """Give links inside tracks, without their dummies, and from parents to children."""
    rows = {track.ID: [row for row in track.refs if row >= 0] for track in tracks}
    links = [pair for row in rows.values() for pair in zip(row[:-1], row[1:], strict=True)]
    for track in tracks:
        if track.parent != track.ID and track.parent in rows and rows[track.ID]:
            links.append((rows[track.parent][-1], rows[track.ID][0]))
    return links


#: All tools by name, in the order of the table.
TOOLS = {
    "KD-tree query": kd_tree_query,
    "KD-tree, all pairs": kd_tree_pairs,
    "nearest": our_tracker("nearest", linking_max_distance=...),
    "lap, frames only": our_tracker(
        "lap", linking_max_distance=..., allow_track_splitting=False, allow_gap_closing=False
    ),
    "lap, gaps + splits": our_tracker("lap", **GAPS_AND_SPLITS),
    "flow": our_tracker("flow", linking_max_distance=..., splitting_max_distance=...),
    "TrackMate, gaps + splits": trackmate,
    "laptrack, frames only": laptrack(second_step=False),
    "laptrack, gaps + splits": laptrack(second_step=True),
    "trackpy": trackpy,
    "btrack": btrack,
}

if __name__ == "__main__":
    try:
        print(importlib.metadata.version(sys.argv[1]))
    except importlib.metadata.PackageNotFoundError:
        sys.exit(1)
