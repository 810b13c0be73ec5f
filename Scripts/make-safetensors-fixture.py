#!/usr/bin/env python3
"""Writes Fixtures/safetensors/python.safetensors with Python's safetensors, for a Swift test to read.

Needs: pip install torch safetensors. Run from anywhere.
"""
import pathlib

import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "safetensors"
folder.mkdir(parents=True, exist_ok=True)
values = torch.tensor([[0.0, -1.5, 3.25], [65504.0, 6.103515625e-05, 5.9604644775390625e-08]])
save_file(
    {
        "head.weight": values.clone(),
        "double": values.double() / 3,
        "half": values.half(),
        "brain": values.bfloat16(),
        "scalar": torch.tensor(42.0),
        "empty": torch.zeros(0, 5),
        'größe "x"': torch.arange(4, dtype=torch.float32),
    },
    folder / "python.safetensors",
    metadata={"nowcast": '{"patch": 2, "text": "a\\\\b \\"c\\"\\n ü"}'},
)
