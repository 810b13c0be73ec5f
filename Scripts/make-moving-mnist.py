#!/usr/bin/env python3
"""Makes Moving MNIST as radar files: two handwritten digits that bounce in a square (Srivastava et al. 2015, as in Shi et al. 2015).

    python Scripts/make-moving-mnist.py MNIST FOLDER [--training N] [--validation N] [--seed N]        needs numpy, netCDF4

MNIST is a folder with IDX files of digits (t10k-images-idx3-ubyte.gz or train-images-idx3-ubyte.gz); of the digits, the first nine
tenths are for training and the rest for validation. FOLDER gets training.nc and validation.nc: sequences of 20 frames of 64×64 pixels, a
gap between one and the next, as reflectivity packed in bytes so that what the network sees with the default normalisation, −10 to
60 dBZ, is the digits' brightness from 0 to 1. Speeds are from 3 to 5 pixels a frame, where digits overlap the brighter one is seen.
"""

import argparse
import gzip
import pathlib
import struct

import netCDF4
import numpy

FRAMES, SIZE, STEP = 20, 64, 300.0


def digits(folder):
    for name in ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"):
        path = pathlib.Path(folder) / name
        if path.exists():
            with gzip.open(path) as file:
                magic, count, height, width = struct.unpack(">4I", file.read(16))
                assert magic == 2051, f"{path} holds no images"
                return numpy.frombuffer(file.read(), numpy.uint8).reshape(count, height, width)
    raise SystemExit(f"there are no IDX images of digits in {folder}")


def sequence(images, generator):
    """[20, 64, 64] bytes."""
    frames = numpy.zeros((FRAMES, SIZE, SIZE), numpy.uint8)
    most = SIZE - images.shape[1]
    for image in images[generator.integers(len(images), size=2)]:
        place = generator.uniform(0, most, 2)
        angle, speed = generator.uniform(0, 2 * numpy.pi), generator.uniform(3, 5)
        velocity = speed * numpy.array([numpy.sin(angle), numpy.cos(angle)])
        for frame in frames:
            y, x = numpy.rint(place).astype(int)
            part = frame[y : y + images.shape[1], x : x + images.shape[2]]
            numpy.maximum(part, image, out=part)
            place += velocity
            for axis in range(2):
                if not 0 <= place[axis] <= most:  # a wall throws it back
                    place[axis] = -place[axis] if place[axis] < 0 else 2 * most - place[axis]
                    velocity[axis] = -velocity[axis]
    return frames


def write(path, images, count, generator):
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.title, file.Conventions = "Moving MNIST as if it were rain", "CF-1.11"
        for name, size in (("time", count * FRAMES), ("y", SIZE), ("x", SIZE)):
            file.createDimension(name, size)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.standard_name, time.calendar = "seconds since 2000-01-01 00:00:00", "time", "standard"
        # Two steps are missing between sequences: no window reaches over them.
        time[:] = [(index * (FRAMES + 2) + frame) * STEP for index in range(count) for frame in range(FRAMES)]
        for name in ("y", "x"):
            axis = file.createVariable(name, "f4", (name,))
            axis.units, axis.standard_name = "m", f"projection_{name}_coordinate"
            axis[:] = 1000.0 * numpy.arange(SIZE)[:: -1 if name == "y" else 1]
        rain = file.createVariable("DBZH", "u1", ("time", "y", "x"), zlib=True, chunksizes=(FRAMES, SIZE, SIZE))
        rain.units, rain.standard_name = "dBZ", "equivalent_reflectivity_factor"
        rain.scale_factor, rain.add_offset = numpy.float64(70 / 255), numpy.float64(-10)
        rain.set_auto_maskandscale(False)
        for index in range(count):
            rain[index * FRAMES : (index + 1) * FRAMES] = sequence(images, generator)


def main():
    parser = argparse.ArgumentParser(description="Moving MNIST as NetCDF files.")
    parser.add_argument("mnist")
    parser.add_argument("folder")
    parser.add_argument("--training", type=int, default=2000)
    parser.add_argument("--validation", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = pathlib.Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    images = digits(options.mnist)
    held = len(images) * 9 // 10
    for number, (name, part, count) in enumerate((("training", images[:held], options.training),
                                                  ("validation", images[held:], options.validation))):
        write(folder / f"{name}.nc", part, count, numpy.random.default_rng([options.seed, number]))
        print(f"{folder / name}.nc: {count} sequences of {FRAMES} frames")


if __name__ == "__main__":
    main()
