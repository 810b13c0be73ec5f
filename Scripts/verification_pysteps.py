"""Scores of forecasts by pysteps' verification, for the scripts that set nowcast's eval beside it.

Where pysteps would count missing pixels as correct negatives, it is given only those that were measured.
"""
import csv
import os
import subprocess
import warnings

import numpy as np

warnings.filterwarnings("ignore")
from netCDF4 import Dataset
from pysteps.utils.spectral import rapsd
from pysteps.verification import detcatscores, detcontscores, spatialscores

THRESHOLDS = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0]
WINDOWS = [1, 5, 9, 17, 33, 65]
CATEGORICAL = {"csi": "CSI", "pod": "POD", "far": "FAR", "bias": "BIAS", "hss": "HSS", "ets": "ETS"}
CONTINUOUS = {"mse": "MSE", "rmse": "RMSE", "mae": "MAE", "me": "ME", "correlation": "corr_p"}


class Scores:
    """The accumulators of one lead time."""

    def __init__(self):
        self.tables = [detcatscores.det_cat_fct_init(float(np.float32(t))) for t in THRESHOLDS]
        self.errors = detcontscores.det_cont_fct_init()
        self.fractions = {(t, w): spatialscores.fss_init(float(np.float32(t)), w) for t in THRESHOLDS for w in WINDOWS}
        self.power = None
        self.frames = 0

    def add(self, forecast, observation):
        both = np.isfinite(forecast) & np.isfinite(observation)
        f, o = forecast[both], observation[both]
        if f.size == 0:
            return
        for table in self.tables:
            detcatscores.det_cat_fct_accum(table, f, o)
        detcontscores.det_cont_fct_accum(self.errors, f.astype(np.float64), o.astype(np.float64))
        masked = np.where(both, forecast, np.nan), np.where(both, observation, np.nan)
        for fss in self.fractions.values():
            spatialscores.fss_accum(fss, *masked)
        power = np.array([bands(np.where(both, x, 0).astype(np.float64)) for x in (forecast, observation)])
        self.power = power if self.power is None else self.power + power
        self.frames += 1

    def values(self):
        """{(metric, threshold, scale): value}"""
        result = {}
        for t, table in zip(THRESHOLDS, self.tables):
            computed = detcatscores.det_cat_fct_compute(table, list(CATEGORICAL.values()))
            for ours, theirs in CATEGORICAL.items():
                result[ours, t, None] = float(computed[theirs])
        computed = detcontscores.det_cont_fct_compute(self.errors, list(CONTINUOUS.values()))
        for ours, theirs in CONTINUOUS.items():
            result[ours, None, None] = float(computed[theirs])
        for (t, w), fss in self.fractions.items():
            result["fss", t, w] = float(spatialscores.fss_compute(fss))
        if self.power is not None:
            for edge, forecast, observation in zip(EDGES, *self.power):
                if forecast or observation:
                    result["power_forecast", None, edge] = forecast / self.frames
                    result["power_observed", None, edge] = observation / self.frames
        return result


EDGES = [e for k in range(1, 14) for e in (2**k, 3 * 2 ** (k - 1))]


def bands(field):
    """The power of pysteps' rings in bands of half an octave, by their shortest wavelength in pixels."""
    rings = rapsd(field, fft_method=np.fft)[1:]
    band = np.searchsorted(EDGES, max(field.shape) / np.arange(1, len(rings) + 1), side="right") - 1
    counts = np.bincount(band, minlength=len(EDGES))
    return np.bincount(band, rings, minlength=len(EDGES)) / np.maximum(counts, 1)


def read_rates(path):
    """Rates in mm/h and times in seconds of what 'nowcast convert' wrote, a frame at a time."""
    file = Dataset(path)
    variable = file["rainfall_rate"]
    variable.set_auto_maskandscale(True)
    return lambda frame: np.ma.filled(variable[frame].astype(np.float32), np.nan), np.array(file["time"][:]), file


def write_forecast(path, source, rates, start, times):
    """Writes a CF forecast on the grid of 'source' (an open file of 'nowcast convert')."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    variable = source["rainfall_rate"]
    with Dataset(path, "w") as file:
        time_name, y_name, x_name = variable.dimensions
        for name, length in ((time_name, len(times)), (y_name, rates[0].shape[0]), (x_name, rates[0].shape[1])):
            file.createDimension(name, length)
        grid = [n for n, v in source.variables.items() if time_name not in v.dimensions and n != "rainfall_rate"]
        for name in grid:
            v = source[name]
            if not set(v.dimensions) <= set(file.dimensions):
                continue
            copy = file.createVariable(name, v.dtype, v.dimensions)
            copy.setncatts({k: v.getncattr(k) for k in v.ncattrs() if k not in ("_FillValue", "bounds")})
            if v.dtype != str:
                copy[...] = v[...]
        time = file.createVariable(time_name, "f8", (time_name,))
        time.setncatts({"standard_name": "time", "units": source[time_name].units, "calendar": "standard"})
        time[:] = times
        reference = file.createVariable("forecast_reference_time", "f8", ())
        reference.setncatts({"standard_name": "forecast_reference_time", "units": source[time_name].units})
        reference[...] = start
        rain = file.createVariable("rainfall_rate", "f4", variable.dimensions, fill_value=np.float32(-1))
        keep = {k: variable.getncattr(k) for k in variable.ncattrs() if k in ("standard_name", "units", "grid_mapping")}
        rain.setncatts(keep)
        for frame, field in enumerate(rates):
            rain[frame] = np.where(np.isnan(field), np.float32(-1), field)


def moved(field, lead):
    """A forecast that is neither right nor trivial: the last field, moved and weakened."""
    return (np.roll(field, (lead, 2 * lead), axis=(0, 1)) * np.float32(1 - 0.08 * lead)).astype(np.float32)


def read_scores(report):
    """{lead minutes: {(metric, threshold, scale): (value, count)}} of all events of a report."""
    result = {}
    with open(os.path.join(report, "scores.csv")) as file:
        for row in csv.DictReader(file):
            if row["event"] != "all" or not row["lead_minutes"]:
                continue
            key = (
                row["metric"],
                float(row["threshold"]) if row["threshold"] else None,
                int(row["scale"]) if row["scale"] else None,
            )
            value = float(row["value"]) if row["value"] else None
            result.setdefault(float(row["lead_minutes"]), {})[key] = (value, int(row["count"]))
    return result


def run(*command):
    """Runs a command and returns its output; its errors end the script."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:12])} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
