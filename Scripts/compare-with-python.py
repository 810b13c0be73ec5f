#!/usr/bin/env python3
"""Reads a forecast of `nowcast predict` with xarray and holds it against the frames it was made from.

    python Scripts/compare-with-python.py FORECAST.nc INPUT.nc...        needs xarray, netCDF4, numpy

Give all input files the forecast was made from (NetCDF; more frames than the model used do no harm, later ones do). Checked:

- the forecast opens without a warning;
- its horizontal coordinates, further coordinates over y and x (longitude, latitude) and the grid_mapping variable are the input's,
  in values, types and attributes;
- forecast_reference_time is the last input time, forecast_period counts on in the input's time step, time = reference + period;
- rainfall_rate is float32 in mm h-1, nowhere negative, finite where the last input frame was, missing where no input frame saw;
- the global attributes that CF and the reader of the file rely on are there.

Exit status: 0 all as it should be, 1 a deviation (each on a line of its own), 2 wrong usage or a file that cannot be read.
"""

import sys
import warnings

import numpy as np
import xarray as xr

deviations = []


def check(condition, message):
    if not condition:
        deviations.append(message)
    return bool(condition)


def fail(message):
    print(f"compare-with-python: {message}", file=sys.stderr)
    sys.exit(2)


def opened(path, **options):
    try:
        return xr.open_dataset(path, engine="netcdf4", **options)
    except (OSError, ValueError) as error:
        fail(f"{path}: {error}")


def with_standard_name(dataset, name):
    """The one variable or coordinate of that standard name, or None."""
    found = [variable for variable in dataset.variables if dataset[variable].attrs.get("standard_name") == name]
    return dataset[found[0]] if len(found) == 1 else None


def same_variable(name, mine, theirs):
    """Copied as it was: type, values, attributes."""
    check(mine.dtype == theirs.dtype, f"{name}: type {mine.dtype}, the input has {theirs.dtype}")
    same = mine.shape == theirs.shape and bool(
        np.all((mine.values == theirs.values) | ((mine.values != mine.values) & (theirs.values != theirs.values))))
    check(same, f"{name}: the values differ from the input's")
    keys = mine.attrs.keys() | theirs.attrs.keys()
    if mine.dims == (name,):
        # What CF forbids in a coordinate or asks of it is mended where it has one meaning only.
        keys -= {"_FillValue", "missing_value"} | ({"standard_name", "long_name", "units"} - theirs.attrs.keys())
        if not str(theirs.attrs.get("units", "")).startswith(("degrees_n", "degrees_e")) and mine.attrs.get("units") in (
                "degrees_north", "degrees_east"):
            keys -= {"units"}
    for key in sorted(keys):
        a, b = mine.attrs.get(key), theirs.attrs.get(key)
        check(a is not None and b is not None and np.array_equal(a, b), f"{name}:{key} is {a!r}, the input has {b!r}")


def field_of(dataset, y, x):
    """The input's radar variable: over y and x, more dimensions than a coordinate has, the first with a known standard name if any."""
    candidates = [
        name for name, variable in dataset.data_vars.items()
        if {y, x} <= set(variable.dims) and variable.dtype.kind in "fiu" and "bounds" not in name
    ]
    known = ("rainfall_rate", "lwe_precipitation_rate", "precipitation_flux", "rainfall_flux", "equivalent_reflectivity_factor")
    candidates.sort(key=lambda name: (dataset[name].attrs.get("standard_name") not in known, -dataset[name].ndim))
    return dataset[candidates[0]] if candidates else None


def main():
    if len(sys.argv) < 3 or sys.argv[1].startswith("-"):
        print(__doc__.strip())
        sys.exit(0 if sys.argv[1:2] in (["-h"], ["--help"]) else 2)
    path, inputs = sys.argv[1], sys.argv[2:]

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        forecast = opened(path).load()
    for warning in caught:
        check(False, f"opening warns: {warning.category.__name__}: {warning.message}")
    raw = opened(path, decode_cf=False)

    if "rainfall_rate" not in forecast:
        fail(f"{path}: there is no variable rainfall_rate")
    rain = forecast["rainfall_rate"]
    if not check(rain.ndim == 3 and rain.dims[0] == "time", f"rainfall_rate has the dimensions {rain.dims}, not (time, y, x)"):
        return
    _, y, x = rain.dims
    check(rain.dtype == np.float32, f"rainfall_rate is {rain.dtype}, not float32")
    attributes = raw["rainfall_rate"].attrs
    for key, value in {"units": "mm h-1", "standard_name": "rainfall_rate"}.items():
        check(attributes.get(key) == value, f"rainfall_rate:{key} is {attributes.get(key)!r}, not {value!r}")
    check("_FillValue" in attributes, "rainfall_rate has no _FillValue")
    for key in ("Conventions", "title", "source", "history", "references"):
        check(raw.attrs.get(key), f"the global attribute {key} is missing")
    check(str(raw.attrs.get("Conventions", "")).startswith("CF-"), f"Conventions is {raw.attrs.get('Conventions')!r}")

    # The grid: undecoded, so that every attribute is seen as it stands in the file.
    grid = opened(inputs[0], decode_cf=False)
    field = field_of(grid, y, x)
    if field is None:
        fail(f"{inputs[0]}: no radar variable over the forecast's dimensions {y}, {x}")
    names = [y, x] + str(field.attrs.get("coordinates", "")).split()
    for name in names:
        if name in grid.variables and set(grid[name].dims) <= {y, x} and grid[name].dims:
            if check(name in raw.variables, f"the input's coordinate {name} is missing"):
                same_variable(name, raw[name], grid[name])
    mapping = field.attrs.get("grid_mapping")
    check(attributes.get("grid_mapping") == mapping, f"grid_mapping is {attributes.get('grid_mapping')!r}, the input has {mapping!r}")
    if mapping in grid.variables and check(mapping in raw.variables, f"the grid mapping variable {mapping} is missing"):
        same_variable(mapping, raw[mapping], grid[mapping])
    check(raw.attrs.get("institution") == grid.attrs.get("institution"),
          f"institution is {raw.attrs.get('institution')!r}, the input has {grid.attrs.get('institution')!r}")

    # All input frames in time order.
    frames = []
    for name in inputs:
        dataset = opened(name)
        values, time = field_of(dataset, y, x), with_standard_name(dataset, "time")
        time = dataset.get("time") if time is None else time
        if values is None or time is None:
            fail(f"{name}: no radar variable over {y}, {x}, or no time")
        values = values.transpose(..., y, x).values.reshape(-1, dataset.sizes[y], dataset.sizes[x])
        frames += list(zip(np.atleast_1d(time.values), values))
    frames.sort(key=lambda frame: frame[0])
    times = np.array([time for time, _ in frames])

    # The times.
    reference, valid = with_standard_name(forecast, "forecast_reference_time"), with_standard_name(forecast, "time")
    period = with_standard_name(forecast, "forecast_period")
    if check(reference is not None and reference.ndim == 0, "no scalar forecast_reference_time") \
            and check(valid is not None and valid.dims == ("time",), "no time(time)") \
            and check(period is not None and period.dims == ("time",), "no forecast_period(time)"):
        start = reference.values[()]
        check(start == times[-1], f"forecast_reference_time is {start}, the last input frame's time {times[-1]}")
        # Undecoded, because whether xarray makes time spans of numbers depends on its version.
        unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(str(raw[period.name].attrs.get("units", ""))[:1], np.nan)
        seconds = raw[period.name].values * float(unit)
        steps = np.diff(times) / np.timedelta64(1, "s")
        step = np.median(steps) if len(steps) else seconds[0]
        expected = step * np.arange(1, len(seconds) + 1)
        check(np.allclose(seconds, expected, rtol=0, atol=1e-3), f"forecast_period is {seconds} s, not multiples of {step:g} s")
        offset = (valid.values - start) / np.timedelta64(1, "s")
        check(np.allclose(offset, seconds, rtol=0, atol=1e-3), f"time − reference is {offset} s, forecast_period {seconds} s")
        print(f"reference {start}, {len(seconds)} lead times, {seconds[0]:g} to {seconds[-1]:g} s, input step {step:g} s")

    # The values.
    shape = (forecast.sizes[y], forecast.sizes[x])
    if check(frames[-1][1].shape == shape, f"the forecast's frames are {shape}, the input's {frames[-1][1].shape}"):
        values = rain.values
        finite = np.isfinite(values)
        last = np.isfinite(frames[-1][1])
        ever = np.any([np.isfinite(frame) for _, frame in frames], axis=0)
        lost = int((last & ~finite).any(axis=0).sum())
        check(lost == 0, f"{lost} pixels of the last input frame have no forecast at some lead time")
        made_up = int((~ever & finite).any(axis=0).sum())
        check(made_up == 0, f"{made_up} pixels have a forecast where no input frame ever saw")
        check(not np.isinf(values).any(), "rainfall_rate has infinite values")
        check(finite.any(), "rainfall_rate has no value at all")
        check((values[finite] >= 0).all(), "rainfall_rate has negative values")
        print(f"grid {shape[0]} × {shape[1]}, grid mapping {mapping}, missing: input {1 - last.mean():.1%}, forecast {1 - finite.mean():.1%}")
        for lead, frame in enumerate(values):
            seen = frame[np.isfinite(frame)]
            if seen.size:
                print(f"  lead {lead + 1}: mean {seen.mean():.3f}, largest {seen.max():.2f} mm/h, wet (≥ 0.1) {(seen >= 0.1).mean():.1%}")


if __name__ == "__main__":
    main()
    for deviation in deviations:
        print(f"DEVIATION: {deviation}")
    print("compare-with-python: " + (f"{len(deviations)} deviations" if deviations else "all as it should be"))
    sys.exit(1 if deviations else 0)
