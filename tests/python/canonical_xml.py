"""Compare TrackMate files as trees: nothing lost, nothing added, order of spots and links aside."""

import gzip
import xml.etree.ElementTree as ET
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
REAL_FILES = sorted(
    [
        *DATA.glob("trackmate-xml/*.xml*"),
        *DATA.glob("gpl/*.xml*"),
        DATA / "trackmate-oracle" / "labels_small" / "trackmate.xml.gz",
    ]
)


def parse(path):
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    return ET.fromstring(data, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True)))


def value(text):
    try:
        number = float(text)
    except ValueError:
        return text
    return "NaN" if number != number else number


def identity(node):
    return repr([node[1].get(k) for k in ("ID", "SPOT_SOURCE_ID", "SPOT_TARGET_ID")])


def canonical(element):
    """Give (tag, attributes, text, children): numbers as numbers, white space stripped."""
    tag = element.tag if isinstance(element.tag, str) else "comment"
    attributes = {key: value(text) for key, text in element.attrib.items()}
    text = (element.text or "").strip()
    if tag == "Spot":
        text = [float(number) for number in text.split()]
    children = [canonical(child) for child in element]
    if tag in ("SpotsInFrame", "Track"):
        children.sort(key=identity)
    elif tag == "AllSpots":
        children.sort(key=lambda child: child[0] == "comment")
    return (tag, attributes, text, children)


def differences(a, b, where=""):
    """List what differs between two canonical trees."""
    here = f"{where}/{a[0]}"
    if a[0] != b[0]:
        return [f"{here} became {b[0]}"]
    found = [
        f"{here} {key}: {a[1].get(key)} became {b[1].get(key)}"
        for key in sorted({*a[1], *b[1]})
        if a[1].get(key) != b[1].get(key)
    ]
    if a[2] != b[2]:
        found.append(f"{here}: text {a[2]!r:.80} became {b[2]!r:.80}")
    if len(a[3]) != len(b[3]):
        return [*found, f"{here}: {len(a[3])} children became {len(b[3])}"]
    for child_a, child_b in zip(a[3], b[3], strict=True):
        found += differences(child_a, child_b, here)
    return found
