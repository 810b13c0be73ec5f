#!/usr/bin/env python3
"""Compares what nowcast reads with an independent reading of the same files by netCDF4, pixel by pixel.

Every NetCDF file below a folder is tried. `nowcast convert` writes what it reads; here the same files are read with
netCDF4 and plain NumPy, by the conventions (CF, NUG) and without a line of nowcast: rain rate, which pixels are missing,
times, coordinates, grid mapping. Files whose variable or units nowcast asks for are tried with those of --choose.

    Scripts/check-reading.py DATA [--nowcast .build/release/nowcast] [--choose PATTERN VARIABLE UNITS]...

Prints a line for each file (files of a folder with one frame each are read together) and ends with status 1 when
anything differs. Needs: pip install netCDF4 numpy.
"""
import argparse
import fnmatch
import pathlib
import subprocess
import sys
import tempfile

import netCDF4
import numpy as np

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("data", type=pathlib.Path)
parser.add_argument("--nowcast", default=str(pathlib.Path(__file__).resolve().parent.parent / ".build/release/nowcast"))
parser.add_argument("--choose", nargs=3, action="append", default=[], metavar=("PATTERN", "VARIABLE", "UNITS"))
arguments = parser.parse_args()

# Units in which rain is met, as factors to mm/h for rates and to mm for amounts.
RATES = {"mm/h": 1, "mm h-1": 1, "mm/hr": 1, "m s-1": 3.6e6, "kg m-2 s-1": 3600}
AMOUNTS = {"mm": 1, "kg m-2": 1}
MOST_RAIN = 1000


def choice(path):
    for pattern, variable, units in arguments.choose:
        if fnmatch.fnmatch(str(path), pattern):
            return variable, units
    return None


def seconds(variable):
    """Times as seconds since 1970, by cftime."""
    moments = netCDF4.num2date(variable[...], variable.units, getattr(variable, "calendar", "standard"))
    return np.atleast_1d(netCDF4.date2num(moments, "seconds since 1970-01-01 00:00:00", "standard")).astype("f8")


def independent(path):
    """The rain rate in mm/h as (time, y, x) doubles with NaN, the times, the two coordinates, the grid mapping."""
    with netCDF4.Dataset(path) as f:
        chosen = choice(path)
        if chosen:
            rain, units = f[chosen[0]], chosen[1]
        else:
            names = ["rainfall_rate", "lwe_precipitation_rate", "precipitation_amount", "rainfall_amount",
                     "equivalent_reflectivity_factor"]
            found = [v for v in f.variables.values() if getattr(v, "standard_name", None) in names and v.ndim >= 2]
            if len(found) != 1:
                return None
            rain, units = found[0], found[0].units
        rain.set_auto_maskandscale(False)
        stored = rain[...]
        missing = np.zeros(stored.shape, bool)
        for name in ["_FillValue", "missing_value"]:
            for value in np.atleast_1d(getattr(rain, name, [])):
                missing |= np.isnan(stored) if np.isnan(value) else stored == value
        if not hasattr(rain, "_FillValue") and rain.dtype.itemsize > 1:
            missing |= stored == netCDF4.default_fillvals[rain.dtype.str[1:]]
        for name, outside in [("valid_min", np.less), ("valid_max", np.greater)]:
            if hasattr(rain, name):
                missing |= outside(stored, getattr(rain, name))
        value = stored.astype("f8") * getattr(rain, "scale_factor", 1) + getattr(rain, "add_offset", 0)
        times = next((v for v in f.variables.values() if getattr(v, "standard_name", None) == "time"), None)
        times = times if times is not None else f["time"]
        moments = seconds(times)
        if units in RATES:
            rate = value * RATES[units]
        elif units in AMOUNTS:
            if "start_time" in f.variables:
                length = moments - seconds(f["start_time"])
            elif hasattr(rain, "accum_time_h"):
                length = np.full(len(moments), rain.accum_time_h * 3600)
            else:
                length = np.full(len(moments), np.diff(moments)[0])
            rate = value.reshape(len(moments), *value.shape[-2:]) * AMOUNTS[units] * 3600 / length[:, None, None]
        elif units == "dBZ":
            rate = np.where(value <= -32, 0, (10 ** (value / 10) / 200) ** (1 / 1.6))
        else:
            return None
        shape = (len(moments), *stored.shape[-2:])
        rate, missing = rate.reshape(shape), missing.reshape(shape)
        missing = missing | ~np.isfinite(rate) | (rate < -1e-3)
        with np.errstate(invalid="ignore"):
            rate = np.clip(rate, 0, MOST_RAIN)
        rate[missing] = np.nan
        y, x = (f[name][...].astype("f8") for name in rain.dimensions[-2:])
        mapping = f[rain.grid_mapping].__dict__ if hasattr(rain, "grid_mapping") else None
        return rate, moments, np.ma.getdata(y), np.ma.getdata(x), mapping


def converted(paths, folder):
    output = folder / "converted.nc"
    command = [arguments.nowcast, "convert", *map(str, paths), "--output", str(output), "--overwrite", "--quiet"]
    chosen = choice(paths[0])
    if chosen:
        command += ["--variable", chosen[0], "--units", chosen[1]]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr.strip()
    with netCDF4.Dataset(output) as f:
        rain = f["rainfall_rate"]
        y, x = (np.ma.getdata(f[name][...]).astype("f8") for name in rain.dimensions[1:])
        mapping = f[rain.grid_mapping].__dict__ if hasattr(rain, "grid_mapping") else None
        return (np.ma.filled(rain[...].astype("f8"), np.nan), seconds(f["time"]), y, x, mapping), done.stderr.strip()


def differences(found, wanted):
    rate, times, y, x, mapping = wanted
    if found[0].shape != rate.shape:
        return [f"shape {found[0].shape} instead of {rate.shape}"]
    result = []
    if (np.isnan(found[0]) != np.isnan(rate)).any():
        result.append(f"{(np.isnan(found[0]) != np.isnan(rate)).sum()} pixels missing in one reading alone")
    # Written as single precision; reflectivity goes through powers.
    error = np.nanmax(np.abs(found[0] - rate) / np.maximum(1, np.abs(rate)), initial=0)
    if error > 1e-6:
        result.append(f"values differ by {error:.1e}")
    if np.abs(found[1] - times).max() > 1e-3:
        result.append("times differ")
    if not (np.array_equal(found[2], y) and np.array_equal(found[3], x)):
        result.append("coordinates differ")
    for name, value in (mapping or {}).items():
        if found[4] is None or not np.array_equal(found[4].get(name), value):
            result.append(f"grid mapping attribute {name} differs")
    return result


files = sorted(p for p in arguments.data.rglob("*") if p.suffix in (".nc", ".nc4", ".cdf"))
groups, readings = {}, {}
for path in files:
    reading = independent(path)
    if reading is None:
        groups[path] = None
        continue
    readings[path] = reading
    # Files of one frame that lie together belong together.
    groups.setdefault(path.parent if len(reading[1]) == 1 else path, []).append(path)

bad = 0
with tempfile.TemporaryDirectory() as temporary:
    for name, paths in groups.items():
        label = name.relative_to(arguments.data)
        if paths is None:
            found, message = converted([name], pathlib.Path(temporary))
            bad += found is not None
            print(f"{'READ' if found else 'asks'}  {label}: {message.split(': ', 2)[-1][:150]}")
            continue
        parts = sorted((readings[p] for p in paths), key=lambda r: r[1][0])
        wanted = (np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]), *parts[0][2:])
        found, message = converted(paths, pathlib.Path(temporary))
        wrong = differences(found, wanted) if found else [message]
        bad += bool(wrong)
        frames, height, width = wanted[0].shape
        summary = f"{frames} × {height} × {width}, {100 * np.isnan(wanted[0]).mean():.1f} % missing, at most {np.nanmax(wanted[0]):.1f} mm/h"
        print(f"{'WRONG' if wrong else 'same'}  {label} ({len(paths)} files): {'; '.join(wrong) or summary}")
print(f"{len(files)} files, {bad} differences")
sys.exit(bad > 0)
