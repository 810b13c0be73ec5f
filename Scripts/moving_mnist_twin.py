#!/usr/bin/env python3
"""PyTorch's side of Scripts/compare-moving-mnist: the same network trained from the same weights on the same batches.

    python Scripts/moving_mnist_twin.py draw FILE                    writes first weights that both begin with
    python Scripts/moving_mnist_twin.py train DATA WEIGHTS OUT.csv   trains like `nowcast train --init WEIGHTS`

DATA is the folder that make-moving-mnist.py made. OUT.csv gets, for each epoch, seconds since the start, the step, and training and
validation loss. What is trained is the module of pytorch_model.py, with torch.optim.Adam and clip_grad_norm_; the order of the windows
is nowcast's (its random numbers are computed here once more). Needs torch, numpy, netCDF4, safetensors.
"""

import argparse
import csv
import functools
import math
import pathlib
import time

import netCDF4
import numpy
import torch
from pytorch_model import EncoderForecaster, Layer
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

INPUT, LEAD, FRAMES = 10, 10, 20
ARCHITECTURE = dict(patch=2, hidden=[64, 64], input_kernel=[3, 3], state_kernel=[3, 3], peephole=True, forecaster_order="same")
MASK = (1 << 64) - 1


class RandomSource:
    """nowcast's: xoshiro256**, seeded by SplitMix64."""

    def __init__(self, seed):
        self.state, mix = [], seed & MASK
        for _ in range(4):
            mix = (mix + 0x9E3779B97F4A7C15) & MASK
            z = mix
            z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
            z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
            self.state.append(z ^ z >> 31)

    def next(self):
        rotate = lambda x, k: (x << k | x >> (64 - k)) & MASK
        s = self.state
        result = (rotate(s[1] * 5 & MASK, 7) * 9) & MASK
        t = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)
        return result

    def below(self, bound):
        """As Swift's Int.random(in: 0..<bound, using:)."""
        product = self.next() * bound
        if product & MASK < bound:
            least = ((1 << 64) - bound) % bound
            while product & MASK < least:
                product = self.next() * bound
        return product >> 64

    def shuffled(self, count):
        """As Swift's shuffle(using:)."""
        order = list(range(count))
        for index in range(count - 1):
            other = index + self.below(count - index)
            order[index], order[other] = order[other], order[index]
        return order


@functools.cache
def order(epoch, turn, count, seed):
    """The windows in the order in which an epoch takes them: every one comes once before any comes again."""
    mix = RandomSource(seed + (1 << 56))
    mix = RandomSource(mix.next() + epoch)
    return RandomSource(mix.next() + turn).shuffled(count)


def window(epoch, position, count, seed):
    turn, place = divmod(position, count)
    return order(epoch, turn, count, seed)[place]


def read(path):
    """[n, 20, 1, 64, 64] numbers from 0 to 1."""
    with netCDF4.Dataset(path) as file:
        file["DBZH"].set_auto_maskandscale(False)
        frames = file["DBZH"][:].astype("float32") / 255
    return torch.from_numpy(frames).reshape(-1, FRAMES, 1, *frames.shape[1:])


def draw(path):
    """Weights within ±1/√(inputs of a gate), the forget gates' biases 1 higher, peepholes zero; a dry frame at first."""
    torch.manual_seed(1)
    network = EncoderForecaster(**ARCHITECTURE)
    with torch.no_grad():
        for layer in (*network.encoder.layers, *network.forecaster.layers):
            fan = sum(part.weight[0].numel() for part in layer.children())
            for name, parameter in layer.named_parameters():
                if name != "peephole":
                    parameter.uniform_(-1 / math.sqrt(fan), 1 / math.sqrt(fan))
            layer.bias[layer.hidden : 2 * layer.hidden] += 1
        network.head.bias.fill_(-3)
    save_file(network.state_dict(), path)


def train(options):
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    network = EncoderForecaster(**ARCHITECTURE)
    network.load_state_dict(load_file(options.weights))
    if options.mode != "eager":
        network.to(memory_format=torch.channels_last)
    if options.mode == "compiled":
        torch._dynamo.config.recompile_limit = 64
        for module in network.modules():
            if isinstance(module, Layer):
                module.compile(dynamic=False)
    adam = torch.optim.Adam(network.parameters(), lr=options.learning_rate, fused=True)
    training, validation = (read(pathlib.Path(options.data) / f"{name}.nc") for name in ("training", "validation"))
    assert len(validation) == 64, "nowcast validates on 64 windows"
    per_epoch = min(max(len(training) // options.batch_size, 1), 500)

    def validate():
        with torch.no_grad():
            losses = [F.mse_loss(network(part[:, :INPUT], LEAD), part[:, INPUT:]).item() for part in validation.split(8)]
        return sum(losses) / len(losses)

    with open(options.output, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["seconds", "step", "train_loss", "validation_loss"])
        start, step, epoch = time.perf_counter(), 0, 0
        over = lambda: step >= options.max_steps or (step > 0 and time.perf_counter() - start >= options.max_seconds)
        while not over():
            total = done = 0
            while done < per_epoch and not over():
                first = done * options.batch_size
                batch = training[[window(epoch, first + i, len(training), options.seed) for i in range(options.batch_size)]]
                adam.zero_grad()
                loss = F.mse_loss(network(batch[:, :INPUT], LEAD), batch[:, INPUT:])
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1)
                adam.step()
                total, done, step = total + loss.item(), done + 1, step + 1
            row = [time.perf_counter() - start, step, total / done, validate()]
            row[0] = time.perf_counter() - start
            table.writerow(row)
            file.flush()
            print("PyTorch: {:.0f} s, step {}, loss {:.6f}, validation {:.6f}".format(*row), flush=True)
            epoch += 1


def main():
    parser = argparse.ArgumentParser(description="Moving MNIST with PyTorch.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("draw").add_argument("weights")
    run = commands.add_parser("train")
    for name in ("data", "weights", "output"):
        run.add_argument(name)
    run.add_argument("--mode", choices=["eager", "channels-last", "compiled"], default="compiled")
    run.add_argument("--threads", type=int, default=2)
    run.add_argument("--batch-size", type=int, default=8)
    run.add_argument("--learning-rate", type=float, default=1e-3)
    run.add_argument("--max-steps", type=float, default=math.inf)
    run.add_argument("--max-seconds", type=float, default=math.inf)
    run.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw(options.weights) if options.command == "draw" else train(options)


if __name__ == "__main__":
    main()
