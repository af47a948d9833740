"""Chunks of Zarr arrays that are damaged: refused, whatever they are compressed with, or told."""

from pathlib import Path

import numcodecs
import numpy as np
import pandas as pd
import pytest
import zarr
from zarr.codecs import BloscCodec, ZstdCodec

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.geff import write_geff
from btrackmate.io.geff_reader import read_geff
from btrackmate.io.images import open_movie

V2 = {
    "blosc": numcodecs.Blosc("lz4"),
    "gzip": numcodecs.GZip(),
    "lzma": numcodecs.LZMA(),
    "zlib": numcodecs.Zlib(),
    "zstd": numcodecs.Zstd(),
    "none": None,
}
PIXELS = np.random.default_rng(0).integers(0, 9, (2, 20, 20)).astype(np.uint16)


def make(path, codec, version):
    """Write two frames, and give the file of the second."""
    given = {"compressors": codec, "chunks": (1, 20, 20), "zarr_format": version}
    zarr.create_array(path, data=PIXELS, **given)
    return next(p for p in path.rglob("*") if p.parts[-3:] == ("1", "0", "0") or p.name == "1.0.0")


@pytest.mark.parametrize(
    ("codec", "version"),
    [*((codec, 2) for codec in V2.values()), (BloscCodec(cname="zstd"), 3), (ZstdCodec(), 3)],
    ids=[*V2, "blosc-3", "zstd-3"],
)
def test_cut_chunks_are_refused(tmp_path, codec, version):
    """Blosc would read on behind the end, in memory; some raise what is no ValueError."""
    chunk = make(tmp_path / "a.zarr", codec, version)
    whole = chunk.read_bytes()
    for length in (0, 1, 15, 16, len(whole) // 2, len(whole) - 1):
        chunk.write_bytes(whole[:length])
        with open_movie(tmp_path / "a.zarr", axes="TYX") as movie:
            np.testing.assert_array_equal(np.squeeze(movie.frame(0)), PIXELS[0])
            with pytest.raises(UserError, match="not readable as an OME-Zarr image"):
                movie.frame(1)
    chunk.write_bytes(whole)
    with open_movie(tmp_path / "a.zarr", axes="TYX") as movie:
        np.testing.assert_array_equal(np.squeeze(movie.frame(1)), PIXELS[1])


def test_a_cut_chunk_of_blosc_is_named(tmp_path):
    chunk = make(tmp_path / "a.zarr", V2["blosc"], 2)
    chunk.write_bytes(chunk.read_bytes()[:40])
    with open_movie(tmp_path / "a.zarr", axes="TYX") as movie:
        with pytest.raises(UserError, match=r"chunk 1\.0\.0 holds 40 of \d+ bytes"):
            movie.frame(1)


@pytest.mark.parametrize("damage", ["gone", "empty"])
def test_shards_that_are_not_there_are_told(tmp_path, caplog, damage):
    path = tmp_path / "a.zarr"
    zarr.create_array(path, data=PIXELS, shards=(1, 20, 20), chunks=(1, 10, 20))
    open_movie(path, axes="TYX").close()
    assert "not there" not in caplog.text
    shard = path / "c/1/0/0"
    if damage == "gone":
        shard.unlink()
    else:
        shard.write_bytes(b"")
    open_movie(path, axes="TYX").close()
    assert "1 of 2 chunks are not there" in caplog.text


def test_cut_chunks_of_a_graph_are_refused(tmp_path):
    path = tmp_path / "t.geff"
    table = pd.DataFrame({"id": [1, 2], "frame": [0, 1], "x": [1.5, 2.5], "y": 0.0, "z": 0.0})
    spots = Spots.from_table(table, Calibration(1.0, 1.0, 1.0, 1.0, "µm", "min"))
    write_geff(path, TrackGraph.from_links(spots, np.array([0]), np.array([1])))
    places = path / "nodes/props/x/values"
    values = zarr.open_array(places, mode="r")[:]
    zarr.create_array(places, data=values, zarr_format=2, compressors=V2["blosc"], overwrite=True)
    assert read_geff(path).spots.table["x"].tolist() == values.tolist()
    (places / "0").write_bytes((places / "0").read_bytes()[:30])
    with pytest.raises(UserError, match="holds 30 of"):
        read_geff(path)


@pytest.mark.parametrize("layout", ["series", "multiscales"])
def test_images_that_are_not_read_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, layout: str
) -> None:
    """As bioformats2raw writes the series of a microscope's file."""
    axes = [{"name": name, "type": "space"} for name in "yx"]
    images = [{"name": name, "axes": axes, "datasets": [{"path": name}]} for name in ("0", "a")]
    group = zarr.open_group(tmp_path / "m.zarr", mode="w", zarr_format=2)
    if layout == "series":
        group.attrs["bioformats2raw.layout"] = 3
        for number in ("0", "1", "10"):
            inner = group.create_group(number)
            inner.attrs["multiscales"] = images[:1]
            inner.create_array("0", shape=(4, 5), dtype="u1")[:] = 1
    else:
        group.attrs["multiscales"] = images
        for name in ("0", "a"):
            group.create_array(name, shape=(4, 5), dtype="u1")[:] = 1
    with open_movie(tmp_path / "m.zarr") as movie:
        assert movie.shape == (1, 1, 1, 4, 5)
    told = {"series": "holds 3 images; the first is read, not", "multiscales": "not a"}[layout]
    assert told in caplog.text
