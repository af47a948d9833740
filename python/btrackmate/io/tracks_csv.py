"""Tracks as CSV: a table of spots and a table of links."""

import csv
import io
import logging
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from btrackmate.core.errors import UserError
from btrackmate.core.files import write_stream
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.csv_cells import read_cells
from btrackmate.io.csv_columns import rename_ambiguous
from btrackmate.io.csv_exports import skip_export_header
from btrackmate.io.csv_fields import read_whole_numbers
from btrackmate.io.csv_formulas import guard_names, guard_table
from btrackmate.io.label_values import LABEL_COLUMNS, hold_label_values
from btrackmate.io.link_order import link_forward
from btrackmate.io.numbers import MAX_EXACT
from btrackmate.io.rows import RowFormat

_log = logging.getLogger(__name__)

_BLOCK = 50_000
#: Of a table of links, what a graph holds.
_LINK_COLUMNS = ("source", "target", "cost", "confidence")
#: TrackMate's names in the table of links that it exports.
_NAMES = {"SPOT_SOURCE_ID": "source", "SPOT_TARGET_ID": "target", "LINK_COST": "cost"}


def write_spots_csv(path: Path, spots: Spots) -> None:
    """Write a spots table, one row a cell and frame, the schema's columns first.

    Features whose names would be read as a column of the schema, as ``T`` or ``vol``, and labels
    that no label image holds, are written under another name; radii and volumes of 0 or less are
    left empty. The log says so.
    """
    write_cells(path, spots.table)
    if names := _name_anew(spots.table):
        shown = ", ".join(f"{name} as {new}" for name, new in names.items())
        _log.warning(
            "%s: features with other columns' names, or with values that are none of theirs, are "
            "written under new ones: %s",
            path,
            shown,
        )
    for name, bad in _find_no_sizes(spots.table).items():
        _log.warning("%s: a %s is above 0: %d are not, and are left empty", path, name, bad.sum())


def write_cells(path: Path, table: pd.DataFrame) -> None:
    """Write a table of cells as :func:`read_spots_csv` takes it; see :func:`write_spots_csv`."""
    if sizes := {name: table[name].mask(bad) for name, bad in _find_no_sizes(table).items()}:
        table = table.assign(**sizes)
    if names := _name_anew(table):
        table = table.rename(columns=names)
    write_table(path, table)


def _find_no_sizes(table: pd.DataFrame) -> "dict[str, pd.Series[bool]]":
    """Tell, of radius and volume, which values are none, where there are such."""
    found = {name: table[name] <= 0 for name in ("radius", "volume") if name in table}
    return {name: bad for name, bad in found.items() if bad.any()}


def _name_anew(table: pd.DataFrame) -> dict[str, str]:
    """Give other names to columns that would be read as what they are not, or be refused."""
    names = rename_ambiguous(list(table.columns))
    for name in LABEL_COLUMNS:
        if name in table and not hold_label_values(table[name]):
            names[name] = f"{name}_property"
    return names


def write_links_csv(path: Path, graph: TrackGraph) -> None:
    """Write the links: source, target (spot ids), cost and, where known, confidence."""
    table: pd.DataFrame = graph.links_table()
    if table["confidence"].isna().all():
        table = table.drop(columns="confidence")
    write_table(path, table)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV: numbers exactly, missing ones as nothing, truths as 1 and 0."""
    bools = {
        name: "Int64" if values.isna().any() else np.int64
        for name, values in table.items()
        if values.dtype.kind == "b"
    }
    table = table.astype(bools)
    plain = (isinstance(dtype, np.dtype) and dtype.kind in "iuf" for dtype in table.dtypes)
    if all(plain):
        with write_stream(path, "wb") as stream:
            _write_rows(stream, table)
    else:  # The slow way: a table with text, or with missing whole numbers.
        with write_stream(path) as stream:
            guard_table(table).to_csv(stream, index=False, lineterminator="\n")


def _write_rows(stream: IO[bytes], table: pd.DataFrame) -> None:
    """Write a table of numbers."""
    head = io.StringIO()
    csv.writer(head, lineterminator="\n").writerow(guard_names(table.columns))
    stream.write(head.getvalue().encode("utf-8"))
    for begin in range(0, len(table), _BLOCK):
        block = table.iloc[begin : begin + _BLOCK]
        rows = RowFormat(len(block), len(table) - begin)
        for number, (_, values) in enumerate(block.items()):
            numbers = values.to_numpy()
            whole = numbers.dtype.kind in "iu"
            if number:
                rows.add_constant(",")
            rows.add("", numbers, is_int=whole, absent=None if whole else np.isnan(numbers))
        rows.add_constant("\n")
        stream.write(rows.render().take(0, len(block)))


def read_links_csv(path: Path, spots: Spots) -> TrackGraph:
    """Read links between spots: columns source, target and perhaps cost and confidence.

    TrackMate's own table of links will do, and Mastodon's. Other columns are left out; the log
    names them.

    Raises
    ------
    UserError
        If the file is missing, lacks a column, or names a spot that is not there.
    """
    cells, _ = skip_export_header(read_cells(path), "SPOT_SOURCE_ID")
    # TrackMate's links have no direction; it writes their ends in the order they were made in.
    directed = "SPOT_SOURCE_ID" not in (name.strip().upper() for name in cells.header)
    make = partial(link_forward, path) if directed else TrackGraph.from_ids
    names = [_NAMES.get(name.strip().upper(), name.strip().lower()) for name in cells.header]
    if cells.ragged:
        row = min(cells.ragged)
        msg = f"{path}, line {cells.lines[row]}: {cells.ragged[row]} fields, expected "
        msg += f"{len(names)}; correct the file"
        raise UserError(msg)
    columns = {}
    places = {name: names.index(name) for name in _LINK_COLUMNS if name in names}
    for name, place in places.items():
        column = cells.columns[place]
        values, is_text = column.read_numbers()
        if is_text.any() and cells.decimal_comma() is not None:
            values, is_text = column.read_numbers(decimal_comma=True)
        whole = name in ("source", "target")
        if whole:
            ids = read_whole_numbers(column, values)
            fits = ids.dtype.kind == "i" or ids < MAX_EXACT
            with np.errstate(invalid="ignore"):  # an infinite id
                is_text = is_text | ~((ids >= 0) & (ids % 1 == 0) & fits)
        bad = np.flatnonzero(is_text)
        if bad.size:
            row = int(bad[0])
            msg = f"{path}, line {cells.lines[row]}: {name} is {column.texts[row].strip()!r}, "
            msg += f"expected a {'spot id' if whole else 'number'}"
            raise UserError(msg)
        columns[name] = ids if whole else values
    if not {"source", "target"} <= set(columns):
        msg = f"{path}: has columns {', '.join(cells.header)}, expected source, target"
        raise UserError(msg)
    left_out = [name for place, name in enumerate(cells.header) if place not in places.values()]
    if left_out:
        _log.warning("%s: columns of links are left out: %s", path, ", ".join(left_out))
    source, target = (columns.pop(name).astype(np.int64) for name in ("source", "target"))
    try:
        return make(spots, source, target, **columns)
    except UserError as error:
        msg = f"{path}: {error}; correct the links"
        raise UserError(msg) from None
