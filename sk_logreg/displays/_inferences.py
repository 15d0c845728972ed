"""Functions that the displays of an inference share."""

from typing import Any

from sk_logreg.inference import Inference
from sk_logreg.inference._summary import number


def check_inference(inference: Any, expected: str = "an Inference") -> None:
    """Raise a TypeError if an argument is not an inference."""
    if not isinstance(inference, Inference):
        raise TypeError(
            f"inference must be {expected}, got {type(inference).__name__}. Use "
            "Inference.from_estimator to create one."
        )


def check_count(name: str, value: Any, least: int) -> None:
    """Raise a ValueError unless an argument is an integer of at least `least`."""
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer or value < least:
        raise ValueError(
            f"{name} must be an integer of at least {least}, got {value!r}."
        )


def percent(level: float) -> str:
    """Return a confidence level as text, such as "95 %"."""
    return f"{100.0 * level:.6g} %"


def short(value: float) -> str:
    """Return a number with up to three significant digits, and whole thousands."""
    text = number(value, 3) if abs(value) >= 1000.0 else f"{value:.3g}"
    return text.replace("-", "−")
