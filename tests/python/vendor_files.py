"""Files as microscopes' programs write them, for tests: Leica's LIF and Nikon's ND2.

Both are written from what is publicly known of the formats: a LIF is an XML text and blocks of
memory that it names; an ND2 is a list of named chunks, a map of them at its end, and its metadata
are records of a type, a name and a value.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

_LIF_BLOCK, _LIF_PART = 0x70, 0x2A


def write_lif(
    path: Path,
    images: dict[str, NDArray[np.uint16]],
    voxel_size: tuple[float, float, float],
    dt: float,
) -> Path:
    """Write images (T, C, Z, Y, X) as a LIF.

    Parameters
    ----------
    path : Path
    images : dict from name to ndarray
    voxel_size : (z, y, x) tuple of float
        In µm.
    dt : float
        In s.
    """
    series = []
    for name, image in images.items():
        series.append(_describe_lif(name, image, voxel_size, dt))
    text = '<LMSDataContainerHeader Version="2"><Element Name="project"><Children>'
    text += "".join(series) + "</Children></Element></LMSDataContainerHeader>"
    with path.open("wb") as file:
        file.write(struct.pack("<IIBI", _LIF_BLOCK, 2 * len(text) + 5, _LIF_PART, len(text)))
        file.write(text.encode("utf-16-le"))
        for name, image in images.items():
            block = f"MemBlock_{name}"
            size = 14 + 2 * len(block)
            head = (_LIF_BLOCK, size, _LIF_PART, image.nbytes, _LIF_PART, len(block))
            file.write(struct.pack("<IIBQBI", *head))
            file.write(block.encode("utf-16-le"))
            # Leica keeps the channels of one slice together.
            file.write(image.transpose(0, 2, 1, 3, 4).astype("<u2").tobytes())
    return path


def _describe_lif(
    name: str, image: NDArray[np.uint16], voxel_size: tuple[float, float, float], dt: float
) -> str:
    n_t, n_c, n_z, n_y, n_x = image.shape
    plane = 2 * n_y * n_x
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" '
        f'NameOfMeasuredQuantity="" Min="0" Max="65535" Unit="" LUTName="{lut}" '
        f'IsLUTInverted="0" BytesInc="{c * plane}" BitInc="0"/>'
        for c, lut in zip(range(n_c), ("Green", "Red", "Blue"), strict=False)
    )
    z, y, x = (size * 1e-6 for size in voxel_size)
    steps = ((1, n_x, x, "m", 2), (2, n_y, y, "m", 2 * n_x), (3, n_z, z, "m", n_c * plane),
             (4, n_t, dt, "s", n_z * n_c * plane))  # fmt: skip
    dimensions = "".join(
        f'<DimensionDescription DimID="{number}" NumberOfElements="{n}" Origin="0" '
        f'Length="{step * (n - 1)!r}" Unit="{unit}" BitInc="0" BytesInc="{inc}"/>'
        for number, n, step, unit, inc in steps
        if n > 1
    )
    return (
        f"<Element Name={quoteattr(name)}><Data><Image><ImageDescription><Channels>{channels}"
        f"</Channels><Dimensions>{dimensions}</Dimensions></ImageDescription></Image></Data>"
        f'<Memory Size="{image.nbytes}" MemoryBlockID="MemBlock_{name}"/></Element>'
    )


_ND2_MAGIC, _ND2_PAGE = 0x0ABECEDA, 4096
_SIGNATURE = b"ND2 FILE SIGNATURE CHUNK NAME01!"
_MAP, _MAP_END = b"ND2 FILEMAP SIGNATURE NAME 0001!", b"ND2 CHUNK MAP SIGNATURE 0000001!"
#: Kinds of an experiment's loops.
_TIME, _PLACES, _SLICES = 1, 2, 4


def write_nd2(
    path: Path,
    image: NDArray[np.uint16],
    voxel_size: tuple[float, float, float] | None,
    dt: float,
    taken: Sequence[float] | None = None,
) -> Path:
    """Write an image (T, C, Z, Y, X), or (P, T, C, Z, Y, X) of several places, as an ND2.

    Parameters
    ----------
    path : Path
    image : ndarray
    voxel_size : (z, y, x) tuple of float, optional
        In µm; y and x are the same in an ND2. Left out, the image is not calibrated.
    dt : float
        In s; 0 is Nikon's "no delay".
    taken : sequence of float, optional
        When each frame was taken, in s.
    """
    places = image[np.newaxis] if image.ndim == 5 else image
    n_p, n_t, n_c, n_z, n_y, n_x = places.shape
    z, _, x = voxel_size or (0.0, 1.0, 1.0)
    attributes = {
        "uiWidth": n_x, "uiWidthBytes": 2 * n_c * n_x, "uiHeight": n_y, "uiComp": n_c,
        "uiBpcInMemory": 16, "uiBpcSignificant": 16, "uiSequenceCount": n_p * n_t * n_z,
        "uiTileWidth": n_x, "uiTileHeight": n_y, "eCompression": 2, "dCompressionParam": 0.0,
        "uiVirtualComponents": n_c,
    }  # fmt: skip
    planes = {
        f"a{c}": {
            "uiCompCount": 1, "uiSampleIndex": c, "sDescription": name, "uiColor": color,
            "pFluorescentProbe": {"m_sName": name},
        }
        for c, name, color in zip(range(n_c), ("GFP", "RFP"), (0x00FF00, 0x0000FF), strict=False)
    }  # fmt: skip
    picture = {
        "dTimeMSec": 0.0, "dTimeAbsolute": 2459000.5, "bCalibrated": voxel_size is not None,
        "dCalibration": x, "dAspect": 1.0, "dObjectiveMag": 20.0, "dObjectiveNA": 0.75,
        "ePictureXAxis": 1, "ePictureYAxis": 1, "dXPos": 0.0, "dYPos": 0.0, "dZPos": 0.0,
        "sPicturePlanes": {"uiCount": n_c, "uiCompCount": n_c, "sPlaneNew": planes},
    }  # fmt: skip
    times_taken = dt * np.arange(n_t) if taken is None else np.asarray(taken)
    times = {"uiCount": n_t, "dStart": 0.0, "dPeriod": 1000 * dt, "dDuration": 1000 * dt * n_t}
    slices = {"uiCount": n_z, "dZLow": 0.0, "dZHigh": z * (n_z - 1), "dZStep": z, "dZHome": 0.0}
    points = {f"p{p}": {"dPosX": 100.0 * p, "dPosY": 0.0, "dPosZ": 0.0} for p in range(n_p)}
    loops: list[tuple[int, int, dict[str, Any]]] = [
        (_TIME, n_t, times), (_PLACES, n_p, {"uiCount": n_p, "Points": points}),
        (_SLICES, n_z, slices),
    ]  # fmt: skip
    experiment: dict[str, Any] = {}
    for kind, count, values in reversed(loops):
        if count > 1:
            inner = {"": experiment} if experiment else {}
            experiment = {"eType": kind, "uLoopPars": values}
            experiment |= {"pItemValid": bytes([1] * count)} if kind == _PLACES else {}
            experiment |= {"ppNextLevelEx": inner} if inner else {}
    # A frame of the file is a slice with its channels, pixel by pixel; slices run fastest.
    frames = places.transpose(1, 0, 3, 4, 5, 2).reshape(-1, n_y, n_x, n_c)
    chunks: list[tuple[str, bytes]] = [
        ("ImageAttributesLV!", _record("SLxImageAttributes", attributes)),
        ("ImageMetadataSeqLV|0!", _record("SLxPictureMetadata", picture)),
        *((f"ImageDataSeq|{n}!", struct.pack("<d", 0.0) + frame.astype("<u2").tobytes())
          for n, frame in enumerate(frames)),
        ("CustomData|AcqTimesCache!",
         (1000 * np.repeat(times_taken, n_p * n_z)).astype("<f8").tobytes()),
    ]  # fmt: skip
    if experiment:
        chunks.append(("ImageMetadataLV!", _record("SLxExperiment", experiment)))
    _write_chunks(path, chunks)
    return path


def _record(name: str, value: object) -> bytes:
    """Write a value, or several by name, as a record of Nikon's metadata."""
    title = (name + "\0").encode("utf-16-le")
    head = bytes([0, len(title) // 2]) + title
    match value:
        case dict():
            items = [_record(one, inner) for one, inner in value.items()]
            begins = np.cumsum([len(head) + 12, *(len(one) for one in items)])
            offsets = begins[:-1].astype("<u8").tobytes()
            length = struct.pack("<IQ", len(items), int(begins[-1]))
            kind, body = 11, length + b"".join(items) + offsets
        case bool():
            kind, body = 1, bytes([value])
        case int():
            kind, body = 3, struct.pack("<I", value)
        case float():
            kind, body = 6, struct.pack("<d", value)
        case bytes():
            kind, body = 9, struct.pack("<Q", len(value)) + value
        case _:
            kind, body = 8, (str(value) + "\0").encode("utf-16-le")
    return bytes([kind]) + head[1:] + body


def _write_chunks(path: Path, chunks: list[tuple[str, bytes]]) -> None:
    """Write named chunks, the pixels of each (after a time) from a new page on, and their map."""
    listed = b""
    with path.open("wb") as file:

        def write(name: bytes, data: bytes, room: int) -> int:
            begin = file.tell()
            file.write(struct.pack("<IIQ", _ND2_MAGIC, room, len(data)))
            file.write(name.ljust(room, b"\0") + data)
            file.write(bytes(-file.tell() % _ND2_PAGE))
            return begin

        write(_SIGNATURE, b"Ver3.0".ljust(64, b"\0"), len(_SIGNATURE))
        for name, data in chunks:
            begin = write(name.encode(), data, _ND2_PAGE - 24)
            listed += name.encode() + struct.pack("<QQ", begin, len(data))
        listed += _MAP_END
        begin = file.tell()
        file.write(struct.pack("<IIQ", _ND2_MAGIC, len(_MAP), len(listed) + 8))
        file.write(_MAP + listed + struct.pack("<Q", begin))
