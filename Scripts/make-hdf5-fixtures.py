#!/usr/bin/env python3
"""Makes Fixtures/hdf5: small radar files in ODIM_H5 and in the KNMI's HDF5, what they mean, and hostile ones.

    python3 -m pip install numpy h5py pyproj
    Scripts/make-hdf5-fixtures.py

expected.json says what a reader has to find in each good file: rain rate in mm/h (null where missing), times, the
coordinates of pixel centres and the grid mapping, computed here with numpy and pyproj. hostile.json says of each hostile
file what the message about it has to contain.
"""
import json
import pathlib

import h5py
import numpy as np
from pyproj import Proj

HERE = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "hdf5"
HEIGHT, WIDTH = 3, 4
SMALL = ("v108", "v110")  # smaller files than those of the oldest libraries, and not for the newest only
EXPECTED = {}
HOSTILE = {}


def fixed(text):
    """A string as most radar software writes it: of fixed length, ended by NUL."""
    return np.bytes_(text.encode() + b"\0")


def put(file, path, **attributes):
    group = file.require_group(path)
    for name, value in attributes.items():
        group.attrs[name] = fixed(value) if isinstance(value, str) else value


def image(file, path, values, **options):
    return file.create_dataset(path, data=values, compression="gzip", **options)


def corners(definition, left, top, step_x, step_y, height=HEIGHT, width=WIDTH, unit=1.0):
    """The ODIM attributes of an image whose upper left corner and steps are given in the projection's coordinates."""
    project = Proj(definition)
    where = {"projdef": definition, "xsize": np.int64(width), "ysize": np.int64(height),
             "xscale": float(step_x), "yscale": float(step_y)}
    for name, column, row in [("LL", 0, height), ("UL", 0, 0), ("UR", width, 0), ("LR", width, height)]:
        x, y = left + column * step_x, top - row * step_y
        longitude, latitude = (x, y) if "longlat" in definition else project(x, y, inverse=True)
        where[f"{name}_lon"], where[f"{name}_lat"] = longitude, latitude
    return where


def centres(left, top, step_x, step_y, height=HEIGHT, width=WIDTH):
    return {"y": [top - (row + 0.5) * step_y for row in range(height)],
            "x": [left + (column + 0.5) * step_x for column in range(width)]}


def rain_rate(dbz):
    return (10 ** (dbz / 10) / 200) ** (1 / 1.6)


def expect(name, frames, times, place, mapping, **more):
    EXPECTED[name] = {
        "frames": [[None if np.isnan(v) else float(np.float32(v)) for v in np.ravel(frame)] for frame in frames],
        "times": times, **place, "mapping": mapping, **more}


def seconds(text):
    return float(np.datetime64(text, "s").astype("int64"))


def odim(name, version="2_2", libver="earliest"):
    file = h5py.File(HERE / name, "w", libver=libver)
    file.attrs["Conventions"] = fixed(f"ODIM_H5/V{version}")
    return file


LAEA = "+proj=laea +lat_0=55.0 +lon_0=10.0 +x_0=1950000.0 +y_0=-2100000.0 +units=m +ellps=WGS84"
LAEA_MAPPING = {
    "grid_mapping_name": "lambert_azimuthal_equal_area", "longitude_of_projection_origin": 10.0,
    "latitude_of_projection_origin": 55.0, "false_easting": 1950000.0, "false_northing": -2100000.0,
    "semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563}


def odim_rate():
    """As OPERA writes it: rates in double precision, quality as a data set and as a quality group."""
    values = np.array([[0.5, 1.25, -9999000.0, -8888000.0], [10, 0.05, 100, 0], [-8888000.0, 3, -9999000.0, 7]])
    with odim("odim-rate.h5", "2_0", SMALL) as file:
        put(file, "what", object="COMP", version="H5rad 2.0", date="20180824", time="180000", source="ORG:247")
        put(file, "where", **corners(LAEA, 600000, -800000, 2000, 2000))
        for number, quantity in [(1, "RATE"), (2, "QIND")]:
            put(file, f"dataset{number}/what", product="COMP", quantity=quantity, startdate="20180824",
                starttime="175000", enddate="20180824", endtime="180500", gain=1.0, offset=0.0, nodata=-9999000.0,
                undetect=-8888000.0)
        image(file, "dataset1/data1/data", values)
        image(file, "dataset2/data1/data", np.full((HEIGHT, WIDTH), 0.5))
        image(file, "dataset1/quality1/data", np.full((HEIGHT, WIDTH), 0.9))
        put(file, "dataset1/quality1/how", task="pl.imgw.quality.qi_total")
    frame = np.where(values == -9999000.0, np.nan, np.where(values == -8888000.0, 0, values))
    expect("odim-rate.h5", [frame], [seconds("2018-08-24T18:00:00")], centres(600000, -800000, 2000, 2000),
           LAEA_MAPPING, institution="ORG:247", variable="RATE", units="mm h-1")


def odim_accumulation():
    """Amounts of two hours in one file, in packed integers, everything said beside the data."""
    definition = "+proj=lcc +lat_1=35 +lat_2=65 +lat_0=52 +lon_0=10 +x_0=4000000 +y_0=2800000 +ellps=GRS80"
    codes = [np.array([[0, 1, 2, 3], [10, 20, 65535, 65534], [100, 200, 300, 400]], dtype=">u2"),
             np.array([[65535, 0, 0, 0], [1, 1, 1, 1], [500, 0, 0, 12]], dtype=">u2")]
    with odim("odim-acrr.h5", "2_3") as file:
        put(file, "what", object="COMP", version="H5rad 2.3", date="20240101", time="020000")
        for number, values in enumerate(codes, 1):
            data = f"dataset{number}/data1"
            put(file, f"{data}/what", quantity="ACRR", startdate="20240101", starttime=f"0{number - 1}0000",
                enddate="20240101", endtime=f"0{number}0000", gain=0.05, offset=0.0, nodata=65535.0, undetect=65534.0)
            put(file, f"{data}/where", **corners(definition, 3500000, 2900000, 1000, 1000))
            image(file, f"{data}/data", values)
    frames = [np.where(v == 65535, np.nan, np.where(v == 65534, 0, v * 0.05)) for v in codes]
    expect("odim-acrr.h5", frames, [seconds("2024-01-01T01:00:00"), seconds("2024-01-01T02:00:00")],
           centres(3500000, 2900000, 1000, 1000),
           {"grid_mapping_name": "lambert_conformal_conic", "standard_parallel": [35.0, 65.0],
            "longitude_of_central_meridian": 10.0, "latitude_of_projection_origin": 52.0, "false_easting": 4000000.0,
            "false_northing": 2800000.0, "semi_major_axis": 6378137.0, "inverse_flattening": 298.257222101},
           intervals=[3600.0, 3600.0], variable="ACRR", units="mm")


def odim_reflectivity():
    """Corrected and raw reflectivity, packing at the root, georeference in the data set, strings of variable length."""
    definition = "+proj=stere +lat_0=90 +lon_0=20 +lat_ts=60 +a=6371200 +b=6371200 +units=km"
    codes = np.array([[0, 255, 64, 100], [120, 140, 160, 1], [63, 65, 0, 255]], dtype=np.uint8)
    with odim("odim-dbzh.h5", "2_4", SMALL) as file:
        for name, value in {"object": "COMP", "version": "H5rad 2.4", "date": "20210704", "time": "123000",
                            "source": "ORG:86,CMT:Norrköping"}.items():
            file.require_group("what").attrs[name] = value
        put(file, "what", gain=0.5, offset=-32.0, nodata=255.0, undetect=0.0)
        where = corners(definition.replace("+units=km", ""), -500000, -3000000, 2000, 2500)
        put(file, "dataset1/where", **{**where, "projdef": definition, "xscale": 2.0, "yscale": 2.5})
        for number, quantity, shift in [(1, "TH", 2), (2, "DBZH", 0), (3, "VRAD", 1)]:
            put(file, f"dataset1/data{number}/what", quantity=quantity)
            image(file, f"dataset1/data{number}/data", np.where(codes % 255 == 0, codes, codes + shift).astype("u1"))
        put(file, "dataset1/data2/quality1/what", quantity="QIND", gain=1 / 255, offset=0.0)
        image(file, "dataset1/data2/quality1/data", codes)
    with np.errstate(all="ignore"):
        frame = np.where(codes == 255, np.nan, np.where(codes == 0, 0, rain_rate(codes * 0.5 - 32.0)))
    expect("odim-dbzh.h5", [frame], [seconds("2021-07-04T12:30:00")], centres(-500000, -3000000, 2000, 2500),
           {"grid_mapping_name": "polar_stereographic", "straight_vertical_longitude_from_pole": 20.0,
            "latitude_of_projection_origin": 90.0, "standard_parallel": 60.0, "false_easting": 0.0,
            "false_northing": 0.0, "earth_radius": 6371200.0},
           institution="ORG:86,CMT:Norrköping", variable="DBZH", units="dBZ")


def odim_degrees():
    """On latitude and longitude, in floats, without a declared convention, and no time but the end of the interval."""
    values = np.array([[0, 1, 2, 3], [4, -1, 6, 7.5], [np.nan, 9, 10, -2]], dtype=np.float32)
    with h5py.File(HERE / "odim-longlat.h5", "w") as file:
        put(file, "what", object="IMAGE", version="H5rad 2.2")
        put(file, "where", **corners("+proj=longlat +datum=WGS84", 5.5, 48.25, 0.02, 0.01))
        put(file, "dataset1/what", quantity="RATE", enddate="20230228", endtime="2355", gain=1.0, offset=0.0,
            nodata=-1.0, undetect=-2.0)
        image(file, "dataset1/data1/data", values)
    frame = np.where(values == -1, np.nan, np.where(values == -2, 0, values))
    expect("odim-longlat.h5", [frame], [seconds("2023-02-28T23:55:00")], centres(5.5, 48.25, 0.02, 0.01),
           {"grid_mapping_name": "latitude_longitude", "semi_major_axis": 6378137.0,
            "inverse_flattening": 298.257223563}, variable="RATE", units="mm h-1")


def odim_swiss():
    """A projection without a CF grid mapping: every pixel has its latitude and longitude."""
    definition = ("+proj=somerc +lat_0=46.9524055555556 +lon_0=7.43958333333333 +k_0=1 +x_0=600000 +y_0=200000 "
                  "+ellps=bessel +units=m")
    values = np.arange(12, dtype=np.float32).reshape(HEIGHT, WIDTH)
    with odim("odim-somerc.h5") as file:
        put(file, "what", object="COMP", version="H5rad 2.2", date="20160711", time="204500")
        put(file, "where", **corners(definition, 255000, 480000, 1000, 1000))
        put(file, "dataset1/data1/what", quantity="RATE", gain=1.0, offset=0.0)
        image(file, "dataset1/data1/data", values)
    place = centres(255000, 480000, 1000, 1000)
    x, y = np.meshgrid(place["x"], place["y"])
    longitude, latitude = Proj(definition)(x, y, inverse=True)
    expect("odim-somerc.h5", [values], [seconds("2016-07-11T20:45:00")], place, {},
           longitude=longitude.ravel().tolist(), latitude=latitude.ravel().tolist(), variable="RATE", units="mm h-1")


KNMI = "+proj=stere +lat_0=90 +lon_0=0.0 +lat_ts=60.0 +a=6378.137 +b=6356.752 +x_0=0 +y_0=0"
KNMI_MAPPING = {
    "grid_mapping_name": "polar_stereographic", "straight_vertical_longitude_from_pole": 0.0,
    "latitude_of_projection_origin": 90.0, "standard_parallel": 60.0, "false_easting": 0.0, "false_northing": 0.0,
    "semi_major_axis": 6378137.0, "semi_minor_axis": 6356752.0}


def knmi(name, values, parameter, formula, missing, outside, start, end, size=1.0, libver="earliest"):
    project = Proj(KNMI)
    order = [(0, HEIGHT), (0, 0), (WIDTH, 0), (WIDTH, HEIGHT)]
    places = [project((10 + column) * size, -(3650 + row) * size, inverse=True) for column, row in order]
    with h5py.File(HERE / name, "w", libver=libver) as file:
        put(file, "overview", hdftag_version_number="3.5", product_group_name="RAD_NL25_TEST",
            number_image_groups=np.array([1], "i4"))
        # The KNMI's own files hold these as arrays of one.
        file["overview"].attrs["product_datetime_start"] = np.array([start.encode()])
        file["overview"].attrs["product_datetime_end"] = np.array([end.encode()])
        put(file, "geographic", geo_column_offset=np.array([10], "f4"), geo_row_offset=np.array([3650], "f4"),
            geo_dim_pixel="KM,KM", geo_pixel_def="LU", geo_number_columns=np.array([WIDTH], "i4"),
            geo_number_rows=np.array([HEIGHT], "i4"), geo_pixel_size_x=np.array([size], "f4"),
            geo_pixel_size_y=np.array([-size], "f4"), geo_product_corners=np.array(places, "f4").ravel())
        put(file, "geographic/map_projection", projection_name="STEREOGRAPHIC", projection_proj4_params=KNMI)
        put(file, "image1", image_geo_parameter=parameter, image_product_name="TEST")
        put(file, "image1/calibration", calibration_flag="Y", calibration_formulas=formula,
            calibration_missing_data=np.array([missing], "i4"), calibration_out_of_image=np.array([outside], "i4"))
        image(file, "image1/image_data", values)
    left, top, step = 10000 * size, -3650000 * size, 1000 * size
    return centres(left, top, step, step)


def knmi_accumulation():
    codes = np.array([[0, 1, 2, 3], [100, 65535, 65534, 12], [7, 8, 9, 10]], dtype=np.uint16)
    place = knmi("knmi-acc.h5", codes, "ACCUMULATED_PRECIPITATION_[MM]", "GEO=0.01*PV+0.0", 65535, 65534,
                 "25-AUG-2010;23:55:00.000", "26-AUG-2010;00:00:00.000")
    frame = np.where(codes >= 65534, np.nan, codes * 0.01 * 12)
    expect("knmi-acc.h5", [frame], [seconds("2010-08-26T00:00:00")], place, KNMI_MAPPING, intervals=[300.0],
           title="RAD_NL25_TEST", variable="ACCUMULATED_PRECIPITATION_[MM]", units="mm")


def knmi_reflectivity():
    codes = np.array([[0, 1, 64, 80], [100, 254, 255, 120], [90, 0, 0, 65]], dtype=np.uint8)
    place = knmi("knmi-dbz.h5", codes, "REFLECTIVITY_[DBZ]", "GEO = 0.500000 * PV + -32.000000", 255, 254,
                 "01-JAN-2012;10:00:00.000", "01-JAN-2012;10:00:00.000", size=2.4)
    frame = np.where(codes >= 254, np.nan, np.where(codes == 0, 0, rain_rate(codes * 0.5 - 32)))
    expect("knmi-dbz.h5", [frame], [seconds("2012-01-01T10:00:00")], place, KNMI_MAPPING,
           title="RAD_NL25_TEST", variable="REFLECTIVITY_[DBZ]", units="dBZ")


def hostile():
    """Each file is a good one with one thing wrong."""
    good = np.ones((HEIGHT, WIDTH), np.float32)

    def case(name, message, change, data=good):
        HOSTILE[f"hostile-{name}.h5"] = message
        with odim(f"hostile-{name}.h5", libver=SMALL) as file:
            put(file, "what", object="COMP", version="H5rad 2.2", date="20180824", time="180000")
            put(file, "where", **corners(LAEA, 600000, -800000, 2000, 2000))
            put(file, "dataset1/what", quantity="RATE", gain=1.0, offset=0.0, nodata=-1.0, undetect=0.0)
            if data is not None:
                image(file, "dataset1/data1/data", data)
            change(file)

    def attribute(path, name, value):
        def change(file):
            file[path].attrs[name] = value
        return change

    def without(path, *names):
        def change(file):
            for name in names:
                del file[path].attrs[name]
        return change

    def absurd(shape, chunks, **options):
        def change(file):
            del file["where"].attrs["xsize"], file["where"].attrs["ysize"]
            file.create_dataset("dataset1/data1/data", shape=shape, chunks=chunks, dtype="f4", **options)
        return change

    case("absurd-size", "claims 1099511627776 × 1099511627776 values", absurd((2**40, 2**40), (64, 64)), None)
    case("billions", "claims 60000 × 60000 values", absurd((60000, 60000), (100, 100)), None)
    case("never-written", "no value was ever written", absurd((HEIGHT, WIDTH), (HEIGHT, WIDTH)), None)
    case("huge-chunks", "chunks are larger", absurd((HEIGHT, WIDTH), (2**14, 2**14), maxshape=(None, None)), None)
    case("no-data", "no readable data set 'data'", lambda file: file.require_group("dataset1/data1"), None)
    case("group-for-data", "no readable data set 'data'", lambda file: file.require_group("dataset1/data1/data"), None)
    case("volume", "no image of rows and columns", lambda file: None, np.ones((2, 3, 4), "f4"))
    case("empty-image", "no image of rows and columns", lambda file: file.create_dataset(
        "dataset1/data1/data", data=np.zeros((0, WIDTH), "f4")), None)
    case("text-values", "its values are not integers", lambda file: None, np.full((HEIGHT, WIDTH), b"rain"))
    case("compound-values", "its values are not integers", lambda file: None,
         np.zeros((HEIGHT, WIDTH), [("a", "f4"), ("b", "i4")]))
    case("no-time", "has no time", without("what", "date", "time"))
    case("wrong-date", "no date and time", attribute("what", "date", fixed("20180231")))
    case("date-of-numbers", "'date' is not of the right kind", attribute("what", "date", 20180824))
    case("gain-of-text", "'gain' is not of the right kind", attribute("dataset1/what", "gain", fixed("one")))
    case("gain-zero", "calibration is not a usable", attribute("dataset1/what", "gain", 0.0))
    case("gain-infinite", "calibration is not a usable", attribute("dataset1/what", "gain", float("inf")))
    case("gain-nan", "calibration is not a usable", attribute("dataset1/what", "gain", float("nan")))
    case("long-string", "'quantity' is not of the right kind", attribute("dataset1/what", "quantity", "R" * 20000))
    case("fixed-string", "'quantity' is not of the right kind", attribute(
        "dataset1/what", "quantity", fixed("R" * 20000)))
    case("string-array", "no image in it is rain", attribute("dataset1/what", "quantity", np.full(3000, b"HGHT")))
    case("other-size", "'xsize' is 5", attribute("where", "xsize", 5))
    case("polar", "it holds 'PVOL'", attribute("what", "object", fixed("PVOL")))
    case("no-rain", "no image in it is rain", attribute("dataset1/what", "quantity", fixed("QIND")))
    case("no-images", "there are no images in it", lambda file: file.__delitem__("dataset1"))

    def second(quantity):
        def change(file):
            file["dataset2/data1/data"] = good
            put(file, "dataset2/what", quantity=quantity, gain=1.0, offset=0.0)
        return change

    case("two-rates", "several images of one time", second("RATE"))
    case("rate-and-amount", "several images could hold the rain", second("ACRR"))

    def cycle(file):
        file["dataset1/dataset1"] = file["dataset1"]
        file["dataset1/data1/data1"] = file["dataset1"]
        file["dataset2"] = file["/"]
        file["dataset3"] = h5py.SoftLink("/dataset3")
        put(file, "dataset1/what", quantity="QIND")

    case("cycle", "no image in it is rain", cycle)

    def crowd(file):
        for number in range(1100):
            file[f"dataset{number + 2}"] = file["dataset1"]

    case("crowd", "members, which no radar file has", crowd)

    def outside(file):
        file["dataset1/data1/data"] = h5py.ExternalLink("odim-rate.h5", "/dataset1/data1/data")

    case("external-link", "no readable data set 'data'", outside, None)
    case("external-values", "not in this file", lambda file: file.create_dataset(
        "dataset1/data1/data", shape=(HEIGHT, WIDTH), dtype="f4", external=[("/etc/hostname", 0, 48)]), None)

    def virtual(file):
        layout = h5py.VirtualLayout(shape=(HEIGHT, WIDTH), dtype="f8")
        layout[:] = h5py.VirtualSource("odim-rate.h5", "/dataset1/data1/data", shape=(HEIGHT, WIDTH))
        file.create_virtual_dataset("dataset1/data1/data", layout)

    case("virtual-values", "not in this file", virtual, None)

    def broken_knmi(name, message, change):
        HOSTILE[f"hostile-{name}.h5"] = message
        knmi(f"hostile-{name}.h5", np.ones((HEIGHT, WIDTH), np.uint16), "ACCUMULATED_PRECIPITATION_[MM]",
             "GEO=0.01*PV+0.0", 65535, 65535, "25-AUG-2010;23:55:00.000", "26-AUG-2010;00:00:00.000", libver=SMALL)
        with h5py.File(HERE / f"hostile-{name}.h5", "r+", libver=SMALL) as file:
            change(file)

    broken_knmi("knmi-formula", "is not understood", attribute(
        "image1/calibration", "calibration_formulas", fixed("GEO=10^(PV*0.01)")))
    broken_knmi("knmi-date", "is no time like", attribute("overview", "product_datetime_end", fixed("26-OGS-2010")))
    broken_knmi("knmi-calibration", "no group 'calibration'", lambda file: file.__delitem__("image1/calibration"))
    broken_knmi("knmi-missing-code", "'calibration_missing_data' is not of the right kind", attribute(
        "image1/calibration", "calibration_missing_data", fixed("none")))


def main():
    HERE.mkdir(parents=True, exist_ok=True)
    for old in HERE.glob("*"):
        old.unlink()
    for make in [odim_rate, odim_accumulation, odim_reflectivity, odim_degrees, odim_swiss, knmi_accumulation,
                 knmi_reflectivity, hostile]:
        make()
    for name, content in [("expected", EXPECTED), ("hostile", HOSTILE)]:
        (HERE / f"{name}.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
