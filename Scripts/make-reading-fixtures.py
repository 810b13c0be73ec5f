#!/usr/bin/env python3
"""Writes Fixtures/reading: small NetCDF files that differ as real radar files do, and what they hold.

expected.json says for each file what must come out of it, computed here from the numbers that go in and not by reading
the files: rain rate in mm/h row by row from the first row of the file, null where missing; times in seconds since
1970-01-01; or words that the refusal must contain. Needs: pip install netCDF4 numpy.
"""
import json
import pathlib
import shutil

import netCDF4
import numpy as np

folder = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "reading"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
cases = []

H, W = 3, 4
# 2020-10-31 00:00 UTC
T0 = 1604102400
RAIN = np.array(
    [[[0, 0.5, 1, 2], [4, 8, np.nan, 0], [0, 0, 3, 12.5]], [[1, 0, np.nan, 2.5], [0.5, 6, 7, 0], [10, 0, 0, 20]]]
)
EPOCH = "seconds since 1970-01-01 00:00:00"


class File(netCDF4.Dataset):
    """A file with the dimensions y and x of 1 km and a time every 300 s, as far as they are wanted."""

    def __init__(self, name, format="NETCDF3_CLASSIC", times=(T0, T0 + 300), plane=True):
        super().__init__(folder / name, "w", format=format)
        if plane:
            self.axis("y", [2000, 1000, 0], standard_name="projection_y_coordinate", units="m")
            self.axis("x", [0, 1000, 2000, 3000], standard_name="projection_x_coordinate", units="m")
        if times is not None:
            self.axis("time", times, standard_name="time", units=EPOCH)

    def axis(self, name, values, dtype="f8", dimension=None, **attributes):
        dimension = dimension or name
        if dimension not in self.dimensions:
            self.createDimension(dimension, len(values))
        return self.put(name, (dimension,), values, dtype, **attributes)

    def put(self, name, dimensions, stored, dtype="f4", fill=None, **attributes):
        variable = self.createVariable(name, dtype, dimensions, fill_value=fill)
        variable.set_auto_maskandscale(False)
        for key, value in attributes.items():
            variable.setncattr(key, value)
        if stored is not None:
            stored = np.asarray(stored)
            variable[...] = stored if dtype == "S1" else stored.astype(dtype)
        return variable


def expect(name, rain=RAIN, times=(T0, T0 + 300), tolerance=1e-6, variable=None, units=None, files=None, **more):
    cases.append(
        {
            "files": files or [name],
            "rain": [[None if not np.isfinite(v) else float(v) for v in np.ravel(frame)] for frame in rain],
            "times": [float(t) for t in times],
            "tolerance": tolerance,
            "variable": variable,
            "units": units,
            **more,
        }
    )


def refuse(name, *words, variable=None, units=None):
    cases.append({"files": [name], "words": list(words), "variable": variable, "units": units})


FRAME = ("time", "y", "x")
MM = {"units": "mm h-1"}

# --- Containers
for label, format in [
    ("classic", "NETCDF3_CLASSIC"), ("offset64", "NETCDF3_64BIT_OFFSET"), ("cdf5", "NETCDF3_64BIT_DATA"),
    ("netcdf4", "NETCDF4"), ("netcdf4-classic", "NETCDF4_CLASSIC"),
]:
    with File(f"container-{label}.nc", format) as f:
        f.put("rain", FRAME, RAIN, **MM)
    expect(f"container-{label}.nc")

with File("container-groups.nc", "NETCDF4", times=None) as f:
    f.put("crs", (), 0, "i4", grid_mapping_name="lambert_azimuthal_equal_area", latitude_of_projection_origin=50.0)
    inner = f.createGroup("dataset1").createGroup("data1")
    inner.createDimension("time", 2)
    t = inner.createVariable("time", "i4", ("time",))
    t.units, t[:] = "minutes since 2020-10-31 00:00", [0, 5]
    r = inner.createVariable("RATE", "f4", FRAME)
    r.units, r.grid_mapping, r[:] = "mm/h", "crs", RAIN
    q = f.createGroup("quality").createVariable("QIND", "f4", ("y", "x"))
    q.long_name, q[:] = "quality index", np.ones((H, W))
expect("container-groups.nc", spacing=1000, chosen="/dataset1/data1/RATE", mapping="lambert_azimuthal_equal_area")

# --- The choice of the variable
with File("choice-auxiliaries.nc", "NETCDF4") as f:
    f.createDimension("bnds", 2)
    f["time"].bounds = "time_bnds"
    f.put("time_bnds", ("time", "bnds"), [[T0 - 300, T0], [T0, T0 + 300]], "f8")
    f.put("lat_bnds", ("y", "bnds"), np.ones((H, 2)), "f8")
    f.put("lon", ("y", "x"), np.ones((H, W)), units="degrees_east", standard_name="longitude")
    f.put("latitude", ("y", "x"), np.ones((H, W)))
    f.put("quality", FRAME, np.ones((2, H, W)), units="1")
    f.put("n_radars", FRAME, np.ones((2, H, W)), "i2", long_name="number of radars")
    f.put("rain_error", FRAME, np.ones((2, H, W)), units="mm h-1")
    f.put("height", ("y", "x"), np.ones((H, W)), units="m")
    f.put("daily", ("y", "x"), np.ones((H, W)), units="mm", long_name="precipitation of the day")
    f.put("u", FRAME, np.ones((2, H, W)), units="m s-1")
    f.put("product", FRAME, RAIN, **MM)
expect("choice-auxiliaries.nc", chosen="product")
with File("choice-constraint.nc") as f:
    f.put("a", FRAME, RAIN, standard_name="height_above_terrain", **MM)
    f.put("b", FRAME, RAIN, standard_name="rainfall_rate", **MM)
expect("choice-constraint.nc", chosen="b")
with File("choice-two.nc") as f:
    f.put("rr", FRAME, RAIN, standard_name="rainfall_rate", **MM)
    f.put("ra", FRAME, RAIN, standard_name="rainfall_amount", units="kg m-2", long_name="five minute sum")
refuse("choice-two.nc", "'rr' (a rain rate in mm h-1)", "'ra' (an amount of rain in kg m-2, five minute sum)", "--variable")
expect("choice-two.nc", variable="rr")
expect("choice-two.nc", rain=RAIN * 12, variable="ra", tolerance=1e-5)
with File("choice-named-without-units.nc") as f:
    f.put("rain", FRAME, RAIN)
    f.put("speed", FRAME, RAIN, units="m s-1")
    f.put("x_wind", FRAME, RAIN, units="m s-1")
refuse("choice-named-without-units.nc", "'rain'", "states no units", "--units")
expect("choice-named-without-units.nc", units="mm/h")
with File("choice-several-without-units.nc") as f:
    f.put("data", FRAME, RAIN)
    f.put("dBZ", FRAME, RAIN)
    f.put("quality", FRAME, RAIN)
refuse("choice-several-without-units.nc", "'data'", "'dBZ'", "--variable", "--units")
refuse("choice-several-without-units.nc", "'data' (a rain rate in mm/h)", "'dBZ' (a rain rate", units="mm/h")

# --- Dimensions
with File("dimensions-yxt.nc") as f:
    f.put("rain", ("y", "x", "time"), np.moveaxis(RAIN, 0, -1), **MM)
expect("dimensions-yxt.nc")
with File("dimensions-xty.nc") as f:
    f.put("rain", ("x", "time", "y"), np.transpose(RAIN, (2, 0, 1)), **MM)
expect("dimensions-xty.nc")
with File("dimensions-names.nc", times=None, plane=False) as f:
    f.createDimension("record", 2)
    f.createDimension("down", H)
    f.createDimension("across", W)
    f.put("when", ("record",), [T0, T0 + 300], "f8", units=EPOCH)
    f.put("northing", ("down",), [2000, 1000, 0], "f8", standard_name="projection_y_coordinate", units="m")
    f.put("easting", ("across",), [0, 1000, 2000, 3000], "f8", standard_name="projection_x_coordinate", units="m")
    f.put("rain", ("across", "record", "down"), np.transpose(RAIN, (2, 0, 1)), **MM)
expect("dimensions-names.nc", spacing=1000)
with File("dimensions-single.nc") as f:
    f.axis("height", [10], units="m", positive="up")
    f.createDimension("member", 1)
    f.createDimension("band", 1)
    f.put("rain", ("member", "time", "height", "y", "x", "band"), RAIN.reshape(1, 2, 1, H, W, 1), **MM)
expect("dimensions-single.nc", note="'member', 'height', 'band'")
with File("dimensions-members.nc") as f:
    f.createDimension("member", 3)
    f.put("rain", ("time", "member", "y", "x"), np.ones((2, 3, H, W)), **MM)
refuse("dimensions-members.nc", "no variable has frames", "(time 2, member 3, y 3, x 4)")
with File("dimensions-bare.nc", plane=False) as f:
    f.createDimension("nx", W)
    f.createDimension("ny", H)
    f.put("rain", ("time", "nx", "ny"), np.swapaxes(RAIN, 1, 2), **MM)
expect("dimensions-bare.nc", spacing=None)
with File("dimensions-kilometres-up.nc", plane=False) as f:
    f.axis("y", [-1, 0, 1], units="km")
    f.axis("x", [0.5, 1.5, 2.5, 3.5], units="km")
    f.put("rain", FRAME, RAIN, **MM)
expect("dimensions-kilometres-up.nc", spacing=1000)
degree = np.pi / 180 * 6371000
for label, units in [("degrees", ("degrees_north", "degrees_east")), ("loose-degrees", ("deg", "deg"))]:
    with File(f"dimensions-{label}.nc", plane=False) as f:
        f.axis("lat", [60.1, 60.0, 59.9], units=units[0])
        f.axis("lon", [10.0, 10.1, 10.2, 10.3], "f4", units=units[1])
        f.put("rain", ("time", "lat", "lon"), RAIN, **MM)
    expect(f"dimensions-{label}.nc", spacing=0.1 * degree * (1 + np.cos(np.pi / 3)) / 2, geographic=True)
with File("dimensions-plane-coordinates.nc", plane=False) as f:
    f.createDimension("j", H)
    f.createDimension("i", W)
    f.put("lat", ("j", "i"), 60.1 - 0.1 * np.arange(H)[:, None] + np.zeros((H, W)), "f8", units="degrees_north", standard_name="latitude")
    f.put("lon", ("j", "i"), 10 + 0.1 * np.arange(W)[None, :] + np.zeros((H, W)), "f8", units="degrees_east", standard_name="longitude")
    f.put("rain", ("time", "j", "i"), RAIN, coordinates="lat lon", **MM)
expect("dimensions-plane-coordinates.nc")

# --- Packing and missing values
finite = np.nan_to_num(RAIN, nan=-1)
for dtype, fill in [("i1", -1), ("u1", 255), ("i2", -1), ("u2", 65535), ("i4", -1), ("u4", 4294967295), ("i8", -1), ("f4", -1), ("f8", -1)]:
    with File(f"packing-{dtype}.nc", "NETCDF3_64BIT_DATA") as f:
        stored = np.where(np.isnan(RAIN), fill, finite * 4 + 8)
        f.put("rain", FRAME, stored, dtype, fill, scale_factor=0.25, add_offset=-2.0, **MM)
    expect(f"packing-{dtype}.nc")
with File("packing-unsigned.nc") as f:
    stored = np.where(np.isnan(RAIN), 255, finite * 10 + 40).astype("u1").view("i1")
    f.put("rain", FRAME, stored, "i1", -1, scale_factor=np.float32(0.1), add_offset=np.float32(-4), _Unsigned="true", **MM)
expect("packing-unsigned.nc")
with File("packing-text-scale.nc") as f:
    f.put("rain", FRAME, np.where(np.isnan(RAIN), -9, finite * 2), "i2", scale_factor="0.5", missing_value="-9", **MM)
expect("packing-text-scale.nc")
with File("packing-no-scale.nc") as f:
    f.put("rain", FRAME, np.nan_to_num(RAIN), "i2", scale_factor="half", **MM)
refuse("packing-no-scale.nc", "scale_factor", "not a usable number")
with File("missing-list.nc") as f:
    stored = np.where(np.isnan(RAIN), [[[-8]], [[-9]]], finite)
    f.put("rain", FRAME, stored, missing_value=np.array([-8, -9], "f4"), **MM)
expect("missing-list.nc")
with File("missing-range.nc") as f:
    f.put("rain", FRAME, np.nan_to_num(RAIN, nan=99), valid_range=np.array([0, 50], "f4"), **MM)
expect("missing-range.nc")
with File("missing-limits.nc") as f:
    f.put("rain", FRAME, np.nan_to_num(RAIN * 2, nan=-7), "i2", scale_factor=0.5, valid_min=np.int16(0), valid_max=np.int16(100), **MM)
expect("missing-limits.nc")
for dtype in ["i2", "i4", "f4", "f8"]:
    with File(f"missing-default-{dtype}.nc") as f:
        f.put("rain", FRAME, np.where(np.isnan(RAIN), netCDF4.default_fillvals[dtype], finite * 2), dtype, **{"units": "0.5 mm h-1"})
    expect(f"missing-default-{dtype}.nc")
with File("missing-negative.nc") as f:
    f.put("rain", FRAME, np.nan_to_num(RAIN, nan=-999), **MM)
expect("missing-negative.nc", warning="2 negative values are taken as missing")

for label, dtype, code in [("f4", "f4", 1e30), ("f8", "f8", 9.9e36), ("i4", "i4", 2**31 - 1), ("u2", "u2", 65535)]:
    # A code that no attribute declares, beside one that is.
    with File(f"missing-undeclared-{label}.nc", "NETCDF3_64BIT_DATA") as f:
        f.put("rain", FRAME, np.nan_to_num(RAIN * 2, nan=code), dtype, -1 if dtype != "u2" else 65534, units="0.5 mm h-1")
    expect(f"missing-undeclared-{label}.nc", warning="2 values that no rain has")
with File("packing-constant.nc") as f:
    stored = np.where(np.isnan(RAIN), -1, finite)
    f.put("rain", FRAME, stored, "i2", -1, scale_factor=0.0, add_offset=1.5, **MM)
expect("packing-constant.nc", rain=np.where(np.isnan(RAIN), np.nan, 1.5))
with File("packing-nothing.nc") as f:
    f.put("rain", FRAME, np.nan_to_num(RAIN), "i2", scale_factor=0.0, **MM)
refuse("packing-nothing.nc", "scale_factor", "not a usable number")

# --- Codes among the values
flagged = np.where(np.isnan(RAIN), [[[-1]], [[-2]]], np.where(RAIN == 0, -3, finite))
with File("flags-values.nc") as f:
    f.put("rain", FRAME, flagged, flag_values=np.array([-1, -2, -3], "f4"), flag_meanings="no_data outside_coverage no_precipitation", **MM)
expect("flags-values.nc", note="no_precipitation")
with File("flags-packed.nc") as f:
    f.put("rain", FRAME, np.where(flagged < 0, 251 - flagged, flagged * 10), "i2", scale_factor=0.1, standard_name="rainfall_rate",
          flag_values=np.array([252, 253, 254], "i2"), flag_meanings="no_data beam_blockage undetected", **MM)
expect("flags-packed.nc", note="undetected")
with File("flags-beside.nc") as f:
    f.put("rain", FRAME, RAIN, **MM)
    f.put("precipitation_status", FRAME, np.zeros((2, H, W)), "i1", units="1", flag_values=np.array([0, 1], "i1"), flag_meanings="dry wet")
expect("flags-beside.nc", chosen="rain")
with File("flags-unclear.nc") as f:
    f.put("rain", FRAME, flagged, flag_values=np.array([-1, -2, -3], "f4"), flag_meanings="no_data dry", **MM)
refuse("flags-unclear.nc", "'rain'", "flag_meanings")

# --- No echo and no data


def rate(dbz):
    return (10 ** (np.asarray(dbz, "f8") / 10) / 200) ** (1 / 1.6)


dbz = np.array([-32, 20, 35, np.nan, -10, 50, 0, -32, 25, 30, 40, 15], "f8").reshape(1, H, W)
wet = np.where(dbz <= -32, 0, rate(dbz))
ONE = {"times": [T0]}
with File("echo-packed.nc", **ONE) as f:
    f.put("DBZH", FRAME, np.where(np.isnan(dbz), 255, dbz * 2 + 64), "i2", 255, scale_factor=0.5, add_offset=-32.0, valid_min=np.int16(0), units="dBZ")
expect("echo-packed.nc", rain=wet, **ONE)
with File("echo-codes.nc", "NETCDF3_64BIT_DATA", **ONE) as f:
    stored = np.where(np.isnan(dbz), 255, np.where(dbz <= -32, 0, dbz * 2 + 66))
    f.put("th", FRAME, stored, "u1", scale_factor=0.5, add_offset=-33.0, units="dBZ", undetect=np.uint8(0), nodata=np.uint8(255), standard_name="equivalent_reflectivity_factor")
expect("echo-codes.nc", rain=wet, **ONE)
with File("echo-float.nc", **ONE) as f:
    f.put("reflectivity", FRAME, np.where(np.isnan(dbz), -999, np.where(dbz <= -32, -np.inf, dbz)), units="dBZ")
expect("echo-float.nc", rain=wet, warning="1 value that no rain has", **ONE)
with File("echo-linear.nc", **ONE) as f:
    f.put("z", FRAME, np.where(dbz <= -32, 0, 10 ** (dbz / 10)), "f8", units="mm6 m-3", standard_name="equivalent_reflectivity_factor")
expect("echo-linear.nc", rain=wet, **ONE)
with File("echo-dbr.nc", **ONE) as f:
    with np.errstate(divide="ignore"):
        f.put("rain", FRAME, np.where(RAIN[:1] == 0, -15, 10 * np.log10(RAIN[:1])), "f8", units="dBR")
expect("echo-dbr.nc", rain=RAIN[:1], tolerance=1e-5, **ONE)

with File("echo-no-code.nc", "NETCDF3_64BIT_DATA", **ONE) as f:
    stored = np.where(np.isnan(dbz), 255, dbz * 2 + 64)
    f.put("DBZH", FRAME, stored, "u1", scale_factor=0.5, add_offset=-32.0, units="DBZ")
expect("echo-no-code.nc", rain=wet, warning="1 value that no rain has", **ONE)

# --- Units
for index, (units, factor) in enumerate(
    [
        ("mm/hr", 1), ("mm/h", 1), ("mm hr^-1", 1), ("mm h**-1", 1), ("kg m-2 s-1", 3600), ("kg/m2/h", 1), ("m s-1", 3.6e6),
        ("in/h", 25.4), ("inches/hour", 25.4), ("mm/day", 1 / 24), ("cm h-1", 10), ("mm per 15 min", 4), ("mm/5min", 12),
        ("kg m-2 per 10 minutes", 6), ("mm (15 min)-1", 4), ("mm 10min-1", 6), ("l m-2 h-1", 1), ("0.1 mm h-1", 0.1),
        ("mm h⁻¹", 1), ("mm·h⁻¹", 1), ("mm h\u22121", 1), ("mm h^{-1}", 1), ("MM/H", 1), ("KG M-2 S-1", 3600), ("Mm/h", 1),
        ("millimeters per hour", 1), ("mm in 5 min", 12), ("mm_h-1", 1),
    ]
):
    with File(f"units-rate-{index:02}.nc") as f:
        f.put("rain", FRAME, RAIN / factor, "f8", units=units)
    # Longer than the step of 300 s, which the reader must tell.
    longer = {"warning": "overlap"} if any(n in units for n in ["10", "15"]) else {}
    expect(f"units-rate-{index:02}.nc", tolerance=1e-5, **longer)
for index, (units, factor) in enumerate([("mm", 1), ("kg m-2", 1), ("kg/m^2", 1), ("m", 1000), ("inch", 25.4), ("0.01 mm", 0.01), ("1/100 mm", 0.01), ("MM", 1)]):
    with File(f"units-amount-{index}.nc") as f:
        f.put("rain", FRAME, RAIN / 12 / factor, "f8", units=units)
    expect(f"units-amount-{index}.nc", tolerance=1e-5, note="the step of its times")
with File("units-absurd.nc") as f:
    f.put("rain", FRAME, np.where(RAIN == 20, 8647, RAIN), **MM)
expect("units-absurd.nc", rain=np.where(RAIN == 20, 1000, RAIN), warning="1 value above 1000 mm/h")
with File("units-none.nc") as f:
    f.put("rain", FRAME, RAIN, standard_name="rainfall_rate")
refuse("units-none.nc", "states no units", "--units")
expect("units-none.nc", units="mm h-1")
with File("units-one.nc") as f:
    f.put("rain", FRAME, RAIN, units="1")
refuse("units-one.nc", "its units are '1', which says nothing", "--units")
expect("units-one.nc", units="mm h-1")

for name in ["unit", "Units"]:
    with File(f"units-spelled-{name}.nc") as f:
        f.put("rain", FRAME, RAIN, **{name: "mm h-1", "standard_name": "rainfall_rate"})
    expect(f"units-spelled-{name}.nc", note=f"its units are in the attribute '{name}'")
with File("units-of-something-else.nc") as f:
    f.put("rain", FRAME, RAIN, units="dB")
refuse("units-of-something-else.nc", "'rain'")
expect("units-of-something-else.nc", variable="rain", units="mm/h", warning="'dB'")

# --- Intervals of amounts
AMOUNT = {"units": "mm", "standard_name": "rainfall_amount"}
with File("interval-bounds.nc") as f:
    f.createDimension("nv", 2)
    f["time"].bounds = "b"
    f.put("b", ("time", "nv"), [[T0 - 300, T0 + 300], [T0 + 300, T0 + 900]], "f8")
    f["time"][:] = [T0, T0 + 600]
    f.put("r", FRAME, RAIN / 6, "f8", **AMOUNT)
expect("interval-bounds.nc", times=[T0 + 300, T0 + 900], tolerance=1e-5)
with File("interval-starts.nc", times=None) as f:
    f.createDimension("time", 2)
    f.put("time", ("time",), [T0, T0 + 900], "f8", units=EPOCH, long_name="start of the interval")
    f.put("end_time", ("time",), [T0 + 900, T0 + 1800], "f8", units=EPOCH)
    f.put("r", FRAME, RAIN / 4, "f8", **AMOUNT)
expect("interval-starts.nc", times=[T0 + 900, T0 + 1800], tolerance=1e-5)
for index, attributes in enumerate(
    [
        {"cell_methods": "time: sum (interval: 15 minutes)"}, {"accumulation_period": "15 min"}, {"accum_time_h": 0.25},
        {"accumulation_time": "PT15M"}, {"long_name": "15-minute rainfall sum"}, {"integration_time_s": 900},
    ]
):
    with File(f"interval-attribute-{index}.nc", **ONE) as f:
        f.put("r", FRAME, RAIN[:1] / 4, "f8", **AMOUNT, **attributes)
    expect(f"interval-attribute-{index}.nc", rain=RAIN[:1], tolerance=1e-5, note="the interval of its amounts is taken from its", **ONE)
with File("interval-coverage.nc", **ONE) as f:
    f.time_coverage_start, f.time_coverage_end = "2020-10-30T23:50:00Z", "2020-10-31T00:00:00Z"
    f.put("r", FRAME, RAIN[:1] / 6, "f8", **AMOUNT)
expect("interval-coverage.nc", rain=RAIN[:1], tolerance=1e-5, **ONE)
with File("interval-unknown.nc", **ONE) as f:
    f.put("r", FRAME, RAIN[:1], **AMOUNT)
refuse("interval-unknown.nc", "amount", "single frame", "over which interval")
with File("interval-running.nc") as f:
    f.createDimension("nv", 2)
    f["time"].bounds = "b"
    f.put("b", ("time", "nv"), [[T0 - 300, T0], [T0 - 300, T0 + 300]], "f8")
    f.put("r", FRAME, RAIN, **AMOUNT)
refuse("interval-running.nc", "running total")

# --- Times
for index, (units, values, dtype, attributes) in enumerate(
    [
        ("minutes since 2020-10-31", [0, 5], "i4", {"calendar": "gregorian"}),
        ("hours since 2020-10-31T00:00:00Z", [0, 1 / 12], "f8", {"calendar": "proleptic_gregorian"}),
        ("days since 2020-10-31 02:00 +2:00", [0, 5 / 1440], "f8", {"calendar": "standard"}),
        ("msec since 2020-10-31 00:00:00 UTC", [0, 300000], "i4", {}),
        ("nanoseconds since 1970-01-01", [T0 * 10**9, (T0 + 300) * 10**9], "i8", {}),
        ("microseconds since 2020-10-31", [0, 3e8], "f8", {}),
        ("Seconds Since 2020-10-31 00:00:00.0", [0, 300], "f4", {}),
        ("day as %Y%m%d.%f", [20201031, 20201031 + 300 / 86400], "f8", {}),
        ("seconds since 2020-10-31 00:00:00.0 0:00", [0, 300], "f8", {}),
        ("minutes since 2020-10-31 00:00:00 GMT", [0, 5], "i2", {}),
        ("seconds since 2020-10-31T00:00:00+00:00", [0, 300], "i4", {}),
        ("days since 1970-1-1", [T0 / 86400, (T0 + 300) / 86400], "f8", {"calendar": "Gregorian"}),
        ("hours since 1900-01-01 00:00:0.0", [T0 / 3600 + 613608, (T0 + 300) / 3600 + 613608], "f8", {}),
    ]
):
    with File(f"time-{index}.nc", "NETCDF3_64BIT_DATA", times=None) as f:
        f.axis("time", values, dtype, standard_name="time", units=units, **attributes)
        f.put("rain", FRAME, RAIN, **MM)
    expect(f"time-{index}.nc", timeTolerance=0.02)
with File("time-text.nc", times=None) as f:
    f.createDimension("time", 2)
    f.createDimension("letters", 20)
    f.put("time", ("time", "letters"), netCDF4.stringtochar(np.array(["2020-10-31T00:00:00Z", "2020-10-31T00:05:00Z"], "S20")), "S1")
    f.put("rain", FRAME, RAIN, **MM)
expect("time-text.nc")
with File("time-strings.nc", "NETCDF4", times=None) as f:
    f.createDimension("time", 2)
    f.put("time", ("time",), None, str)[...] = np.array(["2020-10-31 00:00", "2020-10-31 00:05"], object)
    f.put("rain", FRAME, RAIN, **MM)
expect("time-strings.nc")
with File("time-scalar.nc", times=None) as f:
    f.put("valid_time", (), T0, "f8", units=EPOCH, standard_name="time")
    f.put("created", (), T0 + 99, "f8", units=EPOCH, long_name="time of making")
    f.put("rain", ("y", "x"), RAIN[0], **MM)
expect("time-scalar.nc", rain=RAIN[:1], **ONE)
with File("time-attribute-20190101_0000.nc", times=None) as f:
    f.nominal_time = "2020-10-31 00:00:00"
    f.put("rain", ("y", "x"), RAIN[0], **MM)
expect("time-attribute-20190101_0000.nc", rain=RAIN[:1], warning="taken from the global attribute 'nominal_time'", **ONE)
for name in ["time-name_202010310000.nc", "time-name.20201031T0000Z.nc", "time-name_2020-10-31_00-00-00.nc", "time-name66_20201031_000000.prcp.nc",
             "time-name_2020.10.31.00.00.nc", "time-name.20201031-S000000-E002959.nc", "time-name_2010310000-dwd.nc"]:
    with File(name, times=None) as f:
        f.put("rain", ("y", "x"), RAIN[0], **MM)
    expect(name, rain=RAIN[:1], warning="taken from the file's name", **ONE)
with File("time-nowhere-86472031990000.nc", times=None) as f:
    f.put("rain", ("y", "x"), RAIN[0], **MM)
refuse("time-nowhere-86472031990000.nc", "it has no time")
with File("time-months.nc", times=None) as f:
    f.axis("time", [0, 1], standard_name="time", units="months since 2020-01-01")
    f.put("rain", FRAME, RAIN, **MM)
refuse("time-months.nc", "months and years differ in length")
# As YYMMDDhhmm 2020-10-11 03:15, as YYYYMMDDhh 2010-11-03 15:00.
with File("time-name_2010110315.nc", times=None) as f:
    f.put("rain", ("y", "x"), RAIN[0], **MM)
refuse("time-name_2010110315.nc", "it has no time")
with File("time-noleap.nc") as f:
    f["time"].calendar = "noleap"
    f.put("rain", FRAME, RAIN, **MM)
refuse("time-noleap.nc", "calendar 'noleap' cannot be used")
for index, (time, frame) in enumerate([(T0 + 301, 1), (T0 - 2, 0)]):
    with File(f"time-jitter-{index}.nc", times=[time]) as f:
        f.put("rain", FRAME, RAIN[frame : frame + 1], **MM)
expect(None, files=["time-jitter-0.nc", "time-jitter-1.nc"], times=[T0 - 2, T0 + 301])

# --- As programs and services write them
with File("kind-imerg.nc", "NETCDF4", times=None, plane=False) as f:
    inner = f.createGroup("Grid")
    for name, values, units in [("lon", [10.05, 10.15, 10.25, 10.35], "degrees_east"), ("lat", [59.95, 60.05, 60.15], "degrees_north")]:
        inner.createDimension(name, len(values))
        axis = inner.createVariable(name, "f4", (name,))
        axis.units, axis.standard_name, axis[:] = units, {"lon": "longitude", "lat": "latitude"}[name], values
    inner.createDimension("time", 2)
    t = inner.createVariable("time", "i4", ("time",))
    t.units, t.calendar, t[:] = "seconds since 1970-01-01 00:00:00 UTC", "julian", [T0, T0 + 300]
    t.calendar = "standard"
    for name, factor in [("precipitation", 1), ("randomError", 2), ("probabilityLiquidPrecipitation", 50)]:
        v = inner.createVariable(name, "f4", ("time", "lon", "lat"), fill_value=-9999.9)
        v.set_auto_maskandscale(False)
        v.units = "percent" if "Liquid" in name else "mm/hr"
        v[:] = np.nan_to_num(np.swapaxes(RAIN, 1, 2), nan=np.float32(-9999.9) / factor) * factor
expect("kind-imerg.nc", chosen="/Grid/precipitation", geographic=True)
with File("kind-wgrib2.nc", plane=False, times=None) as f:
    f.createDimension("time", None)
    t = f.put("time", ("time",), [T0, T0 + 300], "f8", units="seconds since 1970-01-01 00:00:00.0 0:00", long_name="verification time", reference_time=float(T0), reference_date="2020.10.31 00:00:00 UTC")
    f.axis("latitude", [60.1, 60.0, 59.9], units="degrees_north", long_name="latitude")
    f.axis("longitude", [359.8, 359.9, 0.0, 0.1], units="degrees_east", long_name="longitude")
    f.put("PrecipRate_0mabovemeansealevel", ("time", "latitude", "longitude"), np.nan_to_num(RAIN, nan=-3), "f4", 9.999e20, units="mm/hr", short_name="PrecipRate", level="0 m above mean sea level")
expect("kind-wgrib2.nc", geographic=True, spacing=0.1 * degree * (1 + np.cos(np.pi / 3)) / 2, warning="2 negative values")
with File("kind-cfgrib.nc", times=None, plane=False) as f:
    f.put("time", (), T0 - 600, "i4", units=EPOCH, calendar="proleptic_gregorian", standard_name="forecast_reference_time", long_name="initial time of forecast")
    f.put("step", (), 10, "i4", units="minutes", standard_name="forecast_period")
    f.put("valid_time", (), T0, "i4", units=EPOCH, calendar="proleptic_gregorian", standard_name="time")
    f.put("surface", (), 0, "f8", long_name="original GRIB coordinate for key: level(surface)", units="1")
    f.axis("latitude", [60.1, 60.0, 59.9], units="degrees_north", standard_name="latitude", stored_direction="decreasing")
    f.axis("longitude", [10.0, 10.1, 10.2, 10.3], units="degrees_east", standard_name="longitude")
    f.put("prate", ("latitude", "longitude"), RAIN[0] / 3600, "f8", units="kg m**-2 s**-1", standard_name="precipitation_flux", coordinates="time step surface latitude longitude valid_time")
expect("kind-cfgrib.nc", rain=RAIN[:1], warning="holds a forecast", **ONE)
with File("kind-wrf.nc", times=None, plane=False) as f:
    for name, length in [("Time", 2), ("DateStrLen", 19), ("south_north", H), ("west_east", W)]:
        f.createDimension(name, length)
    PLANE = ("Time", "south_north", "west_east")
    f.put("Times", ("Time", "DateStrLen"), netCDF4.stringtochar(np.array(["2020-10-31_00:00:00", "2020-10-31_00:05:00"], "S19")), "S1")
    f.put("XLAT", PLANE, np.full((2, H, W), 60), units="degree_north", description="LATITUDE, SOUTH IS NEGATIVE")
    f.put("XLONG", PLANE, np.full((2, H, W), 10), units="degree_east", description="LONGITUDE, WEST IS NEGATIVE")
    f.put("SWDOWN", PLANE, np.full((2, H, W), 10), units="W m-2")
    f.put("PREC_RATE", PLANE, RAIN, units="mm h-1", coordinates="XLONG XLAT")
expect("kind-wrf.nc", spacing=None)
with File("kind-wrf-total.nc", times=None, plane=False) as f:
    for name, length in [("Time", 2), ("DateStrLen", 19), ("south_north", H), ("west_east", W)]:
        f.createDimension(name, length)
    f.put("Times", ("Time", "DateStrLen"), netCDF4.stringtochar(np.array(["2020-10-31_00:00:00", "2020-10-31_00:05:00"], "S19")), "S1")
    f.put("RAINNC", PLANE, np.nancumsum(RAIN, 0), units="mm", description="ACCUMULATED TOTAL GRID SCALE PRECIPITATION")
refuse("kind-wrf-total.nc", "running total", "differences")
with File("kind-pyart.nc", times=None) as f:
    f.axis("z", [2000.0], units="m", positive="up", standard_name="projection_z_coordinate", axis="Z")
    f.axis("time", [0], units="seconds since 2020-10-31T00:00:00Z", standard_name="time", calendar="gregorian")
    for name, value, units in [("origin_latitude", 60, "degrees_north"), ("origin_longitude", 10, "degrees_east"), ("origin_altitude", 100, "m")]:
        f.put(name, ("time",), [value], "f8", units=units)
    f.put("projection", (), 0, "i4", grid_mapping_name="azimuthal_equidistant", semi_major_axis=6370997.0, inverse_flattening=298.25, longitude_of_prime_meridian=0.0, false_easting=0.0, false_northing=0.0, _include_lon_0_lat_0="true")
    f.put("ROI", ("time", "z", "y", "x"), np.ones((1, 1, H, W)), units="m", long_name="Radius of influence for mapping", standard_name="radius_of_influence")
    f.put("corrected_velocity", ("time", "z", "y", "x"), np.ones((1, 1, H, W)), units="m/s")
    f.put("reflectivity", ("time", "z", "y", "x"), np.nan_to_num(dbz, nan=-9999)[None], "f4", -9999, units="dBZ", standard_name="equivalent_reflectivity_factor", long_name="Reflectivity")
expect("kind-pyart.nc", rain=wet, note="'z'", spacing=1000, **ONE)
with File("kind-lead-times.nc", times=None) as f:
    f.put("forecast_reference_time", (), T0 - 300, "f8", units=EPOCH, standard_name="forecast_reference_time")
    f.axis("lead_time", [5, 10], "i4", units="minutes", standard_name="forecast_period")
    f.put("rain", ("lead_time", "y", "x"), RAIN, **MM)
expect("kind-lead-times.nc", warning="holds a forecast")
with File("kind-numbered-names.nc", plane=False) as f:
    f.axis("XLONG", [10, 11, 12, 13])
    f.axis("lat_0", [62, 61, 60])
    f.put("rain", ("time", "XLONG", "lat_0"), np.swapaxes(RAIN, 1, 2), **MM)
expect("kind-numbered-names.nc", spacing=None)
with File("kind-mdv.nc", times=None, plane=False) as f:
    f.axis("time", [T0, T0 + 300], "f8", standard_name="time", long_name="Data time", units="seconds since 1970-01-01T00:00:00Z", axis="T")
    f.axis("x0", [-1.5, -0.5, 0.5, 1.5], "f4", standard_name="projection_x_coordinate", units="km", axis="X")
    f.axis("y0", [-1, 0, 1], "f4", standard_name="projection_y_coordinate", units="km", axis="Y")
    f.axis("z0", [0], "f4", standard_name="altitude", units="m", positive="up", axis="Z")
    f.put("start_time", ("time",), [T0, T0 + 300], "f8", long_name="start_time", units="seconds since 1970-01-01T00:00:00Z")
    f.put("stop_time", ("time",), [T0 + 240, T0 + 540], "f8", long_name="stop_time", units="seconds since 1970-01-01T00:00:00Z")
    f.put("lat0", ("y0", "x0"), np.full((H, W), 60), units="degrees_north", standard_name="latitude")
    f.put("lon0", ("y0", "x0"), np.full((H, W), 10), units="degrees_east", standard_name="longitude")
    f.put("grid_mapping_0", (), 0, "i4", grid_mapping_name="azimuthal_equidistant", longitude_of_projection_origin=10.0, latitude_of_projection_origin=60.0, false_easting=0.0, false_northing=0.0)
    f.put("RATE_HIDRO", ("time", "z0", "y0", "x0"), np.where(np.isnan(RAIN), -32768, RAIN * 100)[:, None], "i2", -32768, units="mm/hr", scale_factor=np.float32(0.01), add_offset=np.float32(0), valid_min=np.int16(-32767), valid_max=np.int16(32767), grid_mapping="grid_mapping_0")
expect("kind-mdv.nc", spacing=1000, note="'z0'", mapping="azimuthal_equidistant", tolerance=1e-5)
with File("kind-rotated.nc", plane=False) as f:
    f.axis("rlat", [0.1, 0.0, -0.1], units="degrees", standard_name="grid_latitude", axis="Y")
    f.axis("rlon", [0.0, 0.1, 0.2, 0.3], units="degrees", standard_name="grid_longitude", axis="X")
    f.put("rotated_pole", (), 0, "i4", grid_mapping_name="rotated_latitude_longitude", grid_north_pole_latitude=39.25, grid_north_pole_longitude=-162.0)
    f.put("pr", ("time", "rlat", "rlon"), RAIN / 3600, "f8", units="kg m-2 s-1", standard_name="precipitation_flux", grid_mapping="rotated_pole")
expect("kind-rotated.nc", spacing=0.1 * degree, geographic=True, mapping="rotated_latitude_longitude")
with File("kind-geostationary.nc", plane=False) as f:
    f.axis("y", [0.1281, 0.128, 0.1279], units="rad", standard_name="projection_y_coordinate")
    f.axis("x", [0.0, 1e-4, 2e-4, 3e-4], units="rad", standard_name="projection_x_coordinate")
    f.put("geos", (), 0, "i4", grid_mapping_name="geostationary", perspective_point_height=35786023.0, longitude_of_projection_origin=0.0, sweep_angle_axis="y")
    f.put("crr_intensity", FRAME, RAIN, units="mm/h", long_name="Convective Rainfall Rate Intensity", grid_mapping="geos")
expect("kind-geostationary.nc", spacing=None, mapping="geostationary")
with File("kind-odd-standard-name.nc") as f:
    f.put("data", FRAME, RAIN, standard_name="Rain Rate", **MM)
    f.put("quality", FRAME, RAIN, standard_name="Quality Index", units="1")
expect("kind-odd-standard-name.nc", chosen="data")
with File("kind-mapping-beside.nc") as f:
    f.put("crs", (), 0, "i4", grid_mapping_name="polar_stereographic", straight_vertical_longitude_from_pole=14.0, latitude_of_projection_origin=90.0, standard_parallel=60.0, false_easting=0.0, false_northing=0.0)
    f.put("latitude", ("y", "x"), np.full((H, W), 60), units="degrees_north", standard_name="latitude")
    f.put("longitude", ("y", "x"), np.full((H, W), 10), units="degrees_east", standard_name="longitude")
    f.put("R", FRAME, RAIN, **MM)
expect("kind-mapping-beside.nc", mapping="polar_stereographic", note="'crs'")

for case in cases:
    case.setdefault("spacing", "any")
lines = ",\n".join(json.dumps(case, allow_nan=False) for case in cases)
(folder / "expected.json").write_text(f"[\n{lines}\n]\n")
size = sum(p.stat().st_size for p in folder.iterdir())
print(f"{len(cases)} cases, {len(list(folder.iterdir()))} files, {size / 1024:.0f} KiB")
