"""py-ctcmetrics as oracle: writes movies as a CTC folder and scores them there."""

import contextlib
import io

import tifffile


def write_ctc(movie, folder, name, table):
    folder.mkdir(parents=True)
    for t in range(movie.n_frames):
        tifffile.imwrite(folder / f"{name}{t:03}.tif", movie.frame(t), compression=None)
    movie.tracks.to_csv(folder / table, sep=" ", header=False, index=False)


def score_with_ctcmetrics(truth, result, folder):
    from ctc_metrics.scripts.evaluate import evaluate_sequence

    write_ctc(truth, folder / "GT" / "TRA", "man_track", "man_track.txt")
    write_ctc(truth, folder / "GT" / "SEG", "man_seg", "unused.txt")
    write_ctc(result, folder / "RES", "mask", "res_track.txt")
    with contextlib.redirect_stdout(io.StringIO()):
        scores = evaluate_sequence(str(folder / "RES"), str(folder / "GT"), threads=1)
    return {key: None if value is None else float(value) for key, value in scores.items()}
