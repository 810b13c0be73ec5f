#!/usr/bin/env python3
"""Holds what 'nowcast products' and 'nowcast catchments' make of a file against NumPy, shapely and pyproj.

    Scripts/check-products.py [--nowcast PATH] [--areas FILE.geojson] FILE.nc...

FILE.nc is a forecast or other CF NetCDF file with rain rates in mm/h on (time, y, x), as predict and convert write it. Sums
must be those of NumPy over the same frames to 1e-5 (relative), flags the comparisons, bounds and times those of the frames; means and
covered shares of areas must agree to 2e-4, largest values to the last digit printed. Without --areas, round areas are drawn
over the grid. Needs: pip install netCDF4 numpy pyproj shapely.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

import netCDF4
import numpy as np
import pyproj

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import area_reference

parser = argparse.ArgumentParser()
parser.add_argument("--nowcast", default=".build/release/nowcast")
parser.add_argument("--areas")
parser.add_argument("files", nargs="+")
options = parser.parse_args()
failures = 0


def check(condition, sentence):
    global failures
    if not condition:
        failures += 1
        print("NOT " + sentence)


def run(*arguments):
    subprocess.run([options.nowcast, *arguments, "--quiet"], check=True)


def circles(grid, crs):
    """Five round areas of different sizes, one over the edge."""
    back = (lambda x, y: (x, y)) if crs is None else pyproj.Transformer.from_crs(
        crs, crs.geodetic_crs, always_xy=True).transform
    features = []
    width, height = grid.x[-1] - grid.x[0], grid.y[-1] - grid.y[0]
    for number, (u, v, r) in enumerate([(0.3, 0.3, 0.1), (0.5, 0.5, 0.2), (0.7, 0.35, 0.03), (1, 0.5, 0.15), (0.45, 0.7, 0.004)]):
        angles = np.linspace(0, 2 * np.pi, 61)
        lon, lat = back(grid.x[0] + width * (u + r * np.cos(angles)), grid.y[0] + height * (v + r * np.sin(angles)))
        ring = [[round(float(a), 7), round(float(b), 7)] for a, b in zip(lon, lat)]
        ring[-1] = ring[0]
        features.append(dict(type="Feature", properties=dict(name=f"circle {number + 1}"),
                             geometry=dict(type="Polygon", coordinates=[ring])))
    return dict(type="FeatureCollection", features=features)


for path in options.files:
    with netCDF4.Dataset(path) as file, tempfile.TemporaryDirectory() as folder:
        variable = next(v for v in file.variables.values() if getattr(v, "standard_name", "") == "rainfall_rate")
        rates = np.ma.filled(variable[:].astype("f8"), np.nan)
        time = file.variables[variable.dimensions[0]]
        check(time.units == "seconds since 1970-01-01 00:00:00", "times are counted otherwise")
        times = time[:].filled()
        y, x = (file.variables[name] for name in variable.dimensions[1:])
        mapping = file.variables[variable.grid_mapping].__dict__ if hasattr(variable, "grid_mapping") else None
        isDegrees = y.standard_name == "latitude"
        factor = {"km": 1000.0}.get(y.units, 1.0)
        crs = None if isDegrees else pyproj.CRS.from_cf(
            {k: v for k, v in mapping.items() if k not in ("crs_wkt", "spatial_ref")})
        grid = area_reference.Grid(x[:].filled() * factor, y[:].filled() * factor, crs)
        step = float(np.median(np.diff(times)))
        windows = [m for m in (15, 20, 30, 60) if (m * 60 / step) % 1 == 0 and m * 60 / step <= len(times)]
        thresholds, amounts = [0.1, 1, 5, 10], [0.5, 2, 10]

        products = os.path.join(folder, "products.nc")
        run("products", path, "--output", products, "--accumulations", ",".join(map(str, windows)), "--exceedance",
            ",".join(map(str, thresholds)), "--amount-exceedance", ",".join(map(str, amounts)))
        worst, compared = 0.0, 0
        with netCDF4.Dataset(products) as made:
            flags = made["rainfall_rate_exceedance"][:]
            for index, threshold in enumerate(thresholds):
                own = np.where(np.isnan(rates), -1, rates.astype("f4") >= np.float32(threshold))
                check((np.ma.filled(flags[index], -1) == own).all(), f"{path}: exceedance of {threshold} mm/h")
            for minutes in windows:
                frames = round(minutes * 60 / step)
                own = np.array([rates[end - frames:end].sum(axis=0) for end in range(frames, len(times) + 1)]) * (step / 3600)
                its = np.ma.filled(made[f"rainfall_amount_{minutes}min"][:].astype("f8"), np.nan)
                check(its.shape == own.shape, f"{path}: {its.shape[0]} sums over {minutes} min, not {own.shape[0]}")
                check((np.isnan(its) == np.isnan(own)).all(), f"{path}: missing sums over {minutes} min")
                worst = max(worst, np.nanmax(np.abs(its - own) / np.maximum(np.abs(own), 1)))
                compared += np.isfinite(own).sum()
                ends = made[f"time_{minutes}min"][:].filled()
                bounds = made[f"time_{minutes}min_bounds"][:].filled()
                check((ends == times[frames - 1:]).all(), f"{path}: times of sums over {minutes} min")
                check((bounds == np.column_stack([ends - minutes * 60, ends])).all(), f"{path}: bounds over {minutes} min")
                reached = made[f"rainfall_amount_{minutes}min_exceedance"][:]
                for index, threshold in enumerate(amounts):
                    flag = np.where(np.isnan(its), -1, its >= threshold)
                    check((np.ma.filled(reached[index], -1) == flag).all(), f"{path}: {threshold} mm in {minutes} min")
        check(worst < 1e-5, f"{path}: sums are off by {worst:.1e}")
        print(f"{path}: {compared} sums over {windows} min, largest deviation {worst:.1e}")

        areas = options.areas
        if not areas:
            areas = os.path.join(folder, "areas.geojson")
            json.dump(circles(grid, crs), open(areas, "w"))
        table = os.path.join(folder, "areas.csv")
        run("catchments", path, "--areas", areas, "--output", table, "--accumulations", str(windows[-1]))
        rows = {(row["time"], row["catchment"]): row for row in csv.DictReader(open(table))}
        worst = dict(mean=0.0, max=0.0, covered=0.0)
        compared = 0
        frames = round(windows[-1] * 60 / step)
        names = list(area_reference.named(areas))
        check(len(rows) == len(names) * len(times), f"{path}: {len(rows)} lines")
        for name, geometry in names:
            weights, total = grid.shares(geometry)
            for index, moment in enumerate(times):
                row = rows[np.datetime_as_string(np.datetime64(int(moment), "s"), unit="m") + "Z", name]
                own = {"mm_h": area_reference.summary(rates[index], weights, total)}
                if index + 1 >= frames:
                    total_rain = rates[index + 1 - frames:index + 1].sum(axis=0) * (step / 3600)
                    own[f"{windows[-1]}min_mm"] = area_reference.summary(total_rain, weights, total)
                else:
                    check(row[f"mean_{windows[-1]}min_mm"] == "", f"{path}: a part of a window at {moment}")
                for unit, (mean, most, covered) in own.items():
                    column = "covered" if unit == "mm_h" else f"covered_{windows[-1]}min"
                    worst["covered"] = max(worst["covered"], abs(float(row[column]) - covered))
                    check((row["mean_" + unit] == "") == (mean is None), f"{path}: {name} at {moment} is missing or not")
                    if mean is not None and row["mean_" + unit]:
                        worst["mean"] = max(worst["mean"], abs(float(row["mean_" + unit]) - mean) / max(1, mean))
                        worst["max"] = max(worst["max"], abs(float(row["max_" + unit]) - most))
                        compared += 1
        check(worst["mean"] < 2e-4 and worst["covered"] < 2e-4 and worst["max"] < 1e-4, f"{path}: areas are off by {worst}")
        print(f"{path}: {compared} means of {len(names)} areas, largest deviations "
              + ", ".join(f"{name} {value:.1e}" for name, value in worst.items()))
if failures:
    raise SystemExit(f"{failures} checks failed")
print("ok")
