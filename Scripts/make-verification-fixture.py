#!/usr/bin/env python3
"""Writes Fixtures/verification/scores.json: small fields with missing pixels and their scores, computed with NumPy alone.

Two methods, three start times, one lead time. A pixel missing in the observation or in either forecast counts for
neither method. Every sum is written out here in another way than in the Swift code. Needs: pip install numpy.
"""
import json
import pathlib

import numpy as np

folder = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "verification"
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(7)
HEIGHT, WIDTH, STARTS = 21, 19, 3
THRESHOLDS = [0.0, 0.1, 0.5, 1.0, 5.0, 1000.0]
WINDOWS = [1, 3, 4, 50]


def smooth(field):
    padded = np.pad(field, 2, mode="edge")
    return sum(padded[i : i + HEIGHT, j : j + WIDTH] for i in range(5) for j in range(5)) / 5


def rain():
    field = np.exp(1.3 * smooth(rng.standard_normal((HEIGHT, WIDTH)))) - 1
    return np.round(np.maximum(field, 0), 2).astype(np.float32)


observations, forecasts = [], {"first": [], "second": []}
for _ in range(STARTS):
    truth = rain()
    observations.append(truth.copy())
    forecasts["first"].append(np.round(np.roll(truth, 1, axis=1) * np.float32(0.8), 2).astype(np.float32))
    forecasts["second"].append(np.round(np.float32(0.5) * (truth + rain()), 2).astype(np.float32))
observations[0][:4, :5] = np.nan
observations[1][rng.random((HEIGHT, WIDTH)) < 0.1] = np.nan
forecasts["first"][1][:, -1] = np.nan
forecasts["second"][2][10:12] = np.nan
forecasts["second"][0][0, 0] = np.nan


def divide(a, b):
    return None if b == 0 else float(a) / float(b)


def fraction(events, y, x, window):
    low = window // 2
    high = window - low
    part = events[max(y - low, 0) : y + high, max(x - low, 0) : x + high]
    return float(part.sum()) / window**2


valid = [
    np.isfinite(o) & np.isfinite(a) & np.isfinite(b)
    for o, a, b in zip(observations, forecasts["first"], forecasts["second"])
]
scores = {}
for method, fields in forecasts.items():
    f = np.concatenate([x[v] for x, v in zip(fields, valid)]).astype(np.float64)
    o = np.concatenate([x[v] for x, v in zip(observations, valid)]).astype(np.float64)
    tables, fractions = [], []
    for threshold in THRESHOLDS:
        # The threshold as the single-precision number that the program compares with.
        limit = np.float32(threshold)
        fe, oe = f >= limit, o >= limit
        h, m, a, c = (int(x.sum()) for x in (fe & oe, ~fe & oe, fe & ~oe, ~fe & ~oe))
        n = h + m + a + c
        expected = ((h + m) * (h + a) + (c + m) * (c + a)) / n
        chance = (h + m) * (h + a) / n
        tables.append(
            {
                "threshold": threshold,
                "counts": [h, m, a, c],
                "csi": divide(h, h + m + a),
                "pod": divide(h, h + m),
                "far": divide(a, h + a),
                "bias": divide(h + a, h + m),
                "hss": divide(h + c - expected, n - expected),
                "ets": divide(h - chance, h + m + a - chance),
            }
        )
        for window in WINDOWS:
            numerator = denominator = 0.0
            for field, observed, v in zip(fields, observations, valid):
                fe, oe = v & (field >= limit), v & (observed >= limit)
                for y, x in zip(*np.nonzero(v)):
                    p, q = fraction(fe, y, x, window), fraction(oe, y, x, window)
                    numerator += (p - q) ** 2
                    denominator += p**2 + q**2
            quotient = divide(numerator, denominator)
            fractions.append(
                {"threshold": threshold, "window": window, "fss": None if quotient is None else 1 - quotient}
            )
    scores[method] = {
        "count": int(f.size),
        "tables": tables,
        "fractions": fractions,
        "mse": float(np.mean((f - o) ** 2)),
        "rmse": float(np.sqrt(np.mean((f - o) ** 2))),
        "mae": float(np.mean(np.abs(f - o))),
        "me": float(np.mean(f - o)),
        "correlation": float(np.corrcoef(f, o)[0, 1]),
    }


def flat(fields):
    return [[None if np.isnan(x) else float(str(x)) for x in field.ravel()] for field in fields]


content = {
    "height": HEIGHT,
    "width": WIDTH,
    "thresholds": THRESHOLDS,
    "windows": WINDOWS,
    "observations": flat(observations),
    "forecasts": {method: flat(fields) for method, fields in forecasts.items()},
    "scores": scores,
}
(folder / "scores.json").write_text(json.dumps(content) + "\n")
print(json.dumps(scores, indent=1))
