#!/usr/bin/env python3
"""Writes Fixtures/areas: small radar files in several projections, areas on them, and the rain over each area.

expected.json holds for each file and area the mean, the largest value and the covered share of both frames, worked out by
Scripts/area_reference.py with shapely and pyproj. Needs: pip install netCDF4 numpy pyproj shapely.
"""
import json
import pathlib
import shutil

import netCDF4
import numpy as np
import pyproj

import area_reference

folder = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "areas"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)

H, W = 18, 22
WGS84 = dict(semi_major_axis=6378137.0, inverse_flattening=298.257223563)
GRIDS = {
    "laea": dict(grid_mapping_name="lambert_azimuthal_equal_area", longitude_of_projection_origin=10.0,
                 latitude_of_projection_origin=52.0, false_easting=4321000.0, false_northing=3210000.0, **WGS84),
    "stere": dict(grid_mapping_name="polar_stereographic", straight_vertical_longitude_from_pole=10.0,
                  latitude_of_projection_origin=90.0, standard_parallel=60.0, false_easting=0.0, false_northing=0.0,
                  earth_radius=6370040.0),
    "lcc": dict(grid_mapping_name="lambert_conformal_conic", standard_parallel=[45.0, 55.0],
                longitude_of_central_meridian=9.0, latitude_of_projection_origin=50.0, false_easting=0.0,
                false_northing=0.0, **WGS84),
    "aea": dict(grid_mapping_name="albers_conical_equal_area", standard_parallel=[45.0, 55.0],
                longitude_of_central_meridian=11.0, latitude_of_projection_origin=50.0, false_easting=0.0,
                false_northing=0.0, **WGS84),
    "tmerc": dict(grid_mapping_name="transverse_mercator", scale_factor_at_central_meridian=0.9996,
                  longitude_of_central_meridian=9.0, latitude_of_projection_origin=0.0, false_easting=500000.0,
                  false_northing=0.0, **WGS84),
    "merc": dict(grid_mapping_name="mercator", longitude_of_projection_origin=0.0, standard_parallel=0.0,
                 false_easting=0.0, false_northing=0.0, **WGS84),
}
RANDOM = np.random.default_rng(7)


def rain():
    field = np.round(RANDOM.gamma(0.4, 6, (2, H, W)), 2)
    field[RANDOM.random(field.shape) < 0.1] = np.nan
    # What the radar never sees.
    field[:, :4, :5] = np.nan
    return field


def write(name, x, y, field, mapping=None, planes=None, units="m"):
    with netCDF4.Dataset(folder / f"{name}.nc", "w", format="NETCDF3_CLASSIC") as file:
        for dimension, size in (("time", 2), ("y", H), ("x", W)):
            file.createDimension(dimension, size)
        time = file.createVariable("time", "f8", ("time",))
        time.setncatts(dict(standard_name="time", units="seconds since 1970-01-01 00:00:00"))
        time[:] = [1604102400, 1604102700]
        kinds = ("latitude", "longitude") if units == "degrees" else ("projection_y_coordinate", "projection_x_coordinate")
        if planes is None:
            for axis, values, kind in (("y", y, kinds[0]), ("x", x, kinds[1])):
                variable = file.createVariable(axis, "f8", (axis,))
                suffix = {"latitude": "_north", "longitude": "_east"}.get(kind, "")
                variable.setncatts(dict(standard_name=kind, units=units + suffix))
                variable[:] = values
        variable = file.createVariable("rain", "f4", ("time", "y", "x"), fill_value=-1.0)
        variable.setncatts(dict(standard_name="rainfall_rate", units="mm h-1"))
        if mapping:
            file.createVariable("crs", "i4", ()).setncatts(mapping)
            variable.grid_mapping = "crs"
        if planes is not None:
            variable.coordinates = "lat lon"
            for plane, values, kind, unit in (("lat", planes[1], "latitude", "degrees_north"),
                                              ("lon", planes[0], "longitude", "degrees_east")):
                coordinate = file.createVariable(plane, "f8", ("y", "x"))
                coordinate.setncatts(dict(standard_name=kind, units=unit))
                coordinate[:] = values
        variable[:] = np.where(np.isnan(field), -1, field)


def ring(cx, cy, radius, count, flatness=0.6, wobble=0.0, clockwise=False):
    """An uneven round thing, closed."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radii = radius * (1 + wobble * np.sin(3 * angles + 1))
    points = [[round(cx + r * np.cos(a), 6), round(cy + flatness * r * np.sin(a), 6)] for r, a in zip(radii, angles)]
    points = points[::-1] if clockwise else points
    return points + [points[0]]


def areas(cx, cy, size):
    """Areas around a place, `size` the grid's half width in degrees."""
    def feature(name, kind, coordinates, **others):
        return dict(type="Feature", properties=dict(name=name, **others), geometry=dict(type=kind, coordinates=coordinates))
    lake = ring(cx, cy + 0.1 * size, 0.12 * size, 9, clockwise=True)
    return dict(type="FeatureCollection", features=[
        feature("Round", "Polygon", [ring(cx - 0.2 * size, cy, 0.35 * size, 40, wobble=0.2)]),
        feature("With a lake, \"Grand\"", "Polygon", [ring(cx, cy + 0.1 * size, 0.4 * size, 25), lake]),
        feature("Two parts", "MultiPolygon", [
            [ring(cx + 0.5 * size, cy + 0.2 * size, 0.2 * size, 12, clockwise=True)],
            [ring(cx + 0.5 * size, cy - 0.25 * size, 0.15 * size, 7)]]),
        feature("Tiny", "Polygon", [ring(cx + 0.03 * size, cy - 0.11 * size, 0.015 * size, 5)]),
        feature("Over the edge", "Polygon", [ring(cx + size, cy, 0.4 * size, 30)]),
        feature("Long edges", "Polygon", [[[cx - 3 * size, cy - 0.2 * size], [cx + 3 * size, cy - 0.3 * size],
                                           [cx + 3 * size, cy + 0.05 * size], [cx - 3 * size, cy - 0.2 * size]]]),
        feature("Elsewhere", "Polygon", [ring(cx + 5 * size, cy, 0.3 * size, 6)]),
        dict(type="Feature", properties=dict(name="A gauge"), geometry=dict(type="Point", coordinates=[cx, cy])),
    ])


expected = []


def case(name, grid, field, features):
    (folder / f"{name}.geojson").write_text(json.dumps(features) + "\n")
    entry = dict(file=f"{name}.nc", areas=f"{name}.geojson", values=[])
    for feature in features["features"]:
        if feature["geometry"]["type"] == "Point":
            continue
        weights, total = grid.shares(feature["geometry"])
        frames = [area_reference.summary(frame, weights, total) for frame in field.astype("f4").astype(float)]
        entry["values"].append(dict(
            name=feature["properties"]["name"], mean=[f[0] for f in frames], largest=[f[1] for f in frames],
            covered=[f[2] for f in frames]))
    expected.append(entry)


for name, mapping in GRIDS.items():
    crs = pyproj.CRS.from_cf(mapping)
    forward = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    x0, y0 = forward.transform(8.4, 49.1)
    step = 5000.0
    # Rows go up in one of them, and coordinates are in kilometres in another.
    x = x0 + (np.arange(W) - (W - 1) / 2) * step
    y = y0 - (np.arange(H) - (H - 1) / 2) * step * (-1 if name == "lcc" else 1)
    field = rain()
    scale = 1e-3 if name == "aea" else 1
    write(name, x * scale, y * scale, field, mapping, units="km" if name == "aea" else "m")
    case(name, area_reference.Grid(x, y, crs), field, areas(8.4, 49.1, 0.7))

# Latitudes and longitudes, across the zero meridian, counted from 0 to 360.
lon = (359.0 + np.arange(W) * 0.1) % 360
lat = 52 - np.arange(H) * 0.07
field = rain()
write("degrees", lon, lat, field, units="degrees")
case("degrees", area_reference.Grid(np.unwrap(lon, period=360), lat), field, areas(0.05, 51.4, 1.0))

# Only the latitude and longitude of every pixel are told, here of an oblique Mercator projection.
crs = pyproj.CRS.from_proj4("+proj=somerc +lat_0=46.9524 +lon_0=7.43958 +x_0=600000 +y_0=200000 +ellps=bessel")
inverse = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
x = 600000 + np.arange(W) * 4000.0
y = 250000 - np.arange(H) * 4000.0
planes = inverse.transform(*np.meshgrid(x, y))
field = rain()
write("planes", x, y, field, planes=planes)
case("planes", area_reference.Grid(x, y, crs), field, areas(8.0, 47.1, 0.5))

(folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
print(f"{len(expected)} files, {sum(len(entry['values']) for entry in expected)} areas: {folder}")
