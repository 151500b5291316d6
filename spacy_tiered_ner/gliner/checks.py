"""Checks of settings, with errors that name the setting."""

import math
from collections.abc import Sequence
from typing import Any

from ..errors import Errors


def check_option(setting: str, value: str, options: Sequence[str]) -> None:
    if value not in options:
        raise ValueError(Errors.T012.format(setting=setting, value=value, options=", ".join(map(repr, options))))


def check_share(setting: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(Errors.T010.format(setting=setting, value=value))
    return float(value)


def check_least(setting: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(Errors.T014.format(setting=setting, value=value, least=least))


def check_positive(setting: str, value: float) -> float:
    if not math.isfinite(value) or value <= 0:
        raise ValueError(Errors.T050.format(setting=setting, value=value, reason="is not above 0"))
    return float(value)


def check_not_negative(setting: str, value: float) -> float:
    if not math.isfinite(value) or value < 0:
        raise ValueError(Errors.T050.format(setting=setting, value=value, reason="is below 0"))
    return float(value)


def check_thresholds(threshold: float, candidate_threshold: float) -> None:
    check_share("threshold", threshold)
    check_share("candidate_threshold", candidate_threshold)
    if candidate_threshold > threshold:
        raise ValueError(Errors.T011.format(candidate=candidate_threshold, threshold=threshold))


def check_windows(window: int, stride: int) -> None:
    if not 1 <= stride <= window:
        raise ValueError(Errors.T013.format(window=window, stride=stride))
