"""The hash table of compiled loops: keys of 64 bits, none of them 0, which is a free slot."""

from typing import Any

import numpy as np

from btrackmate.core.compiled import njit


@njit(cache=True, nogil=True)
def find_slot(keys: Any, key: Any) -> Any:  # pragma: no cover (compiled)
    """Find the slot that holds a key, or the free one where it belongs, by Fibonacci hashing.

    Parameters
    ----------
    keys : (n,) ndarray of uint64
        n is a power of 2; at least one is 0.
    key : uint64
        Not 0.
    """
    mask = np.uint64(keys.size - 1)
    slot = ((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & mask
    while keys[slot] != np.uint64(0) and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot
