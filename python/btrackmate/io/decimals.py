"""Compiled loops: many numbers to text, the shortest decimals, and from text, exactly.

Notes
-----
Writing: a number c·2^q is scaled by a power of ten that is known to 128 bits, so that the shortest
decimal inside the interval that rounds to it can be read off its integer part (Schubfach). Numbers
from 10⁻⁵ to below 10¹⁶ are written without an exponent, as the JSON writer does
(:func:`btrackmate.io.numbers.format_numbers`, whose texts these are).

Reading: the digits times that power give 128 bits and an error below the last one, which settles
how they are rounded; where it does not, the caller is told.

References
----------
R. Giulietti, The Schubfach way to render doubles, 2021. D. Lemire, Number parsing at a gigabyte per
second, 2021, doi:10.1002/spe.2984.
"""

from typing import Any

import numpy as np

from btrackmate.core.compiled import njit

#: Kinds of columns: what their 64 bits are.
FLOAT, WHOLE, TEXT, NOTHING = range(4)
#: Bytes of the longest number.
LONGEST = 25

_FIRST, _LAST = -292, 324


def _make_powers() -> "np.ndarray[tuple[int, int], np.dtype[np.uint64]]":
    """Give ⌈10^k·2^−r⌉ for k from `_FIRST` on, with r such that it has 128 bits: high, low."""
    rows = []
    for k in range(_FIRST, _LAST + 1):
        top, bottom = (10**k, 1) if k >= 0 else (1, 10**-k)
        shift = ((k * 1741647) >> 19) - 127
        top, bottom = (top, bottom << shift) if shift >= 0 else (top << -shift, bottom)
        power = -(-top // bottom)
        rows.append((power >> 64, power & (2**64 - 1)))
    return np.array(rows, np.uint64)


_POWERS = _make_powers()
_TENS = np.uint64(10) ** np.arange(20, dtype=np.uint64)
_ZERO, _ONE, _TWO, _FOUR, _TEN = (np.uint64(n) for n in (0, 1, 2, 4, 10))
_EIGHT, _HUNDRED, _TEN_THOUSAND = np.uint64(8), np.uint64(100), np.uint64(10_000)
_EIGHT_DIGITS, _DIGIT = np.uint64(10**8), np.uint64(48)
#: The texts of 00 to 99.
_PAIRS = np.frombuffer(b"".join(b"%02d" % n for n in range(100)), np.uint8)
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
_MANTISSA, _HIDDEN = np.uint64(2**52 - 1), np.uint64(2**52)
_TOP, _FULL = np.uint64(2**63), np.uint64(10**18)
_NAN_BITS = int(np.array(np.nan).view(np.int64))
_MINUS, _NAN, _INFINITY = ord("-"), b"NaN", b"Infinity"


@njit(cache=True, nogil=True)
def _multiply(a: Any, b: Any) -> Any:  # pragma: no cover (compiled)
    """Give the high and the low 64 bits of a product."""
    a_low, a_high, b_low, b_high = a & _LOW, a >> _HALF, b & _LOW, b >> _HALF
    first = a_high * b_low + ((a_low * b_low) >> _HALF)
    second = a_low * b_high + (first & _LOW)
    return a_high * b_high + (first >> _HALF) + (second >> _HALF), a * b


@njit(cache=True, nogil=True)
def _scale(high: Any, low: Any, c: Any) -> Any:  # pragma: no cover (compiled)
    """Give c × power / 2^128, the last bit set where that is not whole."""
    carried, _ = _multiply(low, c)
    top, rest = _multiply(high, c)
    total = rest + carried
    if total < rest:
        top += _ONE
    return top | _ONE if total > _ONE else top


@njit(cache=True, nogil=True)
def _shorten(fraction: Any, exponent: Any) -> Any:  # pragma: no cover (compiled)
    """Give digits and exponent of the shortest decimal of a number above 0, of its own bits."""
    if exponent != 0:
        c, q = fraction | _HIDDEN, exponent - 1075
        if -53 < q <= 0 and c & ((_ONE << np.uint64(-q)) - _ONE) == _ZERO:
            return c >> np.uint64(-q), 0
    else:
        c, q = fraction, -1074
    odd = c & _ONE
    closer = fraction == _ZERO and exponent > 1
    k = (q * 1262611 - (524031 if closer else 0)) >> 22
    h = np.uint64(q + ((-k * 1741647) >> 19) + 1)
    high, low = _POWERS[-k - _FIRST, 0], _POWERS[-k - _FIRST, 1]
    lower = _scale(high, low, (_FOUR * c - (_ONE if closer else _TWO)) << h) + odd
    middle = _scale(high, low, (_FOUR * c) << h)
    upper = _scale(high, low, (_FOUR * c + _TWO) << h) - odd
    digits = middle >> _TWO
    if digits >= _TEN:
        fewer = digits // _TEN
        below, above = lower <= _FOUR * _TEN * fewer, _FOUR * _TEN * (fewer + _ONE) <= upper
        if below != above:
            return fewer + (_ONE if above else _ZERO), k + 1
    below, above = lower <= _FOUR * digits, _FOUR * (digits + _ONE) <= upper
    if below != above:
        return digits + (_ONE if above else _ZERO), k
    half = _FOUR * digits + _TWO
    up = middle > half or (middle == half and digits & _ONE == _ONE)
    return digits + (_ONE if up else _ZERO), k


@njit(cache=True, nogil=True)
def _count_digits(number: Any) -> Any:  # pragma: no cover (compiled)
    """Count the digits of a whole number; most have one, or 15 to 17."""
    n = 15 if number >= _TENS[14] else 1
    while n < _TENS.size and number >= _TENS[n]:
        n += 1
    return n


@njit(cache=True, nogil=True)
def _write_pair(out: Any, at: Any, number: Any) -> Any:  # pragma: no cover (compiled)
    """Write a number below 100 as two digits."""
    out[at] = _PAIRS[number + number]
    out[at + _ONE] = _PAIRS[number + number + _ONE]


@njit(cache=True, nogil=True)
def _write_eight(out: Any, at: Any, number: Any) -> Any:  # pragma: no cover (compiled)
    """Write a number below 10⁸ as eight digits."""
    high = number // _TEN_THOUSAND
    low = number - high * _TEN_THOUSAND
    first, third = high // _HUNDRED, low // _HUNDRED
    _write_pair(out, at, first)
    _write_pair(out, at + _TWO, high - first * _HUNDRED)
    _write_pair(out, at + _FOUR, third)
    _write_pair(out, at + _FOUR + _TWO, low - third * _HUNDRED)


@njit(cache=True, nogil=True)
def _fill_digits(out: Any, end: Any, number: Any) -> Any:  # pragma: no cover (compiled)
    """Write a whole number so that it ends at `end`."""
    place = np.uint64(end)  # unsigned, so that none is looked at as from the array's end
    while number >= _EIGHT_DIGITS:
        rest = number // _EIGHT_DIGITS
        place -= _EIGHT
        _write_eight(out, place, number - rest * _EIGHT_DIGITS)
        number = rest
    while number >= _HUNDRED:
        rest = number // _HUNDRED
        place -= _TWO
        _write_pair(out, place, number - rest * _HUNDRED)
        number = rest
    if number >= _TEN:
        _write_pair(out, place - _TWO, number)
    else:
        out[place - _ONE] = np.uint8(number + _DIGIT)


@njit(cache=True, nogil=True)
def _write_digits(out: Any, at: Any, digits: Any) -> Any:  # pragma: no cover (compiled)
    """Write a whole number; give where it ends."""
    end = at + _count_digits(digits)
    _fill_digits(out, end, digits)
    return end


@njit(cache=True, nogil=True)
def _write_whole(out: Any, at: Any, number: Any) -> Any:  # pragma: no cover (compiled)
    """Write a whole number of 64 bits; give where it ends."""
    if number < 0:
        out[at] = _MINUS
        return _write_digits(out, at + 1, np.uint64(~number) + _ONE)
    return _write_digits(out, at, np.uint64(number))


@njit(cache=True, nogil=True)
def _write_float(out: Any, at: Any, bits: Any) -> Any:  # pragma: no cover (compiled)
    """Write the float of these 64 bits (int64); give where it ends."""
    exponent = (bits >> 52) & 0x7FF
    fraction = np.uint64(bits) & _MANTISSA
    special = exponent == 0x7FF
    if bits < 0 and not (special and fraction):
        out[at] = _MINUS
        at += 1
    if special:
        text = _NAN if fraction else _INFINITY
        for place in range(len(text)):
            out[at + place] = text[place]
        return at + len(text)
    if exponent == 0 and fraction == _ZERO:
        out[at], out[at + 1], out[at + 2] = 48, 46, 48
        return at + 3
    digits, power = _shorten(fraction, exponent)
    while digits % _TEN == _ZERO:
        digits, power = digits // _TEN, power + 1
    return _write_decimal(out, at, digits, power)


@njit(cache=True, nogil=True)
def _write_decimal(out: Any, at: Any, digits: Any, power: Any) -> Any:  # pragma: no cover
    """Write digits × 10^power with a point; give where it ends."""
    n = _count_digits(digits)
    before = n + power  # digits before the point
    if power >= 0 and before <= 16:
        _fill_digits(out, at + n, digits)
        end = at + before
        _fill_zeros(out, at + n, end)
        out[end], out[end + 1] = 46, 48
        return end + 2
    if -5 < before <= 0:
        first = at + 2 - before
        _fill_zeros(out, at, first)
        out[at + 1] = 46
        _fill_digits(out, first + n, digits)
        return first + n
    # Digits, of which those before the point go one place forward.
    moved = before if before <= 16 and before > 0 else 1
    end = at + 1 + n
    _fill_digits(out, end, digits)
    for place in range(at, at + moved):
        out[place] = out[place + 1]
    out[at + moved] = 46
    if moved == before and before <= 16:
        return end
    if n == 1:
        end = at + 1
    out[end] = 101
    return _write_whole(out, end + 1, before - 1)


@njit(cache=True, nogil=True)
def _fill_zeros(out: Any, at: Any, end: Any) -> Any:  # pragma: no cover (compiled)
    for place in range(at, end):
        out[place] = 48


@njit(cache=True, nogil=True)
def write_rows(
    kinds: Any, bits: Any, absent: Any, pieces: Any, ends: Any, texts: Any, out: Any
) -> Any:  # pragma: no cover (compiled)
    """Write the rows of a table, its columns between pieces of text.

    Parameters
    ----------
    kinds : (c,) ndarray of int
        Of each column.
    bits : (c, n + 1) ndarray of int64
        From 1 on: whole numbers, the bits of floats, or where a row's text ends in `texts`, which
        begin at 0.
    absent : (c, n) ndarray of bool
        Where a column is left out with the pieces around it.
    pieces : ndarray of uint8
        What stands before and after each column.
    ends : (2 c + 1,) ndarray of int
        Where the pieces begin and end in `pieces`.
    texts : ndarray of uint8
        The texts of the text columns.
    out : ndarray of uint8
        Large enough; written to.

    Returns
    -------
    (n,) ndarray of int
        Where each row ends in `out`.
    """
    stops = np.empty(absent.shape[1], np.int64)
    at = 0
    for row in range(stops.size):
        for column in range(kinds.size):
            if absent[column, row]:
                continue
            at = _copy(out, at, pieces, ends[2 * column], ends[2 * column + 1])
            if kinds[column] == FLOAT:
                at = _write_float(out, at, bits[column, row + 1])
            elif kinds[column] == WHOLE:
                at = _write_whole(out, at, bits[column, row + 1])
            elif kinds[column] == TEXT:
                at = _copy(out, at, texts, bits[column, row], bits[column, row + 1])
            at = _copy(out, at, pieces, ends[2 * column + 1], ends[2 * column + 2])
        stops[row] = at
    return stops


@njit(cache=True, nogil=True)
def _copy(out: Any, at: Any, text: Any, begin: Any, end: Any) -> Any:  # pragma: no cover
    first, start = np.uint64(at), np.uint64(begin)  # unsigned, so that none is looked at as from
    for place in range(np.uint64(end - begin)):  # the array's end, which takes as long
        out[first + place] = text[start + place]
    return at + end - begin


@njit(cache=True, nogil=True)
def read_float(text: Any, at: Any, end: Any) -> Any:  # pragma: no cover (compiled)
    """Read a number as programs print it; give whether it was read, and the bits of the float."""
    negative = at < end and text[at] == _MINUS
    at += 1 if negative else 0
    if end - at == 3 and text[at] == 78 and text[at + 1] == 97 and text[at + 2] == 78:
        return not negative, _NAN_BITS
    digits, power, some, point = _ZERO, 0, False, False
    while at < end:
        digit = np.int64(text[at]) - 48
        if 0 <= digit <= 9:
            if digits >= _FULL:
                return False, 0
            digits = digits * _TEN + np.uint64(digit)
            power -= 1 if point else 0
            some = True
        elif digit == -2 and some and not point:
            point, some = True, False
        else:
            break
        at += 1
    if not some:
        return False, 0
    if at < end:
        if text[at] | 32 != 101:
            return False, 0
        read, exponent = _read_exponent(text, at + 1, end)
        power += exponent
        if not read:
            return False, 0
    if digits == _ZERO:
        return point or not negative, np.int64(-(2**63)) if negative else 0
    if not _FIRST <= power <= _LAST:
        return False, 0
    exact, bits = _round(digits, power)
    return exact, bits | np.int64(-(2**63)) if negative else bits


@njit(cache=True, nogil=True)
def _read_exponent(text: Any, at: Any, end: Any) -> Any:  # pragma: no cover (compiled)
    sign = 1
    if at < end and (text[at] == _MINUS or text[at] == 43):
        sign = -1 if text[at] == _MINUS else 1
        at += 1
    if not 1 <= end - at <= 4:
        return False, 0
    exponent: Any = 0
    for place in range(at, end):
        digit = np.int64(text[place]) - 48
        if not 0 <= digit <= 9:
            return False, 0
        exponent = exponent * 10 + digit
    return True, sign * exponent


@njit(cache=True, nogil=True)
def _round(digits: Any, power: Any) -> Any:  # pragma: no cover (compiled)
    """Give whether digits × 10^power was rounded, and the bits of the float next to it."""
    shift, spare = 0, np.uint64(10)
    while digits < _TOP >> np.uint64(32):
        digits, shift = digits << np.uint64(32), shift + 32
    while digits < _TOP:
        digits, shift = digits << _ONE, shift + 1
    carried, _ = _multiply(_POWERS[power - _FIRST, 1], digits)
    high, low = _multiply(_POWERS[power - _FIRST, 0], digits)
    low += carried
    if low < carried:
        high += _ONE
    if high >= _TOP:
        spare = np.uint64(11)
    rest, half = high & ((_ONE << spare) - _ONE), _ONE << (spare - _ONE)
    if rest == half and low <= _ONE:  # half way, as far as is known
        return False, 0
    exponent = ((power * 1741647) >> 19) + 1076 - shift + np.int64(spare)
    mantissa = (high >> spare) + (_ONE if rest >= half else _ZERO)
    if mantissa > _MANTISSA + _HIDDEN:
        mantissa, exponent = mantissa >> _ONE, exponent + 1
    if not 0 < exponent < 0x7FF:
        return False, 0
    return True, (exponent << 52) | np.int64(mantissa & _MANTISSA)
