#!/usr/bin/env python3
"""Runs a training and notes when each epoch's line appears in its history.

    python Scripts/watch-history.py HISTORY.csv OUT.csv -- COMMAND...

OUT.csv gets seconds since the command said what it learns from (so that reading the data does not count, as it does not for the
program it is compared with), the step, and training and validation loss.
"""

import csv
import pathlib
import subprocess
import sys
import threading
import time


def main():
    history, output = map(pathlib.Path, sys.argv[1:3])
    process = subprocess.Popen(sys.argv[4:], stderr=subprocess.PIPE, text=True)
    begin = [time.perf_counter()]

    def listen():
        for line in process.stderr:
            if "learning from" in line:
                begin[0] = time.perf_counter()
            sys.stderr.write(line)

    listener = threading.Thread(target=listen)
    listener.start()
    known = 0
    with open(output, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["seconds", "step", "train_loss", "validation_loss"])
        running = True
        while running:
            running = process.poll() is None
            if not running:
                listener.join()
            rows = list(csv.DictReader(history.open())) if history.exists() else []
            for row in rows[known:]:
                table.writerow([time.perf_counter() - begin[0], row["step"], row["train_loss"], row["validation_loss"]])
            file.flush()
            known = len(rows)
            time.sleep(0.2 if running else 0)
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
