"""Families of samples as prometheus_client wants them."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

Samples = Iterable[tuple[tuple[str, ...], float]]


def counter(name: str, words: str, labels: Sequence[str], samples: Samples) -> Metric:
    """Written as `NAME_total`, as the exposition format and promtool want it."""
    family = CounterMetricFamily(name, words, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def gauge(name: str, words: str, labels: Sequence[str], samples: Samples) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def histogram(
    name: str,
    words: str,
    labels: Sequence[str],
    samples: Iterable[tuple[tuple[str, ...], Sequence[float]]],
    bounds: Sequence[int],
) -> Metric:
    family = HistogramMetricFamily(name, words, labels=labels)
    for values, measured in samples:
        family.add_metric(values, buckets=_buckets(measured, bounds), sum_value=sum(measured))
    return family


def _buckets(measured: Iterable[float], bounds: Sequence[int]) -> list[tuple[str, float]]:
    """How many were at most so large, for each bound."""
    counts = [0] * (len(bounds) + 1)
    for one in measured:
        counts[bisect_left(bounds, one)] += 1
    names = [*(f"{bound}.0" for bound in bounds), "+Inf"]
    return list(zip(names, map(float, accumulate(counts)), strict=True))
