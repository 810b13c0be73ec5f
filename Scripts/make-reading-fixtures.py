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

# --- Units
for index, (units, factor) in enumerate(
    [
        ("mm/hr", 1), ("mm/h", 1), ("mm hr^-1", 1), ("mm h**-1", 1), ("kg m-2 s-1", 3600), ("kg/m2/h", 1), ("m s-1", 3.6e6),
        ("in/h", 25.4), ("inches/hour", 25.4), ("mm/day", 1 / 24), ("cm h-1", 10), ("mm per 15 min", 4), ("mm/5min", 12),
        ("kg m-2 per 10 minutes", 6), ("mm (15 min)-1", 4), ("mm 10min-1", 6), ("l m-2 h-1", 1), ("0.1 mm h-1", 0.1),
    ]
):
    with File(f"units-rate-{index:02}.nc") as f:
        f.put("rain", FRAME, RAIN / factor, "f8", units=units)
    # Longer than the step of 300 s, which the reader must tell.
    longer = {"warning": "overlap"} if any(n in units for n in ["10", "15"]) else {}
    expect(f"units-rate-{index:02}.nc", tolerance=1e-5, **longer)
for index, (units, factor) in enumerate([("mm", 1), ("kg m-2", 1), ("kg/m^2", 1), ("m", 1000), ("inch", 25.4), ("0.01 mm", 0.01)]):
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
with File("time-scalar.nc", times=None) as f:
    f.put("valid_time", (), T0, "f8", units=EPOCH, standard_name="time")
    f.put("created", (), T0 + 99, "f8", units=EPOCH, long_name="time of making")
    f.put("rain", ("y", "x"), RAIN[0], **MM)
expect("time-scalar.nc", rain=RAIN[:1], **ONE)
with File("time-attribute-20190101_0000.nc", times=None) as f:
    f.nominal_time = "2020-10-31 00:00:00"
    f.put("rain", ("y", "x"), RAIN[0], **MM)
expect("time-attribute-20190101_0000.nc", rain=RAIN[:1], warning="taken from the global attribute 'nominal_time'", **ONE)
for name in ["time-name_202010310000.nc", "time-name.20201031T0000Z.nc", "time-name_2020-10-31_00-00-00.nc", "time-name66_20201031_000000.prcp.nc"]:
    with File(name, times=None) as f:
        f.put("rain", ("y", "x"), RAIN[0], **MM)
    expect(name, rain=RAIN[:1], warning="taken from the file's name", **ONE)
with File("time-nowhere-86472031990000.nc", times=None) as f:
    f.put("rain", ("y", "x"), RAIN[0], **MM)
refuse("time-nowhere-86472031990000.nc", "it has no time")
with File("time-noleap.nc") as f:
    f["time"].calendar = "noleap"
    f.put("rain", FRAME, RAIN, **MM)
refuse("time-noleap.nc", "calendar 'noleap' cannot be used")
for index, (time, frame) in enumerate([(T0 + 301, 1), (T0 - 2, 0)]):
    with File(f"time-jitter-{index}.nc", times=[time]) as f:
        f.put("rain", FRAME, RAIN[frame : frame + 1], **MM)
expect(None, files=["time-jitter-0.nc", "time-jitter-1.nc"], times=[T0 - 2, T0 + 301])

for case in cases:
    case.setdefault("spacing", "any")
lines = ",\n".join(json.dumps(case, allow_nan=False) for case in cases)
(folder / "expected.json").write_text(f"[\n{lines}\n]\n")
size = sum(p.stat().st_size for p in folder.iterdir())
print(f"{len(cases)} cases, {len(list(folder.iterdir()))} files, {size / 1024:.0f} KiB")
