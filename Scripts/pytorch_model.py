"""The network of a nowcast model file as a plain PyTorch module.

Its parameters have the names and shapes of the model file, so a file is loaded as any state dictionary is:

    import json
    from safetensors import safe_open
    from safetensors.torch import load_file
    from pytorch_model import EncoderForecaster

    with safe_open(path, "pt") as file:
        model = json.loads(file.metadata()["nowcast"])
    network = EncoderForecaster(**model["architecture"])
    network.load_state_dict(load_file(path))
    forecast = network(frames, model["lead_frames"])        # [b, t, 1, h, w], numbers from 0 to 1

The way back is safetensors.torch.save_file(network.state_dict(), file); `nowcast train --init FILE` begins with it. Needs torch.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Weight(nn.Module):
    """A tensor that is called NAME.weight."""

    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(*shape))


class Layer(nn.Module):
    """One ConvLSTM layer; gates in the order i, f, o, g. `inputs` is None for one without input."""

    def __init__(self, inputs, hidden, input_kernel, state_kernel, peephole):
        super().__init__()
        self.hidden = hidden
        if inputs is not None:
            self.input = Weight(4 * hidden, inputs, input_kernel, input_kernel)
        self.state = Weight(4 * hidden, hidden, state_kernel, state_kernel)
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        if peephole:
            self.peephole = nn.Parameter(torch.zeros(3, hidden))

    def forward(self, x, h, c):
        weight = self.state.weight
        if x is None:
            gates = F.conv2d(h, weight, self.bias, padding=weight.shape[-1] // 2)
        elif weight.shape[-1] == self.input.weight.shape[-1]:
            # One convolution is faster than two.
            joined = torch.cat([self.input.weight, weight], 1)
            gates = F.conv2d(torch.cat([x, h], 1), joined, self.bias, padding=weight.shape[-1] // 2)
        else:
            gates = F.conv2d(x, self.input.weight, padding=self.input.weight.shape[-1] // 2)
            gates = gates + F.conv2d(h, weight, self.bias, padding=weight.shape[-1] // 2)
        i, f, o, g = gates.chunk(4, 1)
        if hasattr(self, "peephole"):
            wi, wf, wo = self.peephole[:, :, None, None]
            i, f = i + wi * c, f + wf * c
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        if hasattr(self, "peephole"):
            o = o + wo * c
        return torch.sigmoid(o) * torch.tanh(c), c


class EncoderForecaster(nn.Module):
    """Shi et al. 2015; with scales that of Shi et al. 2017. The arguments are the model file's "architecture"."""

    def __init__(self, patch, hidden, input_kernel, state_kernel, peephole, forecaster_order, scales=None):
        super().__init__()
        self.patch, self.order = patch, forecaster_order
        self.coarsest = patch * math.prod(scales["stride"] if scales else [])
        layers = list(zip(hidden, input_kernel, state_kernel))
        frame = below = patch * patch

        encoder = []
        for index, (size, *kernels) in enumerate(layers):
            inputs = scales["down_channels"][index] if scales else below
            stage = Layer(inputs, size, *kernels, peephole)
            if scales:
                kernel, stride = scales["down_kernel"][index], scales["stride"][index]
                stage.downsampling = nn.Conv2d(below, inputs, kernel, stride, padding=(kernel - stride + 1) // 2)
            encoder.append(stage)
            below = size
        forecaster, inputs = [], None
        for index in reversed(range(len(layers))) if forecaster_order == "reversed" else range(len(layers)):
            size, *kernels = layers[index]
            stage = Layer(inputs, size, *kernels, peephole)
            inputs = size
            if scales:
                kernel, stride, inputs = scales["up_kernel"][index], scales["stride"][index], scales["up_channels"][index]
                stage.upsampling = nn.ConvTranspose2d(size, inputs, kernel, stride, padding=(kernel - stride) // 2)
            forecaster.append(stage)

        self.encoder, self.forecaster = nn.Module(), nn.Module()
        self.encoder.layers, self.forecaster.layers = nn.ModuleList(encoder), nn.ModuleList(forecaster)
        self.head = nn.Conv2d(inputs if scales else sum(hidden), frame, 1)
        if scales:
            self.head.convolution = nn.Conv2d(inputs, inputs, scales["output_kernel"], padding=scales["output_kernel"] // 2)

    def forward(self, frames, lead):
        """Frames [b, t, 1, h, w] in the network's numbers to [b, lead, 1, h, w]."""
        b, t, _, height, width = frames.shape
        frames = F.pad(frames, (0, -width % self.coarsest, 0, -height % self.coarsest))
        states = [None] * len(self.encoder.layers)
        for step in range(t):
            below = F.pixel_unshuffle(frames[:, step], self.patch)
            for index, stage in enumerate(self.encoder.layers):
                if hasattr(stage, "downsampling"):
                    below = F.leaky_relu(stage.downsampling(below), 0.2)
                if states[index] is None:
                    states[index] = (below.new_zeros(b, stage.hidden, *below.shape[-2:]),) * 2
                states[index] = stage(below, *states[index])
                below = states[index][0]
        if self.order == "reversed":
            states.reverse()
        outputs = []
        for _ in range(lead):
            below, hidden = None, []
            for index, stage in enumerate(self.forecaster.layers):
                states[index] = stage(below, *states[index])
                below = states[index][0]
                hidden.append(below)
                if hasattr(stage, "upsampling"):
                    below = F.leaky_relu(stage.upsampling(below), 0.2)
            # The head reads all layers, or in a network of several scales the last convolution.
            if hasattr(self.head, "convolution"):
                top = F.leaky_relu(self.head.convolution(below), 0.2)
            else:
                top = torch.cat(hidden, 1)
            outputs.append(F.pixel_shuffle(torch.sigmoid(self.head(top)), self.patch))
        return torch.stack(outputs, 1)[..., :height, :width]
