"""Makes Fixtures/hostile: small NetCDF files with which someone might try to crash, stall or fill a reader, or to lead it
elsewhere, and what is to be said of each (hostile.json).

    python Scripts/make-hostile-fixtures.py        needs h5py, netCDF4, numpy
"""

import json
import pathlib
import struct
import zlib

import h5py
import netCDF4
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "hostile"
MESSAGES = {}
# What libhdf5 1.10 reads as well, but compact.
VERSION = ("v110", "v110")


UNITS = {"time": "seconds since 2020-01-01 00:00:00", "y": "m", "x": "m"}


def case(name, message, change=None, shape=(2, 4, 5), make=None):
    """A good file of some frames but for what `make` makes in place of the rain, and `change` does at the end."""
    MESSAGES[name] = message
    with h5py.File(HERE / name, "w", libver=VERSION) as file:
        for dimension, length in zip(UNITS, shape):
            # Values that are never written take no room.
            scale = file.create_dataset(dimension, (length,), "f8", **({} if length < 100 else {"chunks": (100,)}))
            if length < 100:
                scale[:] = 300.0 * np.arange(length)
            scale.attrs["units"] = UNITS[dimension]
            scale.make_scale(dimension)
        if make:
            make(file)
        else:
            file["rain"] = np.arange(40, dtype="f4").reshape(shape)
        if "rain" in file and file.get("rain", getlink=True).__class__ is h5py.HardLink:
            file["rain"].attrs.update({"standard_name": "rainfall_rate", "units": "mm h-1"})
            for axis, dimension in enumerate(UNITS):
                file["rain"].dims[axis].attach_scale(file[dimension])
        if change:
            change(file)


def sizes():
    for name, shape in [("absurd", (2**20, 2**30, 2**30)), ("billions", (2, 2**17, 2**17)),
                        ("frames", (2**24, 16, 16))]:
        case(f"sizes-{name}.nc", "values, which cannot be in a file of", shape=shape,
             make=lambda file: file.create_dataset("rain", shape, "f4", chunks=(1, 16, 16)))

    for kind, format in [("cdf1", "NETCDF3_CLASSIC"), ("cdf2", "NETCDF3_64BIT_OFFSET"), ("cdf5", "NETCDF3_64BIT_DATA")]:
        name = f"sizes-{kind}.nc"
        MESSAGES[name] = "the file is shorter than its header says"
        with netCDF4.Dataset(HERE / name, "w", format=format) as file:
            file.createDimension("y", 4)
            file.createDimension("x", 5)
            file.createVariable("rain", "f4", ("y", "x"))[:] = 1
        data = bytearray((HERE / name).read_bytes())
        width = 8 if kind == "cdf5" else 4
        # A dimension is its name, padded to four bytes, and its length.
        place = data.index(struct.pack(">Q" if width == 8 else ">I", 1) + b"x\0\0\0") + width + 4
        data[place:place + width] = b"\x7f" + b"\xff" * (width - 1)
        (HERE / name).write_bytes(data)

    def bomb(shape, chunks, bytes_in_chunk):
        def make(file):
            rain = file.create_dataset("rain", shape, "u1", chunks=chunks, compression="gzip", maxshape=(None,) * 3)
            rain.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(bytes_in_chunk), 9))
        return make

    # More than half a gigabyte of rates from 150 kB.
    side = 12288
    case("bomb-chunk.nc", "chunks are larger than the file can fill", make=bomb((2, 4, 5), (1, side, side), 2**20))
    case("bomb-frame.nc", "million are the most that are read", shape=(1, side, side),
         make=bomb((1, side, side), (1, side, side), side * side))


def groups():
    def deep(file):
        group = file
        for _ in range(1200):
            group = group.create_group("g")

    case("groups-deep.nc", "more than 1000 groups", deep)
    case("groups-crowd.nc", "more than 1000 groups", lambda file: [file.create_group(f"{i}") for i in range(1001)])

    def cycle(file):
        file.create_group("a")["b"] = file["/"]

    case("groups-cycle.nc", "broke down", cycle)


def elsewhere():
    def link(file):
        file["rain"] = h5py.ExternalLink("../reading/container-netcdf4.nc", "/rain")

    case("elsewhere-link.nc", "cannot be opened", make=link)
    for name, path in [("values", "/etc/hostname"), ("values-beside", "sizes-cdf1.nc")]:
        case(f"elsewhere-{name}.nc", "not in this file", make=lambda file: file.create_dataset(
            "rain", (2, 4, 5), "f4", external=[(path, 0, 160)]))

    def virtual(file):
        layout = h5py.VirtualLayout(shape=(2, 4, 5), dtype="f4")
        layout[:] = h5py.VirtualSource("../reading/container-netcdf4.nc", "rain", shape=(2, 4, 5))
        file.create_virtual_dataset("rain", layout)

    case("elsewhere-virtual.nc", "not in this file", make=virtual)

    def filtered(file):
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((2, 4, 5))
        made.set_filter(32111, h5py.h5z.FLAG_OPTIONAL, (1,))
        h5py.h5d.create(file.id, b"rain", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((2, 4, 5)), made)
        file["rain"].id.write_direct_chunk((0, 0, 0), bytes(160))

    case("filter-unknown.nc", "filter", make=filtered)


def types():
    for name, dtype in [("compound", [("a", "f4"), ("b", "i4")]), ("opaque", h5py.opaque_dtype("V8")),
                        ("lists", h5py.vlen_dtype("f4")), ("texts", h5py.string_dtype())]:
        case(f"types-{name}.nc", "no variable has frames", make=lambda file: file.create_dataset(
            "rain", (2, 4, 5), dtype))

    def attribute(variable, name, value):
        def change(file):
            file[variable].attrs[name] = value
        return change

    rain = np.float64([1, 2, 3])
    for name, variable, attribute_name, value, message in [
        ("units-number", "rain", "units", rain, "states no units"),
        ("units-long", "rain", "units", "m" * 60000, "are not understood"),
        ("units-without-end", "rain", "units", np.bytes_(b"m" * 60000), "are not understood"),
        ("units-not-text", "rain", "units", np.bytes_(b"\xff\xfe\x80mm"), "are not understood"),
        ("scale-text", "rain", "scale_factor", "one", "is not a usable number"),
        ("scale-list", "rain", "scale_factor", np.zeros(0), "is not a usable number"),
        ("scale-infinite", "rain", "scale_factor", np.inf, "is not a usable number"),
        ("time-number", "time", "units", rain, "not understood as time"),
        ("time-long", "time", "units", "seconds since " + "2" * 60000, "not understood as time"),
        ("time-absurd", "time", "units", "years since 99999999-01-01", "not understood as time"),
    ]:
        case(f"attribute-{name}.nc", message, attribute(variable, attribute_name, value))


def main():
    HERE.mkdir(parents=True, exist_ok=True)
    for old in HERE.glob("*"):
        old.unlink()
    for make in [sizes, groups, elsewhere, types]:
        make()
    (HERE / "hostile.json").write_text(json.dumps(MESSAGES, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
