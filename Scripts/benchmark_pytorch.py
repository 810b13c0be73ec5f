#!/usr/bin/env python3
"""PyTorch's side of Scripts/benchmark: the networks and the work of NetworkBenchmark, as one writes them in PyTorch.

    python Scripts/benchmark_pytorch.py CASE [--mode MODE] [--threads N] [--short]        needs torch

CASE is S, T3, T5, P (as in NetworkBenchmark) or K (one convolution, as in KernelBenchmark). MODE is

    eager            as it is
    channels-last    weights, frames and states with the channels innermost, which oneDNN likes best
    compiled         channels-last, and every cell through torch.compile (whole unrolled networks compile for many minutes)

After a first round that does not count, it says "ready" and PyTorch's version; then it does a round for each line of standard input
and answers with the seconds it took. So two programs can be kept warm and measured in turn. --short takes fewer time steps: enough to
find the best mode, since all steps are alike.

The work is that of NetworkBenchmark: the classic cell, one convolution over input and state concatenated; the same layers, the same
peepholes (none in S), a forecaster whose first layer has no input, the head over all layers, the mean squared error, Adam. What differs:
PyTorch gets T5's frames already folded to 16 channels, needs no mask for missing pixels, and draws other weights. All of it is in
float32.
"""

import argparse
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Cell(nn.Module):
    """One layer's step. Gates stand in the order i, f, o, g; `inputs` is 0 for a layer without input."""

    def __init__(self, inputs, hidden, kernel, peephole):
        super().__init__()
        self.convolution = nn.Conv2d(inputs + hidden, 4 * hidden, kernel, padding=kernel // 2)
        self.peephole = nn.Parameter(0.1 * torch.randn(3, hidden, 1, 1)) if peephole else None

    def forward(self, x, h, c):
        i, f, o, g = self.convolution(h if x is None else torch.cat([x, h], 1)).chunk(4, 1)
        if self.peephole is not None:
            i, f = torch.addcmul(i, self.peephole[0], c), torch.addcmul(f, self.peephole[1], c)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        if self.peephole is not None:
            o = torch.addcmul(o, self.peephole[2], c)
        return torch.sigmoid(o) * torch.tanh(c), c


class Network(nn.Module):
    """What both networks share: the layout of the images and the first states."""

    layout = torch.contiguous_format

    def prepare(self, mode):
        if mode != "eager":
            self.layout = torch.channels_last
            self.to(memory_format=self.layout)
        if mode == "compiled":
            # All cells share one forward function, which is compiled for each of them, with and without gradients.
            for limit in "recompile_limit", "cache_size_limit":
                if hasattr(torch._dynamo.config, limit):
                    setattr(torch._dynamo.config, limit, 64)
            for module in self.modules():
                if isinstance(module, Cell):
                    module.compile(dynamic=False)
        return self

    def frames(self, x):
        """[b, t, c, h, w] as a list of images. (contiguous() would not touch images of one channel, and cat() then lose the layout.)"""
        return [torch.empty_like(x[:, t], memory_format=self.layout).copy_(x[:, t]) for t in range(x.shape[1])]

    def zeros(self, x, hidden):
        b, _, _, h, w = x.shape
        return (torch.zeros(b, hidden, h, w).contiguous(memory_format=self.layout),) * 2


class Layer(Network):
    """The classic example: one layer, the hidden states of all time steps."""

    def __init__(self, inputs, hidden, kernel):
        super().__init__()
        self.hidden, self.cell = hidden, Cell(inputs, hidden, kernel, peephole=False)

    def forward(self, x):
        h, c = self.zeros(x, self.hidden)
        outputs = []
        for frame in self.frames(x):
            h, c = self.cell(frame, h, c)
            outputs.append(h)
        return torch.stack(outputs, 1)


class EncoderForecaster(Network):
    """Shi et al. 2015: the encoder's last states start the forecaster, whose layers together make each frame."""

    def __init__(self, channels, hidden, kernel, peephole=True):
        super().__init__()
        self.hidden = hidden
        self.encoder = nn.ModuleList(Cell(i, h, kernel, peephole) for i, h in zip([channels, *hidden], hidden))
        self.forecaster = nn.ModuleList(Cell(i, h, kernel, peephole) for i, h in zip([0, *hidden], hidden))
        self.head = nn.Conv2d(sum(hidden), channels, 1)

    def forward(self, x, lead):
        states = [self.zeros(x, hidden) for hidden in self.hidden]
        for frame in self.frames(x):
            self.step(self.encoder, frame, states)
        outputs = []
        for _ in range(lead):
            self.step(self.forecaster, None, states)
            outputs.append(torch.sigmoid(self.head(torch.cat([h for h, _ in states], 1))))
        return torch.stack(outputs, 1)

    @staticmethod
    def step(cells, x, states):
        for index, cell in enumerate(cells):
            states[index] = cell(x, *states[index])
            x = states[index][0]


def inference(work):
    def round():
        with torch.inference_mode():
            work()

    return round


def training(mode, channels, hidden, kernel, batch, frames, size):
    network = EncoderForecaster(channels, hidden, kernel).prepare(mode)
    adam = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    x, target = torch.rand(2, batch, frames, channels, size, size)

    def round():
        adam.zero_grad()
        F.mse_loss(network(x, frames), target).backward()
        adam.step()

    return round


def make(case, mode, short):
    """The function that does one round."""
    if case == "S":
        layer, x = Layer(1, 30, 3).prepare(mode), torch.rand(64, 4 if short else 20, 1, 64, 64)
        return inference(lambda: layer(x))
    if case == "T3":
        return training(mode, 1, [64, 64], 3, batch=8, frames=2 if short else 10, size=64)
    if case == "T5":
        return training(mode, 16, [128, 64, 64], 5, batch=16, frames=2 if short else 10, size=16)
    if case == "P":
        network = EncoderForecaster(1, [64, 64], 3).prepare(mode)
        x, lead = torch.rand(1, 1 if short else 4, 1, 512, 512), 2 if short else 12
        return inference(lambda: network(x, lead))
    layout = torch.contiguous_format if mode == "eager" else torch.channels_last
    convolution = nn.Conv2d(64, 256, 3, padding=1).to(memory_format=layout)
    x = torch.rand(1, 64, 96, 96).contiguous(memory_format=layout)
    return inference(lambda: convolution(x))


def main():
    parser = argparse.ArgumentParser(description="One case of Scripts/benchmark, computed by PyTorch.")
    parser.add_argument("case", choices=["S", "T3", "T5", "P", "K"])
    parser.add_argument("--mode", choices=["eager", "channels-last", "compiled"], default="eager")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    round = make(options.case, options.mode, options.short)
    round()
    print("ready", torch.__version__, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        round()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
