#!/usr/bin/env python3
"""Compares `nowcast predict --method advection` with pysteps' dense Lucas-Kanade and semi-Lagrangian extrapolation, or
`--method sprog` with pysteps' S-PROG along the same motion.

    compare-advection.py [--method advection|sprog] [--starts N] [--nowcast PROGRAM] FILE_OR_FOLDER...

Every FILE_OR_FOLDER is one sequence that nowcast can read. From N start times, evenly spread, both make a forecast of an
hour from the same three frames. Printed are, for each sequence, the CSI at 1 mm/h at +30 and +60 minutes of persistence,
pysteps and nowcast, pooled over the start times, on the pixels that are valid in the observation and all three; and the
median time of a forecast: of pysteps the computation alone, in a warm process, and of both the whole process, from the start
to a NetCDF file. pysteps is called as in its own examples: rain rates become dB (threshold 0.1 mm/h, -15 dB for dry), missing
pixels are masked, and the last field is extrapolated in mm/h (--decibels: in dB, if that is wanted).

With --reports FOLDER the forecasts of pysteps are also scored by `nowcast eval` beside both baselines, a report for each
sequence, and the 95 % interval of the difference in CSI, pysteps minus nowcast, is printed below the line.

Needs: pip install pysteps opencv-python-headless netCDF4 xarray.
"""
import argparse
import contextlib
import csv
import io
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import netCDF4
import numpy as np
import xarray

warnings.filterwarnings("ignore")
from pysteps import extrapolation, motion  # noqa: E402
from pysteps.nowcasts import sprog  # noqa: E402
from pysteps.utils import transformation  # noqa: E402
from verification_pysteps import write_forecast  # noqa: E402

INPUTS = 3
LEADS = (30, 60)
# The first argument of a process that is only timed.
WHOLE = "--whole-process"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=pathlib.Path)
    parser.add_argument("--method", choices=["advection", "sprog"], default="advection")
    parser.add_argument("--starts", type=int, default=6)
    parser.add_argument("--nowcast", default=".build/release/nowcast")
    parser.add_argument("--threads", type=int, help="threads of nowcast")
    parser.add_argument("--decibels", action="store_true", help="let pysteps extrapolate in dB")
    parser.add_argument("--wet-share", type=float, default=0.0, help="least share of pixels with 1 mm/h at the start")
    parser.add_argument("--reports", type=pathlib.Path, help="a folder for reports of nowcast eval")
    parser.add_argument("--option", nargs=2, action="append", default=[], help="an option of nowcast convert")
    return parser.parse_args()


def decibels(rates):
    return transformation.dB_transform(rates, threshold=0.1, zerovalue=-15.0)[0]


def by_pysteps(method, frames, steps, in_decibels=False):
    """The forecast [steps, h, w] in mm/h from frames [t, h, w] in mm/h."""
    scaled = decibels(frames)
    flow = motion.get_method("lucaskanade")(np.ma.masked_invalid(scaled))
    if method == "sprog":
        with contextlib.redirect_stdout(io.StringIO()):
            forecast = sprog.forecast(scaled[-3:], flow, steps, precip_thr=-10.0)
        return transformation.dB_transform(forecast, threshold=-10.0, inverse=True)[0]
    last = scaled[-1] if in_decibels else frames[-1]
    forecast = extrapolation.get_method("semilagrangian")(last, flow, steps, allow_nonfinite_values=True)
    if in_decibels:
        forecast = transformation.dB_transform(forecast, threshold=-10.0, inverse=True)[0]
    return forecast


def whole_process(method, inputs, output, steps):
    """What the whole process of pysteps is timed with."""
    with xarray.open_dataset(inputs) as data:
        forecast = by_pysteps(method, data["rainfall_rate"].values.astype(np.float64), steps)
        xarray.Dataset({"rainfall_rate": (("time", "y", "x"), forecast.astype(np.float32))}).to_netcdf(output)


def timed(command):
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def by_nowcast(options, inputs, steps, folder):
    output = folder / "forecast.nc"
    threads = [] if options.threads is None else ["--threads", str(options.threads)]
    seconds = timed(
        [options.nowcast, "predict", "--method", options.method, "--frames", inputs, "--lead-frames", str(steps),
         "--output", output, "--overwrite", "--quiet", *threads])
    with xarray.open_dataset(output) as forecast:
        return forecast["rainfall_rate"].values, seconds


def compare(options, path, folder):
    converted = folder / "sequence.nc"
    extra = [word for pair in options.option for word in (f"--{pair[0]}", pair[1])]
    subprocess.run(
        [options.nowcast, "convert", path, "--output", converted, "--overwrite", "--quiet", *extra], check=True,
        stderr=subprocess.DEVNULL)
    with xarray.open_dataset(converted) as data:
        rain = data["rainfall_rate"].values.astype(np.float64)
        times = data["time"].values
        step = float(np.median(np.diff(times)) / np.timedelta64(1, "m"))
        steps = round(60 / step)
        # A forecast takes three frames, or two where there are too few for three and an hour after them.
        inputs = INPUTS if len(rain) >= INPUTS + steps else 2
        if len(rain) < inputs + min(steps, round(30 / step)):
            print(f"{path}: too few frames", flush=True)
            return
        steps = min(steps, len(rain) - inputs)
        possible = [
            last for last in range(inputs - 1, len(rain) - steps)
            if np.nanmean(rain[last] >= 1) >= options.wet_share
            and np.all(np.diff(times[last + 1 - inputs : last + 1 + steps]) == np.diff(times[:2]))]
        chosen = sorted({possible[round(i)] for i in np.linspace(0, len(possible) - 1, options.starts)})
        counts, seconds = {}, {"computing": [], "pysteps": [], "nowcast": []}
        to_score = []
        for last in chosen:
            frames = rain[last + 1 - inputs : last + 1]
            begin = time.perf_counter()
            reference = by_pysteps(options.method, frames, steps, options.decibels)
            seconds["computing"].append(time.perf_counter() - begin)
            if options.reports:
                to_score.append(folder / str(last) / "pysteps.nc")
                with netCDF4.Dataset(converted) as source:
                    clock = source["time"][:]
                    write_forecast(to_score[-1], source, reference, clock[last], clock[last + 1 : last + 1 + steps])
            source = folder / "inputs.nc"
            data.isel(time=slice(last + 1 - inputs, last + 1)).to_netcdf(source)
            seconds["pysteps"].append(
                timed([sys.executable, __file__, WHOLE, options.method, source, folder / "pysteps.nc", str(steps)]))
            ours, elapsed = by_nowcast(options, source, steps, folder)
            seconds["nowcast"].append(elapsed)
            for lead in LEADS:
                frame = round(lead / step)
                if frame > steps or abs(frame * step - lead) > 0.01:
                    continue
                observed = rain[last + frame]
                forecasts = {"persistence": frames[-1], "pysteps": reference[frame - 1], "nowcast": ours[frame - 1]}
                valid = np.isfinite(observed)
                for field in forecasts.values():
                    valid &= np.isfinite(field)
                event = observed[valid] >= 1
                for method, field in forecasts.items():
                    warned = field[valid] >= 1
                    tally = counts.setdefault((method, lead), np.zeros(3, dtype=np.int64))
                    tally += [(warned & event).sum(), (warned & ~event).sum(), (~warned & event).sum()]

        def score(method, lead):
            if (method, lead) not in counts:
                return "–"
            hits, false_alarms, misses = counts[method, lead]
            return f"{hits / max(hits + false_alarms + misses, 1):.3f}"

        def median(method):
            return statistics.median(seconds[method])

        cells = [score(method, lead) for lead in LEADS for method in ("persistence", "pysteps", "nowcast")]
        print(
            f"| {path.name} | {rain.shape[1]}×{rain.shape[2]} | {step:g} min | {len(chosen)} | " + " | ".join(cells)
            + f" | {median('computing'):.2f} s | {median('pysteps'):.2f} s | {median('nowcast'):.2f} s "
            + f"| {median('pysteps') / median('nowcast'):.1f}× |",
            flush=True)
        if options.reports:
            report = options.reports / path.name
            subprocess.run(
                [options.nowcast, "eval", "--data", converted, "--forecast", *to_score, "--output", report, "--overwrite",
                 "--baselines", options.method, "--quiet"], check=True)
            print_differences(report, options.method)


def print_differences(report, method):
    with open(report / "intervals.csv") as file:
        for row in csv.DictReader(file):
            kind = row["method"], row["minus"], row["metric"], row["threshold"]
            if kind == ("pysteps", method, "csi", "1") and row["lead_minutes"] in map(str, LEADS):
                interval = f"{float(row['low']):+.3f} to {float(row['high']):+.3f}" if row["low"] else "unknown"
                print(f"    +{row['lead_minutes']} min: pysteps minus nowcast {float(row['value']):+.3f}, 95 % {interval}, "
                      f"{row['blocks']} blocks", flush=True)


def main():
    if sys.argv[1:2] == [WHOLE]:
        return whole_process(*sys.argv[2:5], int(sys.argv[5]))
    options = arguments()
    print("| sequence | grid | step | starts | +30 persistence | pysteps | nowcast | +60 persistence | pysteps | nowcast "
          "| pysteps, computing | pysteps, process | nowcast, process | ratio |")
    print("|" + "---|" * 14)
    for path in options.data:
        with tempfile.TemporaryDirectory() as folder:
            compare(options, path, pathlib.Path(folder))


if __name__ == "__main__":
    main()
