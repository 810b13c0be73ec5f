#!/usr/bin/env python3
"""Loads model files into PyTorch with the lines that the README shows, and compares their forecasts with those of nowcast.

    python Scripts/check-pytorch.py NOWCAST        needs torch, numpy, netCDF4, safetensors

NOWCAST is the program. It simulates radar frames, trains a network of one scale and one of several for some steps, forecasts, and
what PyTorch makes of the same frames must agree within 1e-5 in the network's numbers. A file that PyTorch saves must be taken by
`nowcast train --init`.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import netCDF4
import numpy
import torch
from safetensors.torch import save_file

SCRIPTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(SCRIPTS))
LINES = re.search(r"```python\n(.*?)```", (SCRIPTS.parent / "README.md").read_text(), re.S).group(1)


def rates(path, name):
    with netCDF4.Dataset(path) as file:
        return numpy.ma.filled(file[name][:].astype("float64"), numpy.nan)


def normalised(rate, scale):
    with numpy.errstate(divide="ignore"):
        dbz = 10 * numpy.log10(scale["zr_a"] * rate ** scale["zr_b"])
    return numpy.clip((dbz - scale["min_dbz"]) / (scale["max_dbz"] - scale["min_dbz"]), 0, 1)


def check(name, options):
    subprocess.run([NOWCAST, "train", "-q", "--overwrite", "--data", "radar.nc", "--output", "run", *options, "--max-steps", "8"], check=True)
    subprocess.run([NOWCAST, "predict", "-q", "--overwrite", "--frames", "radar.nc", "--model", "run", "--output", "forecast.nc"], check=True)
    with netCDF4.Dataset("radar.nc") as file:
        variable = next(name for name in file.variables if file[name].ndim == 3)
    observed = rates("radar.nc", variable)
    scope = {}
    header, last = LINES.rsplit("forecast = ", 1)
    exec(header, scope)
    scale = scope["model"]["normalisation"]
    frames = numpy.nan_to_num(normalised(observed[-scope["model"]["input_frames"] :], scale))
    scope["frames"] = torch.from_numpy(frames.astype("float32"))[None, :, None]
    with torch.no_grad():
        exec("forecast = " + last, scope)
    theirs = scope["forecast"][0, :, 0].double().numpy()
    ours = rates("forecast.nc", "rainfall_rate")
    wet = ours > 0
    assert wet.any(), "there is no rain in the forecast, so nothing to compare"
    worst = numpy.abs(normalised(ours[wet], scale) - theirs[wet]).max()
    # Below 0.05 mm/h a forecast is dry, and below 0.02 of a scale that begins above that.
    most = theirs[ours == 0].max(initial=0) - max(normalised(0.05, scale), 0.02)
    print(f"{name}: {wet.sum()} wet pixels, largest difference {worst:.1e}; dry ones exceed the limit by at most {most:.1e}")
    assert worst < 1e-5 and most < 1e-5
    save_file(scope["network"].state_dict(), "pytorch.safetensors")
    done = subprocess.run(
        [NOWCAST, "train", "--overwrite", "--init", "pytorch.safetensors", "--data", "radar.nc", "--output", "again", *options, "--max-steps", "1"],
        check=True, capture_output=True, text=True)
    count = len(scope["network"].state_dict())
    assert f"begins with {count} of {count} tensors" in done.stderr, done.stderr


if __name__ == "__main__":
    NOWCAST = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        subprocess.run([NOWCAST, "simulate", "-q", "--output", "radar.nc", "--frames", "30", "--height", "50", "--width", "47"], check=True)
        # From 5 dBZ on, so that even a network that has learned little forecasts rain to compare.
        frames = ["--input-frames", "4", "--lead-frames", "5", "--learning-rate", "0.01", "--min-dbz", "5"]
        check("one scale", ["--hidden", "12,10", "--kernel", "3,5", *frames])
        check("one scale, reversed", ["--hidden", "12,10", "--no-peephole", "--forecaster-order", "reversed", "--patch", "4", *frames])
        check("several scales", ["--preset", "hko7", "--hidden", "12,10,8", *frames])
