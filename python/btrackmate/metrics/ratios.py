"""Ratios that may have nothing to divide by: None then, never an invented number."""


def divide(above: float, below: float) -> float | None:
    """Divide, or give None where the denominator is 0."""
    return float(above / below) if below else None


def f1_score(tp: int, fp: int, fn: int) -> float | None:
    """2 TP / (2 TP + FP + FN); None where all are 0."""
    return divide(2 * tp, 2 * tp + fp + fn)
