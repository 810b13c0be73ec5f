#!/usr/bin/env python3
"""`nowcast predict` in Python: radar files in, a forecast file out, by xarray and PyTorch, from the same model file.

    python Scripts/benchmark_predict.py --frames FILE... --model model.safetensors --output FORECAST.nc
        [--lead-frames N] [--threads N] [--mode eager|channels-last] [--against NOWCAST.nc]        needs torch, numpy, xarray, netCDF4

Scripts/benchmark takes the time of this process beside nowcast's. With --against it then holds its forecast against that of
`nowcast predict`, which checks the whole chain from the file's units to the last rounding by other code: every rate within 1e-3 of
the other (relative), the same pixels missing, the same times. Exit status 1 when they do not agree.

It reads what a script for one's own files would read: rates in mm/h, or amounts with the start of their interval, in files that
xarray decodes. The architecture is the one of the preset shi2015-radar: one kernel for input and state, the forecaster's layers in the
encoder's order.
"""

import argparse
import json
import struct
import sys

import numpy as np
import torch
import xarray as xr
from torch.nn import functional as F

from benchmark_pytorch import EncoderForecaster

RATES, AMOUNTS = ("mm h-1", "mm/h", "mm/hr", "kg m-2 h-1"), ("kg m-2", "mm")
# Rates below this are no rain for any radar composite; nowcast writes them as zero, and normalised values below 0.02, too.
DRY_RATE, DRY_VALUE = 0.05, 0.02


def read_model(path):
    """The tensors of a safetensors file, and the description that nowcast puts beside them."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    description = json.loads(header.pop("__metadata__")["nowcast"])
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        tensors[name] = torch.from_numpy(np.frombuffer(data[first:last], np.float32).reshape(entry["shape"]).copy())
    return tensors, description


def make_network(tensors, description, mode):
    architecture = description["architecture"]
    kernels = set(architecture["input_kernel"] + architecture["state_kernel"])
    if len(kernels) > 1 or architecture["forecaster_order"] != "same":
        sys.exit("benchmark_predict: only for one kernel throughout and the forecaster in the encoder's order")
    network = EncoderForecaster(
        architecture["patch"] ** 2, architecture["hidden"], kernels.pop(), peephole=architecture["peephole"])
    state = {"head.weight": tensors["head.weight"], "head.bias": tensors["head.bias"]}
    for part in "encoder", "forecaster":
        for layer in range(len(architecture["hidden"])):
            theirs, mine = f"{part}.layers.{layer}.", f"{part}.{layer}."
            # One convolution over cat(input, state): the two weights side by side.
            weights = [tensors[theirs + kind] for kind in ("input.weight", "state.weight") if theirs + kind in tensors]
            state[mine + "convolution.weight"] = torch.cat(weights, 1)
            state[mine + "convolution.bias"] = tensors[theirs + "bias"]
            if architecture["peephole"]:
                state[mine + "peephole"] = tensors[theirs + "peephole"][..., None, None]
    network.load_state_dict(state)
    return network.prepare(mode)


def with_standard_name(data, name):
    return next((data[key] for key in data.variables if data[key].attrs.get("standard_name") == name), None)


def read_frames(paths):
    """Rain rate in mm/h [t, y, x] (NaN where missing) and times, in the order of time; one dataset and variable to copy coordinates from."""
    frames, times = [], []
    for path in paths:
        with xr.open_dataset(path, engine="netcdf4") as data:
            data.load()
        rain = next((v for v in data.data_vars.values() if v.ndim >= 2 and v.attrs.get("units") in RATES + AMOUNTS), None)
        time = with_standard_name(data, "time")
        if rain is None or time is None:
            sys.exit(f"benchmark_predict: {path}: no rain in {', '.join(RATES + AMOUNTS)}, or no time")
        values = rain.values.astype(np.float32)
        if rain.attrs["units"] in AMOUNTS:
            values /= (time.values - data["start_time"].values) / np.timedelta64(3600, "s")
        frames += list(values.reshape(-1, *values.shape[-2:]))
        times += list(np.atleast_1d(time.values))
    order = np.argsort(times)
    return np.stack(frames)[order], np.array(times)[order], data, rain


def normalised(rate, scale):
    with np.errstate(divide="ignore", invalid="ignore"):
        dbz = 10 * np.log10(scale["zr_a"] * rate ** scale["zr_b"])
    return np.clip((dbz - scale["min_dbz"]) / (scale["max_dbz"] - scale["min_dbz"]), 0, 1)


def rain_rate(value, scale):
    dbz = scale["min_dbz"] + value * (scale["max_dbz"] - scale["min_dbz"])
    rate = (10 ** (dbz / 10) / scale["zr_a"]) ** (1 / scale["zr_b"])
    return np.where((value < DRY_VALUE) | (rate < DRY_RATE), np.float32(0), rate)


def forecast(network, frames, description, lead):
    """[t, y, x] in mm/h → [lead, y, x] in mm/h."""
    scale, patch = description["normalisation"], description["architecture"]["patch"]
    height, width = frames.shape[1:]
    # A missing pixel enters as no rain. Frames are filled up to whole patches, and p×p pixels folded into channels.
    x = torch.from_numpy(np.nan_to_num(normalised(frames, scale)).astype(np.float32))[:, None]
    x = F.pixel_unshuffle(F.pad(x, (0, -width % patch, 0, -height % patch)), patch)
    with torch.inference_mode():
        y = F.pixel_shuffle(network(x[None], lead)[0], patch)[:, 0, :height, :width].numpy()
    rate = rain_rate(y, scale)
    rate[:, np.isnan(frames).all(0)] = np.nan
    return rate


def write(path, rate, times, data, rain):
    """A CF file with the coordinates and the projection of the input."""
    y, x = rain.dims[-2:]
    step = np.median(np.diff(times))
    lead = step * np.arange(1, len(rate) + 1)
    attributes = {"standard_name": "rainfall_rate", "long_name": "forecast rain rate", "units": "mm h-1"}
    mapping = rain.attrs.get("grid_mapping") or rain.encoding.get("grid_mapping")
    if mapping:
        attributes["grid_mapping"] = mapping
    result = xr.Dataset(
        {"rainfall_rate": (("time", y, x), rate, attributes)},
        {
            "time": ("time", times[-1] + lead, {"standard_name": "time", "axis": "T"}),
            "forecast_reference_time": ((), times[-1], {"standard_name": "forecast_reference_time"}),
            "forecast_period": ("time", lead / np.timedelta64(1, "s"), {"standard_name": "forecast_period", "units": "s"}),
        },
        {"Conventions": "CF-1.11", "title": "Rain forecast"},
    )
    for name in (y, x, mapping):
        if name in data.variables:
            result = result.assign_coords({name: data[name]})
    result.to_netcdf(path, engine="netcdf4", encoding={
        "rainfall_rate": {"zlib": True, "complevel": 4, "chunksizes": (1, *rate.shape[1:]), "_FillValue": np.float32(9.96921e36)},
        "time": {"units": "seconds since 1970-01-01", "dtype": "float64"},
        "forecast_reference_time": {"units": "seconds since 1970-01-01", "dtype": "float64"},
    })


def agrees(path, rate, times, scale):
    """Whether a forecast of nowcast is this one. A rate at the limit may be zero in one and just above it in the other."""
    limit = 1.001 * max(DRY_RATE, rain_rate(np.float64(DRY_VALUE), scale))
    with xr.open_dataset(path, engine="netcdf4") as data:
        theirs, valid = data["rainfall_rate"].values, data["time"].values
    largest = np.fmax(rate, theirs)
    difference = np.abs(rate - theirs) / np.where(largest > limit, largest, np.inf)
    step, rains = np.median(np.diff(times)), np.nanmax(theirs) > limit
    faults = {
        "other pixels are missing": (np.isnan(rate) != np.isnan(theirs)).any(),
        "other times": (valid != times[-1] + step * np.arange(1, len(rate) + 1)).any(),
        "rates differ by more than 1e-3": np.nanmax(difference) > 1e-3,
        "nothing was compared, it rains nowhere": not rains,
    }
    print(f"benchmark_predict: largest relative difference {np.nanmax(difference):.1e}, mean {np.nanmean(difference):.1e}, "
          f"rates {np.nanmin(theirs):.3f} to {np.nanmax(theirs):.3f} mm/h, rain in {np.mean(theirs > 0):.1%}", file=sys.stderr)
    for fault in [text for text, found in faults.items() if found]:
        print(f"benchmark_predict: not nowcast's forecast: {fault}", file=sys.stderr)
    return not any(faults.values())


def main():
    parser = argparse.ArgumentParser(description="A forecast by xarray and PyTorch from a model of nowcast.")
    parser.add_argument("--frames", nargs="+", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--lead-frames", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--mode", choices=["eager", "channels-last"], default="eager")
    parser.add_argument("--against")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tensors, description = read_model(options.model)
    network = make_network(tensors, description, options.mode)
    frames, times, data, rain = read_frames(options.frames)
    rate = forecast(network, frames[-description["input_frames"]:], description, options.lead_frames)
    write(options.output, rate, times, data, rain)
    if options.against and not agrees(options.against, rate, times, description["normalisation"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
