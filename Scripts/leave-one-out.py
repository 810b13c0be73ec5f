#!/usr/bin/env python3
"""Trains on all events but one, scores on that one, and so for each: what a model is worth on an event it never saw.

    leave-one-out.py [--steps N] [--coordinates lagrangian,eulerian] [--held-out NAME,...] [--threads N] [--nowcast PROGRAM]
                     [--from-scratch] DATA OUTPUT

DATA is a folder with the sequences named in EVENTS below. For each event and each kind of coordinates a model is trained with
the preset `lagrangian` on the others, for a fixed number of updates: nothing of the event that is scored, and no validation on
it, chooses anything. In Lagrangian coordinates training begins with the starter model, which has seen none of these radars,
or with --from-scratch as any network does. `nowcast eval` scores it from every second start time beside persistence, advection and S-PROG. Models
and reports stay in OUTPUT; what is there already is not made again. Those of five minutes and one kilometre are learned from.
An event of another step and spacing is scored by the model of all of these, which has to be forced to.

Printed are, for each event at +15, +30, +45 and +60 minutes as far as its step has them, CSI at 0.5, 1, 2 and 5 mm/h, the
frequency bias at 1 and 2, MSE and FSS (1 mm/h, the window nearest to 20 km) of each method, on the pixels that are valid in all.
Three hours have too few blocks of an hour for intervals, so blocks have 20 minutes: intervals.csv of each report has those of the
event, which are rather narrow, since start times so near to each other are not independent. The reports of the events of five
minutes are merged, and the 95 % intervals of the difference in CSI between models and S-PROG are printed of all of them together.
"""
import argparse
import csv
import pathlib
import subprocess

EVENTS = {
    "mch2015": "derived/mch_20150515.nc",
    "mch2016": "derived/mch_20160711.nc",
    "fmi2016": "derived/fmi_20160928_dbz.nc",
    "knmi2010": "knmi-hdf5-20100826",
    "bom2020": "bom-66-20201031",
}
# Ten minutes and half a kilometre: an hour of it are six frames.
FORCED = {"bom2020": ["--force", "--lead-frames", "6"]}
LEADS = ("15", "30", "45", "60")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--coordinates", default="lagrangian,eulerian")
    parser.add_argument("--held-out", default=",".join(EVENTS))
    parser.add_argument("--threads")
    parser.add_argument("--from-scratch", action="store_true")
    parser.add_argument("--nowcast", default=".build/release/nowcast")
    options = parser.parse_args()
    options.coordinates = options.coordinates.split(",")
    options.held_out = options.held_out.split(",")
    unknown = set(options.held_out) - set(EVENTS)
    if unknown:
        parser.error(f"no such event: {', '.join(sorted(unknown))}; there are {', '.join(EVENTS)}")
    return options


def study(options, event, coordinates):
    """The folder of the report of a model that was trained without an event."""
    run = options.output / f"{event}-{coordinates}"
    report = options.output / f"{event}-{coordinates}-report"
    threads = ["--threads", options.threads] if options.threads else []
    if not (report / "scores.csv").exists():
        others = [options.data / path for name, path in EVENTS.items() if name != event and name not in FORCED]
        kind = ["--guidance", "none"] if coordinates == "eulerian" else ["--init", "none" if options.from_scratch else "starter"]
        resume = ["--resume"] if (run / "checkpoint.safetensors").exists() else []
        subprocess.run(
            [options.nowcast, "train", "--data", *others, "--output", run, "--preset", "lagrangian", "--coordinates", coordinates,
             *kind, "--validation-share", "0", "--max-steps", str(options.steps), "--quiet", *resume, *threads], check=True)
        subprocess.run(
            [options.nowcast, "eval", "--data", options.data / EVENTS[event], "--model", run, "--output", report, "--overwrite",
             "--stride", "2", "--block-minutes", "20", "--baselines", "persistence,advection,sprog", "--quiet",
             *FORCED.get(event, []), *threads], check=True)
    return report


def scores(report):
    table = {}
    with open(report / "scores.csv") as file:
        for row in csv.DictReader(file):
            if row["event"] == "all" and row["value"]:
                key = row["method"], row["lead_minutes"], row["metric"], row["threshold"], row["scale"]
                table[key] = float(row["value"])
    return table


def fss(table, method, lead):
    """FSS at 1 mm/h with the window nearest to 20 pixels of 1 km."""
    scales = {scale for _, _, metric, threshold, scale in table if metric == "fss" and threshold == "1"}
    nearest = min(scales, key=lambda scale: abs(float(scale) - 20)) if scales else ""
    return table.get((method, lead, "fss", "1", nearest))


def number(value, digits=3):
    return "–" if value is None else f"{value:.{digits}f}"


def line(event, lead, name, table, method):
    def get(metric, threshold=""):
        return table.get((method, lead, metric, threshold, ""))

    cells = [number(get("csi", threshold)) for threshold in ("0.5", "1", "2", "5")]
    cells += [number(get("bias", threshold), 2) for threshold in ("1", "2")]
    cells += [number(get("mse"), 2), number(fss(table, method, lead))]
    print(f"| {event} | +{lead} | {name} | " + " | ".join(cells) + " |", flush=True)


def merged(options, reports, coordinates):
    """The folder of the report of all events together, each scored with the model that had not seen it."""
    output = options.output / f"all-{coordinates}-report"
    subprocess.run(
        [options.nowcast, "eval", "--merge", *reports, "--output", output, "--overwrite", "--quiet"], check=True)
    return output


def differences(report):
    with open(report / "intervals.csv") as file:
        for row in csv.DictReader(file):
            if (row["method"], row["minus"], row["metric"]) == ("convlstm", "sprog", "csi") and row["low"]:
                if row["threshold"] in ("0.5", "1", "2", "5") and row["lead_minutes"] in LEADS:
                    yield (row["lead_minutes"], row["threshold"], float(row["value"]), float(row["low"]),
                           float(row["high"]), row["blocks"])


def main():
    options = arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    reports = {
        (event, coordinates): study(options, event, coordinates)
        for coordinates in options.coordinates for event in options.held_out}
    print("| event | lead | method | CSI 0.5 | 1 | 2 | 5 | bias 1 | 2 | MSE | FSS |")
    print("|" + "---|" * 11)
    for event in options.held_out:
        tables = {kind: scores(reports[event, kind]) for kind in options.coordinates}
        first = tables[options.coordinates[0]]
        for lead in LEADS:
            for method in ("persistence", "advection", "sprog"):
                line(event, lead, method, first, method)
            for kind, table in tables.items():
                line(event, lead, f"ConvLSTM, {kind}", table, "convlstm")
                line(event, lead, f"ConvLSTM, {kind}, mean", table, "convlstm-mean")
    for kind in options.coordinates:
        print(f"\nConvLSTM, {kind}, minus S-PROG: CSI over all events of five minutes, and its 95 % interval\n")
        print("| lead | threshold | difference | interval | blocks |")
        print("|" + "---|" * 5)
        pooled = merged(options, [reports[event, kind] for event in options.held_out if event not in FORCED], kind)
        for lead, threshold, value, low, high, blocks in differences(pooled):
            print(f"| +{lead} | {threshold} | {value:+.3f} | {low:+.3f} to {high:+.3f} | {blocks} |")


if __name__ == "__main__":
    main()
