"""The AllSpots section of a TrackMate file."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.spots import Spots
from btrackmate.io.numbers import format_numbers
from btrackmate.io.rows import NO_ROWS, RowFormat, Rows
from btrackmate.io.trackmate.declarations import Declaration
from btrackmate.io.trackmate.document import TrackMateDocument
from btrackmate.io.trackmate.feature_table import add_attribute
from btrackmate.io.trackmate.write_tree import (
    Piece,
    Utf8Writer,
    escape_attribute,
    write_element,
)

_BLOCK = 20_000
#: Features that TrackMate reads from every spot; see the notes of :func:`write_trackmate`.
NEEDED = ("quality", "radius")

Extras = Mapping[tuple[str, int], Sequence[Element]]


def write_spots(
    spots: Spots, columns: Mapping[str, Declaration], document: TrackMateDocument | None
) -> Iterator[Piece]:
    """Yield the SpotsInFrame elements as text, formatted in blocks of some frames."""
    extras: Extras = document.extras if document else {}
    offsets = spots.frame_offsets
    frames = set(np.unique(spots.frame).tolist())
    frames |= {f for f in document.frames if f < spots.n_frames} if document else set()
    rows = NO_ROWS
    begin = end = 0
    for frame in sorted(frames):
        first, last = int(offsets[frame]), int(offsets[frame + 1])
        inner = extras.get(("frame", frame), ())
        if first == last and not inner:
            yield f'      <SpotsInFrame frame="{frame}" />\n'
            continue
        if last > end:
            stop = (
                int(offsets[np.searchsorted(offsets, first + _BLOCK)])
                if _more(offsets, first)
                else len(spots)
            )
            begin, end = first, max(stop, last)
            rows = _format_spots(spots, columns, document, begin, end)
        yield f'      <SpotsInFrame frame="{frame}">\n'
        yield rows.take(first - begin, last - begin)
        yield from render_extras(inner, 4)
        yield "      </SpotsInFrame>\n"
    yield from render_extras(extras.get(("spots", 0), ()), 3)


def _more(offsets: NDArray[np.int64], first: int) -> bool:
    return bool(offsets[-1] >= first + _BLOCK)


def _format_spots(
    spots: Spots,
    columns: Mapping[str, Declaration],
    document: TrackMateDocument | None,
    begin: int,
    end: int,
) -> Rows:
    """Format the rows `begin` to `end` of the spots table as Spot elements."""
    table = spots.table.iloc[begin:end]
    ids = spots.id[begin:end]
    names = document.spot_names if document else {}
    rows = RowFormat(ids.size, len(spots) - begin)
    rows.add('        <Spot ID="', ids, '"', is_int=True)
    if names:
        named = [names.get(i) for i in ids.tolist()]
        rows.add_text(
            [
                f' name="ID{i}"' if name is None else f' name="{escape_attribute(name)}"'
                for i, name in zip(ids.tolist(), named, strict=True)
            ]
        )
    else:
        rows.add(' name="ID', ids, '"', is_int=True)
    add_attribute(rows, "FRAME", spots.frame[begin:end], is_int=True)
    for name, declaration in columns.items():
        values, absent = _column_values(name, table[name], ids, document)
        add_attribute(rows, declaration.key, values, is_int=declaration.is_int, absent=absent)
    _add_missing(rows, columns, ids, document)
    _add_tails(rows, spots, ids, document)
    return rows.render()


def _column_values(
    name: str,
    values: "pd.Series[Any]",
    ids: NDArray[np.int64],
    document: TrackMateDocument | None,
) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    if values.dtype == object or pd.api.types.is_string_dtype(values):
        return values.astype(object).where(values.notna(), None).to_numpy(object), None
    if pd.api.types.is_bool_dtype(values) and not values.isna().any():
        return values.to_numpy(np.int64), None
    if values.dtype.kind in "iu" and isinstance(values.dtype, np.dtype):
        return values.to_numpy(), None
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    if name in NEEDED:
        return numbers, None
    absent = np.isnan(numbers)
    if document is not None and name in document.explicit_nan:
        absent &= ~np.isin(ids, document.explicit_nan[name])
    return numbers, absent


def _add_missing(
    rows: RowFormat,
    columns: Mapping[str, Declaration],
    ids: NDArray[np.int64],
    document: TrackMateDocument | None,
) -> None:
    """Write what TrackMate needs of every spot, and what the document calls "NaN" throughout."""
    for name in NEEDED:
        if name not in columns:
            rows.add_constant(f' {name.upper()}="NaN"')
    if not any(d.key == "VISIBILITY" for d in columns.values()):
        rows.add_constant(' VISIBILITY="1"')
    if document is not None:
        for name, named in document.explicit_nan.items():
            if name not in columns and name not in NEEDED:
                text = f' {document.column_keys[name]}="NaN"'
                rows.add_text([text if there else "" for there in np.isin(ids, named).tolist()])


def _add_tails(
    rows: RowFormat, spots: Spots, ids: NDArray[np.int64], document: TrackMateDocument | None
) -> None:
    """Close the Spot elements, with outlines and unknown children where there are any."""
    children: Extras = document.extras if document else {}
    if not spots.contours and not children:
        rows.add_constant(" />\n")
        return
    tails = [" />\n"] * ids.size
    for row, i in enumerate(ids.tolist()):
        outline = spots.contours.get(i)
        inner = "".join(render_extras(children.get(("spot", i), ()), 5))
        if outline is not None:
            text = " ".join(format_numbers(outline.ravel()))
            tails[row] = f' ROI_N_POINTS="{len(outline)}">{text}{inner}</Spot>\n'
        elif inner:
            tails[row] = f">\n{inner}        </Spot>\n"
    rows.add_text(tails)


def render_extras(elements: Sequence[Element], depth: int) -> Iterator[str]:
    """Yield elements that TrackMate does not write as text, indented to their level."""
    for element in elements:
        stream = io.BytesIO()
        write_element(element, Utf8Writer(stream), {}, depth)
        yield stream.getvalue().decode("utf-8")
