#!/usr/bin/env python3
"""Writes Fixtures/advection/extrapolation.json: a field carried along a motion by pysteps' semi-Lagrangian scheme.

The motion turns and shears, so that every part of the scheme counts. Needs: pip install pysteps.
"""
import json
import pathlib

import numpy as np
from pysteps import extrapolation

HEIGHT, WIDTH, STEPS = 21, 26, 5
rng = np.random.default_rng(11)
y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
field = np.round(rng.gamma(0.7, 3.0, (HEIGHT, WIDTH)), 2)
motion = np.stack([0.9 + 0.07 * (y - 10) + 0.02 * x, -0.6 - 0.05 * (x - 12) + 0.3 * np.sin(y / 3)])
motion = np.round(motion, 3).astype(np.float32).astype(np.float64)
forecast = extrapolation.get_method("semilagrangian")(field, motion, STEPS)


def plain(values):
    return [None if np.isnan(value) else round(float(value), 6) for value in np.ravel(values)]


path = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "advection" / "extrapolation.json"
path.parent.mkdir(parents=True, exist_ok=True)
content = {
    "height": HEIGHT, "width": WIDTH, "steps": STEPS, "field": plain(field), "x": plain(motion[0]), "y": plain(motion[1]),
    "forecast": plain(forecast)}
path.write_text(json.dumps(content) + "\n")
print(f"{path}: {np.isfinite(forecast).mean():.2f} of the forecast is inside")
