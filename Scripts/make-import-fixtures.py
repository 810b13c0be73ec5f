#!/usr/bin/env python3
"""Writes the checkpoints that the tests of `nowcast model import` read, and what they give: Fixtures/import/*.safetensors.

    KERAS_BACKEND=torch python Scripts/make-import-fixtures.py [FOLDER]        needs torch, keras, numpy, safetensors

pytorch-ifog.safetensors, pytorch-ifgo.safetensors
    the usual layered ConvLSTM class of PyTorch, one convolution over cat(x, h) for each layer, under "net.cell_list.N.conv"; the gates
    are split in the order of the file's name. The first has no biases. Beside them a batch normalisation (with a counter of
    type I64) and a last convolution, as checkpoints have them.
keras.safetensors
    two ConvLSTM2D of Keras and a Conv2D, the weights as Keras orders them: kernel, recurrent_kernel, bias; gates i, f, c, o.
expected.safetensors
    x [b, t, 4, h, w], and for each of the files NAME the last layer's hidden states NAME.output [b, t, 3, h, w]
"""

import pathlib
import sys

import keras
import numpy
import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "import"
HIDDEN, KERNELS, INPUT = (5, 3), (3, 5), 4


class Cell(nn.Module):
    def __init__(self, inputs, hidden, kernel, bias):
        super().__init__()
        self.hidden = hidden
        self.conv = nn.Conv2d(inputs + hidden, 4 * hidden, kernel, padding=kernel // 2, bias=bias)


class Stack(nn.Module):
    """The usual class, with the gates in any order."""

    def __init__(self, gates, bias):
        super().__init__()
        self.gates = gates
        inputs = (INPUT, *HIDDEN)
        self.cell_list = nn.ModuleList(Cell(i, h, k, bias) for i, h, k in zip(inputs, HIDDEN, KERNELS))

    def forward(self, x):
        for cell in self.cell_list:
            b, t, _, height, width = x.shape
            h = c = x.new_zeros(b, cell.hidden, height, width)
            outputs = []
            for step in range(t):
                parts = cell.conv(torch.cat([x[:, step], h], dim=1)).chunk(4, dim=1)
                gate = dict(zip(self.gates, parts))
                c = torch.sigmoid(gate["f"]) * c + torch.sigmoid(gate["i"]) * torch.tanh(gate["g"])
                h = torch.sigmoid(gate["o"]) * torch.tanh(c)
                outputs.append(h)
            x = torch.stack(outputs, dim=1)
        return x


class Checkpoint(nn.Module):
    def __init__(self, gates, bias):
        super().__init__()
        self.net = Stack(gates, bias)
        self.normalisation = nn.BatchNorm2d(HIDDEN[-1])
        self.last = nn.Conv2d(HIDDEN[-1], 1, 1)


def save(name, tensors):
    FOLDER.mkdir(parents=True, exist_ok=True)
    save_file({key: tensor.detach().contiguous() for key, tensor in tensors.items()}, FOLDER / f"{name}.safetensors")


def main():
    torch.manual_seed(11)
    x = torch.rand(2, 3, INPUT, 7, 9)
    expected = {"x": x}
    with torch.no_grad():
        for gates, bias in (("ifog", False), ("ifgo", True)):
            checkpoint = Checkpoint(gates, bias)
            for parameter in checkpoint.net.parameters():
                parameter.mul_(2)
            save(f"pytorch-{gates}", checkpoint.state_dict())
            expected[f"pytorch-{gates}.output"] = checkpoint.double().net(x.double()).float()

    generator = numpy.random.default_rng(12)
    layers = [
        keras.layers.ConvLSTM2D(h, k, padding="same", recurrent_activation="sigmoid", return_sequences=True)
        for h, k in zip(HIDDEN, KERNELS)
    ]
    last = keras.layers.Conv2D(1, 1)
    frames = x.permute(0, 1, 3, 4, 2).numpy()  # Keras has the channels last
    for layer in layers:
        frames_shape = (None, 7, 9, INPUT if layer is layers[0] else HIDDEN[0])
        layer.build((None, *frames_shape))
        layer.set_weights([generator.normal(0, 0.25, w.shape).astype("float32") for w in layer.get_weights()])
    last.build((None, 7, 9, HIDDEN[-1]))
    names = ("kernel", "recurrent_kernel", "bias")
    save("keras", {
        f"{layer.name}/{name}": torch.from_numpy(numpy.ascontiguousarray(w))
        for layer in (*layers, last) for name, w in zip(names if layer is not last else ("kernel", "bias"), layer.get_weights())
    })
    for layer in layers:
        frames = layer(frames)
    output = keras.ops.convert_to_numpy(frames)
    expected["keras.output"] = torch.from_numpy(output).permute(0, 1, 4, 2, 3)
    save("expected", expected)
    for name, tensor in expected.items():
        print(name, list(tensor.shape), float(tensor.min()), float(tensor.max()))


if __name__ == "__main__":
    main()
