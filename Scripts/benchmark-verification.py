#!/usr/bin/env python3
"""Times 'nowcast eval' against pysteps' verification: 100 start times of 512 × 512 pixels, all scores, 2 cores.

    Scripts/benchmark-verification.py [--nowcast PATH] [--starts 100] [--leads 6] [--work FOLDER]

Both score the same files for each lead time: contingency tables of six thresholds, errors and correlation, the
fractions skill score of six thresholds and six windows, and power spectra; nowcast also structural similarity, two pooled
CSIs, persistence and the intervals. pysteps runs in two processes, and of a part of the start times (--part), scaled up.
Prints also nowcast's largest memory for a quarter, half and all of the start times.
Needs: pip install numpy netCDF4 pysteps.
"""
import argparse
import concurrent.futures
import os
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import verification_pysteps as pysteps_scores


def score(job):
    """Scores some start times with pysteps, in a process of its own."""
    observed, paths, starts = job
    rates, _, _ = pysteps_scores.read_rates(observed)
    scores = {}
    for path, start in zip(paths, starts):
        forecast, times, _ = pysteps_scores.read_rates(path)
        for lead in range(len(times)):
            scores.setdefault(lead, pysteps_scores.Scores()).add(forecast(lead), rates(start + lead + 1))
    return len(paths)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nowcast", default=".build/release/nowcast")
    parser.add_argument("--starts", type=int, default=100)
    parser.add_argument("--leads", type=int, default=6)
    parser.add_argument("--part", type=int, default=10, help="start times that pysteps scores")
    parser.add_argument("--work", help="a folder for the files; kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.work or temporary
        os.makedirs(folder, exist_ok=True)
        observed = os.path.join(folder, "observed.nc")
        frames = options.starts + options.leads
        if not os.path.exists(observed):
            pysteps_scores.run(
                options.nowcast, "simulate", "-q", "--output", observed, "--frames", str(frames), "--height", "512",
                "--width", "512", "--seed", "3",
            )  # fmt: skip
        rates, times, file = pysteps_scores.read_rates(observed)
        paths = []
        for start in range(options.starts):
            path = os.path.join(folder, f"{start:03}", "moved.nc")
            if not os.path.exists(path):
                last = rates(start)
                fields = [pysteps_scores.moved(last, lead) for lead in range(1, options.leads + 1)]
                ahead = times[start + 1 : start + 1 + options.leads]
                pysteps_scores.write_forecast(path, file, fields, times[start], ahead)
            paths.append(path)
        for count in (options.starts // 4, options.starts // 2, options.starts):
            before = time.time()
            process = subprocess.Popen(
                [options.nowcast, "eval", "-q", "--threads", "2", "--data", observed, "--forecast", *paths[:count],
                 "--output", os.path.join(folder, "report"), "--overwrite"]
            )  # fmt: skip
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.time() - before
            if status:
                raise SystemExit("nowcast failed")
            busy = usage.ru_utime + usage.ru_stime
            print(
                f"nowcast: {count} start times in {seconds:.1f} s ({busy:.1f} s of processors), at most "
                f"{usage.ru_maxrss / 1024:.0f} MB",
                flush=True,
            )
        part = min(options.part, options.starts)
        before = time.time()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            jobs = [(observed, paths[k:part:2], list(range(k, part, 2))) for k in range(2)]
            list(pool.map(score, jobs))
        scale = options.starts / part
        theirs = (time.time() - before) * scale
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        processors = (now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime) * scale
        print(
            f"pysteps: {part} start times, scaled to {options.starts}: {theirs:.0f} s in two processes ({processors:.0f} s of "
            "processors)"
        )
        print(f"nowcast is {theirs / seconds:.1f} times as fast, with {processors / busy:.1f} times less work of processors")


if __name__ == "__main__":
    main()
