#!/usr/bin/env python3
"""The measuring part of Scripts/benchmark, which builds the programs and finds a Python: see there. Needs the standard library only.

Two programs are measured in turn, round by round, so that a change of the machine's speed meets both alike; medians are compared.
"""

import argparse
import datetime
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SCRIPTS = pathlib.Path(__file__).resolve().parent
MODES = ["eager", "channels-last", "compiled"]
# Seconds after which a mode of PyTorch that is still not ready (compiling) is given up.
PATIENCE = 300
NETWORKS = {
    "S": "classic example, `[64,20,1,64,64]`, 30 hidden, 3×3, forward",
    "T3": "training step, 64-64, 3×3, batch 8, 10 → 10 frames of 64×64",
    "T5": "training step, 128-64-64, 5×5, batch 16, 10 → 10 frames of 64×64 folded to 16×16×16",
    "P": "forecast, 64-64, 3×3, 4 → 12 frames of 512×512",
}
ALL = [*NETWORKS, "E", "K", "M", "N"]


def say(text):
    print(f"benchmark: {text}", file=sys.stderr, flush=True)


def fail(text):
    say(text)
    sys.exit(1)


def peak_bytes(usage):
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def ended(process):
    """Waits for the end of a process: its exit status and peak memory."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, peak_bytes(usage)


def run(command):
    """Seconds from start to end of a process, and its peak memory."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    status, peak = ended(process)
    seconds = time.perf_counter() - start
    if status != 0:
        fail(f"status {status} from: {' '.join(map(str, command))}")
    return seconds, peak


class Worker:
    """A program that is warm and does a round when asked."""

    def __init__(self, command, patience=None):
        self.process = subprocess.Popen(
            [str(word) for word in command], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        timer = threading.Timer(patience or 3600, self.process.kill)
        timer.start()
        words = self.process.stdout.readline().split()
        timer.cancel()
        self.version = words[1] if words[:1] == ["ready"] else None

    def round(self):
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self):
        """Ends it; the most memory it has had."""
        self.process.stdin.close()
        return ended(self.process)[1]

    def give_up(self):
        self.process.kill()
        self.process.communicate()


def in_turn(workers, rounds):
    """The times of each worker, and its peak memory."""
    times = [[] for _ in workers]
    for _ in range(rounds):
        for worker, mine in zip(workers, times):
            mine.append(worker.round())
    return times, [worker.close() for worker in workers]


def seconds_text(times):
    middle = statistics.median(times)
    digits = 2 if middle >= 1 else 3
    return f"{middle:.{digits}f} s ({min(times):.{digits}f}–{max(times):.{digits}f})"


def ratio_text(mine, other, digits=1):
    """Of the medians; that of the least times too, which say more where other programs used the machine."""
    return f"**{statistics.median(other) / statistics.median(mine):.{digits}f}×** ({min(other) / min(mine):.{digits}f}×)"


def memory_text(size):
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


class Benchmark:
    def __init__(self, options, work):
        self.options, self.work = options, pathlib.Path(work)
        self.programs = pathlib.Path(options.programs)
        self.rows, self.notes, self.torch = [], [], None

    def row(self, *cells):
        self.rows.append("| " + " | ".join(map(str, cells)) + " |")
        say(" · ".join(map(str, cells)))

    # The programs

    def ours(self, case, threads=None):
        return Worker([self.programs / "NetworkBenchmark", case, threads or self.options.threads, "each-line"])

    def theirs(self, case, mode, *more, threads=None):
        script = [sys.executable, SCRIPTS / "benchmark_pytorch.py", case, "--mode", mode]
        return Worker([*script, "--threads", threads or self.options.threads, *more], patience=PATIENCE)

    def best_mode(self, case, threads=None, modes=MODES):
        """The mode in which PyTorch is quickest on a short version of the case, and a note of all."""
        workers = {}
        for mode in modes:
            worker = self.theirs(case, mode, "--short", threads=threads)
            if worker.version:
                self.torch, workers[mode] = worker.version, worker
            else:
                worker.give_up()
                self.notes.append(f"{case}: PyTorch's mode {mode} failed or was not ready within {PATIENCE} s.")
        times, _ = in_turn(workers.values(), 3)
        found = {mode: min(mine) for mode, mine in zip(workers, times)}
        if not found:
            fail(f"PyTorch does not run {case}")
        best = min(found, key=found.get)
        self.notes.append(
            f"{case}: PyTorch's modes on a few time steps: " + ", ".join(f"{m} {s:.3g} s" for m, s in found.items()) + ".")
        say(self.notes[-1])
        return best

    # The cases

    def network(self, case, shown, memory):
        mode = self.best_mode(case)
        (mine, other), peaks = in_turn([self.ours(case), self.theirs(case, mode)], self.options.rounds)
        if shown:
            self.row(case, NETWORKS[case], seconds_text(mine), seconds_text(other), ratio_text(mine, other), mode)
        if memory:
            self.memory_rows.append((f"M, {case}", "peak memory of the process", *map(memory_text, peaks),
                                     f"**{peaks[1] / peaks[0]:.1f}×**", mode))

    def model(self):
        """A model of the radar preset for frames of 600 s and 500 m. One step, with a scale that begins at 10 dBZ: so even an
        untrained network forecasts rain, and there is something to compare."""
        data, folder = self.work / "training.nc", self.work / "run"
        nowcast = self.programs / "nowcast"
        run([nowcast, "simulate", "--output", data, "--frames", 20, "--height", 128, "--width", 128, "--step-seconds", 600,
             "--spacing", 500, "--quiet"])
        run([nowcast, "train", "--data", data, "--output", folder, "--preset", "shi2015-radar", "--max-steps", 1,
             "--learning-rate", 0.02, "--min-dbz", 10, "--validation-share", 0, "--batch-size", 1, "--quiet"])
        return folder / "model.safetensors"

    def predict(self, model, frames, lead, output):
        # --force: real frames may have any step and spacing.
        return [self.programs / "nowcast", "predict", "--frames", *frames, "--model", model, "--output", output,
                "--lead-frames", lead, "--threads", self.options.threads, "--force", "--overwrite", "--quiet"]

    def simulated(self, height, width):
        path = self.work / f"frames-{height}x{width}.nc"
        run([self.programs / "nowcast", "simulate", "--output", path, "--frames", 5, "--height", height, "--width", width,
             "--step-seconds", 600, "--spacing", 500, "--overwrite", "--quiet"])
        return path

    def whole_process(self):
        frames = self.options.frames or [self.simulated(512, 512)]
        model, output, other_output = self.options.model or self.model(), self.work / "forecast.nc", self.work / "python.nc"
        mine = self.predict(model, frames, 12, output)

        def theirs(mode):
            return [sys.executable, SCRIPTS / "benchmark_predict.py", "--frames", *frames, "--model", model, "--output",
                    other_output, "--threads", self.options.threads, "--mode", mode]

        # The first round warms the file cache, finds the better mode, and checks that both forecasts are the same.
        run(mine)
        modes = {}
        for mode in MODES[:2]:
            other_output.unlink(missing_ok=True)
            modes[mode] = run([*theirs(mode), "--against", output])[0]
        mode = min(modes, key=modes.get)
        times = [], []
        for _ in range(self.options.rounds):
            for command, found in zip((mine, theirs(mode)), times):
                other_output.unlink(missing_ok=True)
                found.append(run(command)[0])
        count = f"{len(frames)} files" if self.options.frames else "5 simulated frames of 512×512"
        self.row("E", f"whole process: {count} → 12 frames in a NetCDF file, radar preset", *map(seconds_text, times),
                 ratio_text(*times), mode)
        self.notes.append("E: the forecasts of both agree: every rate within 1e-3, the same pixels missing.")

    def kernel(self):
        """The limit and the rates of KernelBenchmark, for the instructions that nowcast uses here."""
        text = subprocess.run([self.programs / "KernelBenchmark", "64", "256", "3", "96", "1"], text=True, check=True,
                              stdout=subprocess.PIPE).stdout
        sets = re.findall(r"^(\w+):\n((?:  .*\n?)+)", text, re.M)
        wanted = os.environ.get("NOWCAST_INSTRUCTION_SET")
        self.instructions, body = next((s for s in sets if s[0] == wanted), sets[-1])
        self.rates = {name: float(rate) for name, rate in re.findall(r"^  (.+): ([\d.]+)", body, re.M)}
        self.limit = self.rates["FMA limit, one core"]

    def kernel_rows(self):
        mode = self.best_mode("K", threads=1, modes=MODES[:2])
        (times,), _ = in_turn([self.theirs("K", mode, threads=1)], 25)
        other = 2 * 64 * 256 * 9 * 96 * 96 / statistics.median(times) * 1e-9
        for name, title in ("direct", "direct"), ("winograd6", "Winograd, effective"):
            rate = self.rates[f"{name}, forward"]
            self.row("K", f"convolution 64 → 256, 3×3, 96×96, one core: {title}",
                     f"{rate:.0f} GFLOP/s ({rate / self.limit:.2f} of the limit)",
                     f"{other:.0f} GFLOP/s ({other / self.limit:.2f})", f"**{rate / other:.1f}×**", mode)

    def scaling(self):
        threads = self.options.threads
        (one, many), _ = in_turn([self.ours("T3", 1), self.ours("T3", threads)], self.options.rounds)
        self.row("N", f"T3 with one thread over T3 with {threads}",
                 f"{seconds_text(one)} over {seconds_text(many)}", "", ratio_text(many, one, 2), "")

    def table(self):
        cases, self.memory_rows = self.options.cases, []
        self.kernel()
        for case in NETWORKS:
            memory = "M" in cases and case in ("S", "T3")
            if case in cases or memory:
                self.network(case, case in cases, memory)
        for case, part in ("E", self.whole_process), ("K", self.kernel_rows), ("N", self.scaling):
            if case in cases:
                part()
        for cells in self.memory_rows:
            self.row(*cells)
        head = ["| case | what | nowcast | PyTorch | ratio | PyTorch's best mode |", "|---|---|---|---|---|---|"]
        about = (f"Medians of {self.options.rounds} rounds in turn (least–most), ratios of medians (of least times); "
                 f"{self.options.threads} threads; FMA limit of one core "
                 f"{self.limit:.0f} GFLOP/s ({self.instructions}). PyTorch {self.torch}, Python {platform.python_version()}.")
        return [about, "", *head, *self.rows, "", *[f"- {note}" for note in self.notes]]

    def growth(self):
        """One forecast after the other; the least time of the rounds, as there is nothing to compare it with."""
        model, output = self.model(), self.work / "forecast.nc"
        say("grid, lead frames, seconds, memory")
        for height, width, lead in (
            *[(size, size, 12) for size in (128, 256, 512, 1024, 2048)],
            *[(512, 512, lead) for lead in (6, 12, 24, 48)],
            (765, 700, 18),
        ):
            found = [run(self.predict(model, [self.simulated(height, width)], lead, output)) for _ in range(self.options.rounds)]
            seconds, peak = min(s for s, _ in found), max(p for _, p in found)
            pixels = height * width
            self.row(f"{height}×{width}", f"5 → {lead}", f"{seconds:.2f} s", f"{seconds / (pixels * (5 + lead)) * 1e9:.0f} ns",
                     memory_text(peak), f"{peak / pixels:.0f}")
        head = ["| grid | frames | whole process | for each pixel and frame | peak memory | bytes for each pixel |",
                "|---|---|---|---|---|---|"]
        about = (f"`nowcast predict` from start to end with the radar preset (patch 2, 64-64, 3×3), {self.options.threads} threads, "
                 f"the least of {self.options.rounds} rounds.")
        return [about, "", *head, *self.rows]


def first_line(command, pattern=None):
    try:
        text = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    except OSError:
        return "unknown"
    found = re.search(pattern, text) if pattern else None
    return (found.group(1) if found else (text.splitlines() or ["unknown"])[0]).strip()


def machine():
    """When and on what: a number without them means nothing."""
    if sys.platform == "darwin":
        processor = first_line(["sysctl", "-n", "machdep.cpu.brand_string"])
    else:
        processor = first_line(["cat", "/proc/cpuinfo"], r"model name\s*:\s*(.*)")
    commit = first_line(["git", "-C", str(SCRIPTS), "rev-parse", "--short", "HEAD"])
    swift = first_line(["swift", "--version"], r"Swift version (\S+)")
    return (f"{datetime.date.today()}, {processor} ({platform.machine()}), {os.cpu_count()} cores, {platform.system()}; "
            f"nowcast at {commit}, Swift {swift}.")


def main():
    parser = argparse.ArgumentParser(description="Measures what Scripts/benchmark has built.")
    parser.add_argument("--programs", required=True, help="the folder of the built programs")
    parser.add_argument("--cases", default=",".join(ALL))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", nargs="+")
    parser.add_argument("--model")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--output")
    options = parser.parse_args()
    options.cases = options.cases.upper().split(",")
    if unknown := set(options.cases) - set(ALL):
        parser.error(f"no case named {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    if options.rounds < 1 or options.threads < 1:
        parser.error("--rounds and --threads must be at least 1")
    # First, since the sources may change while it measures.
    about = machine()
    with tempfile.TemporaryDirectory() as work:
        benchmark = Benchmark(options, work)
        table = benchmark.growth() if options.growth else benchmark.table()
    text = "\n".join([about, *table]) + "\n"
    print(text, end="")
    if options.output:
        pathlib.Path(options.output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
