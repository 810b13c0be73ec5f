#!/usr/bin/env python3
"""Compares the expected rain of a model of probabilities with the mean of an ensemble of pysteps' STEPS.

    compare-steps.py [--starts N] [--members M] [--nowcast PROGRAM] MODEL FILE_OR_FOLDER

FILE_OR_FOLDER is one sequence that nowcast can read and MODEL has not seen. From N start times, evenly spread, all make a
forecast of an hour. Printed are MSE in (mm/h)² and CSI at 1 and 2 mm/h at +30 and +60 minutes of the mean of STEPS (not with
--members 0), the expected rain of the model, its field, S-PROG, S-PROG with every rate at 15 % more pixels, as the model's field may
have it at most, and of no rain at all, pooled over the start times, on the pixels that are valid in the observation and all of them. The expected rain follows from the probabilities that `nowcast predict --probabilities` writes: the integral of the
probability over the rate, linear in the logarithm of the rate between two thresholds, with a tail of its third power.

STEPS as in pysteps' examples: Lucas-Kanade on dB, six levels, order 2, bandpass filters, noise by the nonparametric
generator, incremental mask, probability matching by the CDF; seed 1.

Needs: pip install pysteps opencv-python-headless netCDF4 xarray.
"""
import argparse
import contextlib
import io
import pathlib
import subprocess
import tempfile
import warnings

import numpy as np
import xarray

warnings.filterwarnings("ignore")
from pysteps import motion, nowcasts  # noqa: E402
from pysteps.utils import transformation  # noqa: E402

INPUTS = 4
LEADS = (30, 60)
RATES = (1, 2)
TAIL = 3
LARGER = 1.15


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--nowcast", default=".build/release/nowcast")
    return parser.parse_args()


def steps_mean(frames, count, members, spacing_km, minutes):
    """The mean [count, h, w] in mm/h of an ensemble from frames [t, h, w] in mm/h."""
    scaled = transformation.dB_transform(frames, threshold=0.1, zerovalue=-15.0)[0]
    flow = motion.get_method("lucaskanade")(np.ma.masked_invalid(scaled))
    scaled = np.where(np.isfinite(scaled), scaled, -15.0)
    with contextlib.redirect_stdout(io.StringIO()):
        ensemble = nowcasts.get_method("steps")(
            scaled[-3:], flow, count, n_ens_members=members, n_cascade_levels=6, precip_thr=-10.0, kmperpixel=spacing_km,
            timestep=minutes, seed=1, num_workers=1)
    rates = transformation.dB_transform(ensemble, threshold=-10.0, inverse=True)[0]
    return rates.mean(axis=0)


def expected(thresholds, exceedance):
    """The expected rain [t, h, w] from probabilities [t, thresholds, h, w]."""
    weights = np.zeros(len(thresholds))
    weights[0] = thresholds[0]
    for index in range(1, len(thresholds)):
        low, high = thresholds[index - 1], thresholds[index]
        upper = (high * np.log(high / low) - (high - low)) / np.log(high / low)
        weights[index - 1] += high - low - upper
        weights[index] += upper
    weights[-1] += thresholds[-1] / (TAIL - 1)
    return np.einsum("k,tkyx->tyx", weights, exceedance)


def larger(field):
    """A field [h, w] with the same order of pixels and each rate at LARGER times as many of them."""
    valid = np.isfinite(field)
    order = np.argsort(-field[valid], kind="stable")
    rates = field[valid][order]
    result, values = field.copy(), np.empty_like(rates)
    values[order] = rates[(np.arange(rates.size) / LARGER).astype(int)]
    result[valid] = values
    return result


def main():
    options = arguments()
    scores = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        whole = folder / "whole.nc"
        subprocess.run([options.nowcast, "convert", options.data, "--output", whole, "--quiet"], check=True)
        data = xarray.open_dataset(whole)
        name = next(key for key, variable in data.data_vars.items() if variable.dims[:1] == ("time",) and variable.ndim == 3)
        rates = data[name].values
        minutes = float((data.time[1] - data.time[0]) / np.timedelta64(1, "s")) / 60
        spacing_km = abs(float(data[name][data[name].dims[2]][1] - data[name][data[name].dims[2]][0])) / 1000
        count = round(60 / minutes)
        for last in np.linspace(INPUTS - 1, len(rates) - count - 1, options.starts).round().astype(int):
            inputs, output = folder / "inputs.nc", folder / "forecast.nc"
            data.isel(time=slice(last + 1 - INPUTS, last + 1)).to_netcdf(inputs)
            subprocess.run(
                [options.nowcast, "predict", "--frames", inputs, "--model", options.model, "--output", output, "--overwrite",
                 "--probabilities", "--lead-frames", str(count), "--quiet"], check=True)
            forecast = xarray.open_dataset(output)
            subprocess.run(
                [options.nowcast, "predict", "--frames", inputs, "--method", "sprog", "--output", folder / "sprog.nc",
                 "--overwrite", "--lead-frames", str(count), "--quiet"], check=True)
            with xarray.open_dataset(folder / "sprog.nc") as sprog:
                sprog_rates = sprog.rainfall_rate.values
            methods = {
                "nowcast, expected": expected(
                    forecast.threshold.values,
                    forecast.probability_of_rainfall_rate_above_threshold.transpose("time", "threshold", ...).values),
                "nowcast, field": forecast.rainfall_rate.values,
                "S-PROG": sprog_rates,
                "S-PROG, larger areas": np.stack([larger(field) for field in sprog_rates]),
            }
            if options.members:
                methods["STEPS, mean"] = steps_mean(
                    rates[last + 1 - INPUTS:last + 1], count, options.members, spacing_km, minutes)
            methods["no rain"] = np.zeros_like(methods["nowcast, field"])
            for lead in LEADS:
                step = round(lead / minutes)
                truth = rates[last + step]
                valid = np.isfinite(truth) & np.all([np.isfinite(field[step - 1]) for field in methods.values()], axis=0)
                for method, field in methods.items():
                    guess, seen = field[step - 1][valid], truth[valid]
                    sums = [((guess - seen) ** 2).sum(), valid.sum()]
                    for rate in RATES:
                        sums += [((guess >= rate) & (seen >= rate)).sum(), ((guess >= rate) | (seen >= rate)).sum()]
                    scores[lead, method] = scores.get((lead, method), 0) + np.array(sums)
            forecast.close()
    print("| sequence | lead | method | MSE | CSI at 1 mm/h | at 2 mm/h |\n|---|---|---|---|---|---|")
    for (lead, method), (error, pixels, *counts) in sorted(scores.items()):
        skill = " | ".join(f"{hits / max(events, 1):.3f}" for hits, events in zip(counts[::2], counts[1::2]))
        print(f"| {options.data.stem} | +{lead} | {method} | {error / pixels:.2f} | {skill} |")


if __name__ == "__main__":
    main()
