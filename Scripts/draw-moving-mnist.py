#!/usr/bin/env python3
"""Draws validation loss against time and against steps, and says how far the two programs are apart.

    python Scripts/draw-moving-mnist.py NOWCAST.csv PYTORCH.csv PICTURE.png        needs matplotlib
"""

import csv
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot


def read(path):
    with open(path) as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    return {key: [row[key] for row in rows] for key in rows[0]}


def main():
    runs = {"nowcast": read(sys.argv[1]), "PyTorch": read(sys.argv[2])}
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for (name, run), colour, mark in zip(runs.items(), ("#0b6e99", "#d1495b"), ("o", "s")):
        left.plot([s / 60 for s in run["seconds"]], run["validation_loss"], mark + "-", color=colour, markersize=4, label=name)
        right.plot(run["step"], run["validation_loss"], mark + "-", color=colour, markersize=4, label=name)
    left.set(xlabel="minutes, two threads", ylabel="validation loss (mean squared error)", title="the same time")
    right.set(xlabel="updates", title="the same updates")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False)
    figure.savefig(sys.argv[3], dpi=110, metadata={"Software": None})

    ours, theirs = runs.values()
    for step, loss in zip(theirs["step"], theirs["validation_loss"]):
        if step in ours["step"]:
            own = ours["validation_loss"][ours["step"].index(step)]
            print(f"step {step:.0f}: nowcast {own:.6f}, PyTorch {loss:.6f}, {100 * (own / loss - 1):+.3f} %")
    for name, run in runs.items():
        rate = run["seconds"][-1] / run["step"][-1]
        print(f"{name}: {run['step'][-1]:.0f} updates in {run['seconds'][-1]:.0f} s ({rate:.2f} s each, validation included), "
              f"validation loss {run['validation_loss'][-1]:.6f}")


if __name__ == "__main__":
    main()
