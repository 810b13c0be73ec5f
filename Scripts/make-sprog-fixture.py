#!/usr/bin/env python3
"""Writes Fixtures/advection/sprog.json: forecasts of pysteps' S-PROG for rain that does not move.

Without motion nothing comes in from outside, so what is compared is the prognosis alone: levels of scale, autoregressive
models, recomposition and matching of the distribution. Needs: pip install pysteps.
"""
import contextlib
import io
import json
import pathlib

import numpy as np
from pysteps.nowcasts import sprog

HEIGHT, WIDTH, STEPS = 30, 37, 5
rng = np.random.default_rng(5)


def noise(scale):
    """A field of one scale."""
    spectrum = np.fft.rfft2(rng.normal(size=(HEIGHT, WIDTH)))
    y, x = np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None]
    field = np.fft.irfft2(spectrum * np.exp(-(x * x + y * y) * (2 * np.pi * scale) ** 2 / 2), (HEIGHT, WIDTH))
    return field / field.std()


# The smaller the scale the faster it changes.
scales = {1: 0.4, 2.5: 0.75, 6: 0.95}
levels = {scale: noise(scale) for scale in scales}
frames = []
for _ in range(3):
    for scale, kept in scales.items():
        levels[scale] = kept * levels[scale] + np.sqrt(1 - kept * kept) * noise(scale)
    decibels = 7 * sum(levels.values()) - 12
    frames.append(np.where(decibels >= -10, decibels, -15))
frames = np.round(np.array(frames), 3).astype(np.float32).astype(np.float64)
with contextlib.redirect_stdout(io.StringIO()):
    forecast = sprog.forecast(frames, np.zeros((2, HEIGHT, WIDTH)), STEPS, precip_thr=-10.0, n_cascade_levels=6)

path = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "advection" / "sprog.json"
content = {
    "height": HEIGHT, "width": WIDTH, "steps": STEPS, "frames": [round(float(v), 3) for v in frames.ravel()],
    "forecast": [round(float(v), 4) for v in forecast.ravel()]}
path.write_text(json.dumps(content) + "\n")
print(f"{path}: {(frames[-1] >= -10).mean():.2f} of the last frame is wet")
