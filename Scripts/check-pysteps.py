#!/usr/bin/env python3
"""Reads a forecast of `nowcast predict --compat pysteps` with pysteps and holds it against the same forecast without --compat.

    python Scripts/check-pysteps.py FORECAST.nc PYSTEPS.nc        needs pysteps, xarray, netCDF4

Checked: pysteps' own importer reads it; values, missing pixels, lead times, times, extent and pixel size are those of the other
file, row 0 in the north; a polar stereographic projection comes through.

Exit status: 0 all as it should be, 1 a deviation (each on a line of its own), 2 wrong usage.
"""

import sys

import numpy as np
import xarray as xr
from pysteps.io.nowcast_importers import import_netcdf_pysteps

deviations = []


def check(condition, message):
    if not condition:
        deviations.append(message)


def main():
    if len(sys.argv) != 3:
        print(__doc__.strip())
        sys.exit(2)
    plain = xr.open_dataset(sys.argv[1])
    rain = plain["rainfall_rate"]
    _, y, x = rain.dims
    rows, columns = plain[y], plain[x]
    expected = rain.sortby(y, ascending=False).sortby(x)
    field, metadata = import_netcdf_pysteps(sys.argv[2], onerror="raise")
    if field.ndim == 2:
        field = field[None]
    check(field.shape == expected.shape, f"pysteps reads the shape {field.shape}, not {expected.shape}")
    check(np.array_equal(field, expected.values, equal_nan=True), "pysteps reads other values")
    minutes = ((plain["time"] - plain["forecast_reference_time"]) / np.timedelta64(1, "s")).values / 60
    check(np.allclose(metadata["leadtimes"], minutes), f"lead times are {metadata['leadtimes']}, not {minutes} min")
    stamps = np.array([np.datetime64(str(stamp)) for stamp in metadata["timestamps"]])
    check((stamps == plain["time"].values).all(), f"times are {stamps}")
    check(metadata["unit"] == "mm/h" and metadata["yorigin"] == "upper", f"{metadata['unit']}, {metadata['yorigin']}")
    for values, size, low, high in [(columns, "xpixelsize", "x1", "x2"), (rows, "ypixelsize", "y1", "y2")]:
        step = abs(float(values[1] - values[0]))
        check(np.isclose(metadata[size], step), f"{size} is {metadata[size]}, not {step}")
        ends = float(values.min()) - step / 2, float(values.max()) + step / 2
        check(np.allclose([metadata[low], metadata[high]], ends), f"{low}, {high} are {metadata[low]}, {metadata[high]}")
    mapping = plain.get(str(rain.encoding.get("grid_mapping") or rain.attrs.get("grid_mapping")))
    if mapping is not None and mapping.attrs.get("grid_mapping_name") == "polar_stereographic":
        check("+proj=stere" in str(metadata.get("projection")), f"the projection is {metadata.get('projection')}")
        print(f"projection {metadata.get('projection')}")
    print(f"{sys.argv[2]}: {field.shape}, lead times {np.array(metadata['leadtimes'])} min, largest {np.nanmax(field):.2f} mm/h")


if __name__ == "__main__":
    main()
    for deviation in deviations:
        print(f"DEVIATION: {deviation}")
    print("check-pysteps: " + (f"{len(deviations)} deviations" if deviations else "all as it should be"))
    sys.exit(1 if deviations else 0)
