#!/usr/bin/env python3
"""Holds what `nowcast convert` makes of HDF5 radar files against an independent reading with h5py and pyproj.

    python Scripts/check-reading-hdf5.py PATH...  [--nowcast .build/release/nowcast]   needs numpy, h5py, netCDF4, pyproj

A PATH is an ODIM_H5 or KNMI file or a folder of such, of one grid each. Every pixel of every frame is compared, and the
times, the coordinates of pixel centres and, through the written grid mapping, the longitude and latitude of the corners.
One line a path; exit status 0 all equal, 1 a deviation, 2 nothing to compare.
"""
import argparse
import datetime
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import h5py
import netCDF4
import numpy as np
from pyproj import CRS, Proj


def text(value):
    value = np.ravel(value)[0]
    return (value.decode() if isinstance(value, bytes) else str(value)).strip("\0 ")


def number(value):
    return float(np.ravel(value)[0])


def utc(moment):
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()


def rain_rate(kind, values, missing, dry, hours):
    if kind == "reflectivity":
        values = (10.0 ** (values / 10) / 200) ** (1 / 1.6)
    elif kind == "amount":
        values = values / hours
    # More rain than any has is cut.
    return np.where(missing, np.nan, np.where(dry, 0, np.minimum(values, 1000)))


def odim(file):
    """The first image of rain of an ODIM file with one: time, rain rate, projection, corners."""
    kinds = {"RATE": "rate", "ACRR": "amount", "DBZH": "reflectivity", "TH": "reflectivity"}
    for dataset in sorted(name for name in file if name.startswith("dataset")):
        for data in sorted(name for name in file[dataset] if re.fullmatch(r"data\d+", name)):
            what, where = {}, {}
            for group in (file, file[dataset], file[dataset][data]):
                what.update(group["what"].attrs if "what" in group else {})
                where.update(group["where"].attrs if "where" in group else {})
            kind = kinds.get(text(what["quantity"]))
            if kind is None:
                continue
            stored = file[dataset][data]["data"][...].astype("f8")
            moments = {name: utc(datetime.datetime.strptime(
                text(what[f"{name}date"]) + text(what[f"{name}time"]), "%Y%m%d%H%M%S"))
                for name in ("", "start", "end") if f"{name}date" in what}
            hours = (moments["end"] - moments["start"]) / 3600 if kind == "amount" else None
            values = stored * number(what["gain"]) + number(what["offset"])
            missing, dry = stored == number(what["nodata"]), stored == number(what["undetect"])
            if kind == "reflectivity":
                dry |= values <= -32
            corners = {name: (number(where[f"{name}_lon"]), number(where[f"{name}_lat"]))
                       for name in ("UL", "UR", "LL", "LR")}
            time = moments["end"] if kind == "amount" else moments[""]
            return time, rain_rate(kind, values, missing, dry, hours), text(where["projdef"]), corners
    raise SystemExit(f"{file.filename}: no image of rain")


def knmi(file):
    """The first image of a KNMI file."""
    group = file["image1"]
    calibration = group["calibration"].attrs
    gain, offset = re.fullmatch(
        r"GEO=([-+.\de]+)\*PV\+?([-+.\de]+)", text(calibration["calibration_formulas"]).replace(" ", "")).groups()
    stored = group["image_data"][...].astype("f8")
    missing = np.isin(stored, [number(calibration[f"calibration_{name}"]) for name in ("missing_data", "out_of_image")])
    start, end = (utc(datetime.datetime.strptime(
        text(file["overview"].attrs[f"product_datetime_{name}"]), "%d-%b-%Y;%H:%M:%S.%f")) for name in ("start", "end"))
    kind = "amount" if "[MM]" in text(group.attrs["image_geo_parameter"]) else "reflectivity"
    values = stored * float(gain) + float(offset)
    dry = (stored == 0) if kind == "reflectivity" else np.zeros_like(missing)
    order = ["LL", "UL", "UR", "LR"]
    places = np.reshape(file["geographic"].attrs["geo_product_corners"], (4, 2)).astype("f8")
    # The lengths of the text are kilometres, and so would be the coordinates.
    projection = text(file["geographic/map_projection"].attrs["projection_proj4_params"])
    projection = re.sub(r"\+(a|b)=([\d.]+)", lambda m: f"+{m[1]}={float(m[2]) * 1000}", projection)
    return (end, rain_rate(kind, values, missing, dry, (end - start) / 3600 or None), projection,
            dict(zip(order, map(tuple, places))))


def compare(path, program, folder):
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and h5py.is_hdf5(p))
    frames = []
    for name in files:
        with h5py.File(name) as file:
            frames.append(knmi(file) if "overview" in file else odim(file))
    if not frames:
        print(f"{path}: no HDF5 files")
        return None
    frames.sort(key=lambda frame: frame[0])
    output = folder / "converted.nc"
    subprocess.run([program, "convert", str(path), "--output", str(output), "--overwrite", "--quiet"], check=True)
    deviations = []
    with netCDF4.Dataset(output) as made:
        times = made["time"][:].data
        if list(times) != [frame[0] for frame in frames]:
            deviations.append(f"times {times} against {[frame[0] for frame in frames]}")
        rain = made["rainfall_rate"]
        largest, missing, count = 0.0, 0, 0
        for index, (_, wanted, _, _) in enumerate(frames):
            found = np.ma.filled(rain[index].astype("f8"), np.nan)
            if not np.array_equal(np.isnan(found), np.isnan(wanted)):
                deviations.append(f"frame {index}: {np.sum(np.isnan(found) != np.isnan(wanted))} pixels missing in one only")
            if np.sum((found == 0) != (wanted == 0)):
                deviations.append(f"frame {index}: {np.sum((found == 0) != (wanted == 0))} pixels dry in one only")
            with np.errstate(all="ignore"):
                relative = np.nanmax(np.where(wanted > 0, np.abs(found - wanted) / wanted, np.abs(found - wanted)))
            largest = max(largest, relative)
            missing, count = missing + int(np.isnan(wanted).sum()), count + wanted.size
        if not largest <= 1e-6:
            deviations.append(f"values differ by up to {largest:g} of themselves")

        _, wanted, definition, corners = frames[0]
        height, width = wanted.shape
        project = Proj(definition)
        xy = {name: project(*place) for name, place in corners.items()}
        left, right = (np.mean([xy[a][0], xy[b][0]]) for a, b in (("UL", "LL"), ("UR", "LR")))
        top, bottom = (np.mean([xy[a][1], xy[b][1]]) for a, b in (("UL", "UR"), ("LL", "LR")))
        step_x, step_y = (right - left) / width, (bottom - top) / height
        y_name, x_name = rain.dimensions[1:]
        off = max(np.max(np.abs(made[x_name][:] - (left + (np.arange(width) + 0.5) * step_x)) / abs(step_x)),
                  np.max(np.abs(made[y_name][:] - (top + (np.arange(height) + 0.5) * step_y)) / abs(step_y)))
        if off > 0.05:
            deviations.append(f"coordinates are off by {off:.3f} pixels")
        # Back to Earth through what was written, as any other program would go.
        mapping = made[rain.grid_mapping]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            written = Proj(CRS.from_cf({name: mapping.getncattr(name) for name in mapping.ncattrs() if name != "proj4"}))
        x, y = made[x_name][:].data, made[y_name][:].data
        edge = {"UL": (x[0] - step_x / 2, y[0] - step_y / 2), "LR": (x[-1] + step_x / 2, y[-1] + step_y / 2)}
        astray = 0.0
        for name, place in edge.items():
            back = project(*written(*place, inverse=True))
            astray = max(astray, abs(back[0] - xy[name][0]) / abs(step_x), abs(back[1] - xy[name][1]) / abs(step_y))
        if astray > 0.05:
            deviations.append(f"corners come back {astray:.3f} pixels astray through the grid mapping")
    print(f"{path}: {len(frames)} frames of {height} × {width}, {100 * missing / count:.1f} % missing; largest relative "
          f"difference {largest:.1e}, coordinates within {off:.4f} and corners within {astray:.4f} pixels"
          + ("" if not deviations else "\n  DEVIATES: " + "\n  DEVIATES: ".join(deviations)))
    return not deviations


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    parser.add_argument("--nowcast", default=str(pathlib.Path(__file__).resolve().parent.parent / ".build/release/nowcast"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = [compare(path, options.nowcast, pathlib.Path(folder)) for path in options.paths]
    sys.exit(2 if None in results else 0 if all(results) else 1)


if __name__ == "__main__":
    main()
