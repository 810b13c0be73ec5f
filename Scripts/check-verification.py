#!/usr/bin/env python3
"""Scores the same forecasts with 'nowcast eval --definition pysteps' and with pysteps' own verification, and compares.

    Scripts/check-verification.py [--nowcast PATH] SEQUENCE...

A SEQUENCE is a file or folder of radar frames, or FILE@VARIABLE@UNITS where it does not say them. The forecasts are the last frame, moved and weakened; several start and
lead times of each sequence. Every score must agree to 1e-6 (relative, or absolute below 1). Beside that it is shown what
pysteps makes of missing pixels when they are left in. Needs: pip install numpy netCDF4 pysteps.
"""
import argparse
import os
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import verification_pysteps as pysteps_scores

parser = argparse.ArgumentParser()
parser.add_argument("--nowcast", default=".build/release/nowcast")
parser.add_argument("--starts", type=int, default=3)
parser.add_argument("--leads", type=int, default=3)
parser.add_argument("sequences", nargs="+")
options = parser.parse_args()

failures = 0
for sequence in options.sequences:
    with tempfile.TemporaryDirectory() as folder:
        clean = os.path.join(folder, "observed.nc")
        sequence, *told = sequence.split("@")
        told = [word for pair in zip(("--variable", "--units"), told) for word in pair]
        pysteps_scores.run(options.nowcast, "convert", "-q", sequence, *told, "--output", clean)
        rates, times, file = pysteps_scores.read_rates(clean)
        steps = np.diff(times)
        step = np.median(steps)
        regular = np.abs(steps - step) < 1
        possible = [i for i in range(len(times) - options.leads) if regular[i : i + options.leads].all()]
        starts = possible[:: max(1, len(possible) // options.starts)][: options.starts]
        if not starts:
            print(f"{os.path.basename(sequence)}: too short")
            continue
        scores = {}
        careless = [0, 0]
        forecasts = []
        for start in starts:
            last = rates(start)
            fields = [pysteps_scores.moved(last, lead) for lead in range(1, options.leads + 1)]
            path = os.path.join(folder, str(start), "moved.nc")
            pysteps_scores.write_forecast(path, file, fields, times[start], times[start + 1 : start + 1 + options.leads])
            forecasts.append(path)
            for lead, field in enumerate(fields, 1):
                observation = rates(start + lead)
                scores.setdefault(lead, pysteps_scores.Scores()).add(field, observation)
                careless[0] += int((~np.isfinite(field) | ~np.isfinite(observation)).sum())
                careless[1] += field.size
        report = os.path.join(folder, "report")
        pysteps_scores.run(
            options.nowcast, "eval", "-q", "--data", clean, "--forecast", *forecasts, "--output", report,
            "--definition", "pysteps", "--baselines", "none",
        )  # fmt: skip
        ours = pysteps_scores.read_scores(report)
        worst, compared, where = 0.0, 0, None
        leads = sorted(ours)
        for lead, minutes in zip(sorted(scores), leads):
            for key, theirs in scores[lead].values().items():
                value = ours[minutes].get(key, (None, 0))[0]
                if not np.isfinite(theirs) or value is None:
                    if np.isfinite(theirs) != (value is not None):
                        # Where nothing was observed or forecast, pysteps divides zero by zero or by a small number.
                        print(f"  {key} at +{minutes:g} min: nowcast {value}, pysteps {theirs}")
                        failures += 1
                    continue
                compared += 1
                difference = abs(value - theirs) / max(1, abs(theirs))
                if difference > worst:
                    worst, where = difference, (key, minutes)
        isFine = worst <= 1e-6 and compared > 0
        failures += not isFine
        print(
            f"{'ok ' if isFine else 'NOT'} {os.path.basename(sequence.rstrip('/'))}: {compared} scores, largest difference "
            f"{worst:.1e} {where or ''}; missing pixels, which pysteps would count as correct negatives: "
            f"{100 * careless[0] / max(careless[1], 1):.1f} %",
            flush=True,
        )
raise SystemExit(1 if failures else 0)
