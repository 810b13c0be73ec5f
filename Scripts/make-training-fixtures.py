#!/usr/bin/env python3
"""Writes the reference values for losses, optimisers and learning rates: Fixtures/training/*.safetensors.

    python Scripts/make-training-fixtures.py [FOLDER]        needs torch, safetensors

losses.safetensors
    logits, target (NaN where missing) [2, 3, 1, 6, 5]; for each loss NAME of `LOSSES` NAME.value [1], the mean over valid pixels,
    and NAME.gradient with respect to the logistic function's value, or for cross-entropy to its argument. In float64, rounded once.
updates.safetensors
    twenty updates of 24 parameters p, float32, from `initial`: in update s the gradient of batch k is a∘(p − c[s, k]), `curvature` and
    `centres` [20, 2, 24]. For each case NAME of `CASES` NAME.parameters [20, 24], what p is after each update; with an average also
    NAME.average [20, 24].
rates.safetensors
    for each schedule NAME of `rates()` the learning rates of its updates; plateau has one for each validation, of
    plateau.losses.
"""

import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch.optim import SGD, Adam, AdamW, RMSprop
from torch.optim import lr_scheduler as schedulers
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.set_num_threads(1)
FOLDER = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "training"

# The steps of the balanced loss in the network's numbers; here any that rise will do.
STEPS = [(0.3, 2.0), (0.5, 5.0), (0.7, 10.0), (0.9, 30.0)]


def weights(t):
    w = torch.ones_like(t)
    for threshold, weight in STEPS:
        w[t >= torch.tensor(threshold, dtype=torch.float32).double()] = weight
    return w


LOSSES = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "mse-mae": lambda p, t: F.mse_loss(p, t) + F.l1_loss(p, t),
    "cross-entropy": F.binary_cross_entropy,
    "balanced": lambda p, t: (weights(t) * ((p - t) ** 2 + (p - t).abs())).mean(),
    "huber": lambda p, t: F.huber_loss(p, t, delta=0.1),
}


def losses():
    generator = torch.Generator().manual_seed(1)
    shape = (2, 3, 1, 6, 5)
    logits = 2 * torch.randn(shape, generator=generator)
    target = torch.rand(shape, generator=generator)
    target[torch.rand(shape, generator=generator) < 0.2] = 0
    target[torch.rand(shape, generator=generator) < 0.1] = 1
    target[torch.rand(shape, generator=generator) < 0.2] = float("nan")
    result = {"logits": logits, "target": target}
    for name, loss in LOSSES.items():
        z = logits.double().requires_grad_()
        p = torch.sigmoid(z)
        p.retain_grad()
        valid = ~target.isnan()
        value = loss(p[valid], target.double()[valid])
        value.backward()
        result[name + ".value"] = value.detach().reshape(1)
        result[name + ".gradient"] = (z if name == "cross-entropy" else p).grad
    return result


# Each case: what makes the optimiser, and what else is done.
CASES = {
    "adam": dict(make=lambda p: Adam(p, lr=0.05, betas=(0.5, 0.999))),
    "adamw": dict(make=lambda p: AdamW(p, lr=0.05, weight_decay=0.1)),
    "rmsprop": dict(make=lambda p: RMSprop(p, lr=0.05, alpha=0.9)),
    "sgd": dict(make=lambda p: SGD(p, lr=0.05, momentum=0.9)),
    "clipped": dict(make=lambda p: Adam(p, lr=0.05), clip=9.0),
    "accumulated": dict(make=lambda p: Adam(p, lr=0.05), batches=2),
    "averaged": dict(make=lambda p: Adam(p, lr=0.05), average=0.9),
    "scheduled": dict(make=lambda p: AdamW(p, lr=0.05, weight_decay=0.1), schedule=lambda o: warm_cosine(o, 20, 5), clip=9.0),
}


def updates():
    generator = torch.Generator().manual_seed(2)
    initial = torch.randn(24, generator=generator)
    curvature = 0.2 + 2 * torch.rand(24, generator=generator)
    centres = torch.randn(20, 2, 24, generator=generator)
    result = {"initial": initial, "curvature": curvature, "centres": centres}
    for name, case in CASES.items():
        module = torch.nn.Module()
        module.p = torch.nn.Parameter(initial.clone())
        optimiser = case["make"](module.parameters())
        schedule = case["schedule"](optimiser) if "schedule" in case else None
        average = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(case["average"])) if "average" in case else None
        rows, averages, clipped = [], [], 0
        for step in range(20):
            optimiser.zero_grad()
            count = case.get("batches", 1)
            for batch in range(count):
                loss = (0.5 * curvature * (module.p - centres[step, batch]) ** 2).sum()
                (loss / count).backward()
            if "clip" in case:
                clipped += int(torch.nn.utils.clip_grad_norm_(module.parameters(), case["clip"]) > case["clip"])
            optimiser.step()
            if schedule:
                schedule.step()
            rows.append(module.p.detach().clone())
            if average:
                average.update_parameters(module)
                averages.append(average.module.p.detach().clone())
        assert "clip" not in case or 2 < clipped < 18, f"{name}: clipping must be active in some updates, was in {clipped}"
        result[name + ".parameters"] = torch.stack(rows)
        if average:
            result[name + ".average"] = torch.stack(averages)
    return result


def warm_cosine(optimiser, total, warm):
    """Both factors at once: a cosine over all updates, and a rise from 1/warm to 1."""
    return schedulers.ChainedScheduler([
        schedulers.LinearLR(optimiser, start_factor=1 / warm, total_iters=warm - 1),
        schedulers.CosineAnnealingLR(optimiser, total),
    ])


def rates():
    def run(make, count, lr=1e-3):
        optimiser = SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
        schedule, result = make(optimiser), []
        for _ in range(count):
            result.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step()
        return torch.tensor(result, dtype=torch.float64)

    losses = [1.0, 0.9, 0.95, 0.89999, 0.91, 0.92, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.7]
    optimiser = SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    plateau, after = schedulers.ReduceLROnPlateau(optimiser, factor=0.5, patience=2), []
    for loss in losses:
        plateau.step(loss)
        after.append(optimiser.param_groups[0]["lr"])
    return {
        "constant": run(lambda o: schedulers.ConstantLR(o, factor=1), 20),
        "cosine": run(lambda o: schedulers.CosineAnnealingLR(o, 20), 20),
        "step": run(lambda o: schedulers.StepLR(o, 6, gamma=0.7), 20),
        "one-cycle": run(lambda o: schedulers.OneCycleLR(o, max_lr=1e-3, total_steps=20, cycle_momentum=False), 20),
        "warm-up": run(lambda o: schedulers.LinearLR(o, start_factor=1 / 8, total_iters=7), 20),
        "warm-up-cosine": run(lambda o: warm_cosine(o, 20, 5), 20),
        "plateau": torch.tensor(after, dtype=torch.float64),
        "plateau.losses": torch.tensor(losses, dtype=torch.float64),
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, tensors in (("losses", losses()), ("updates", updates()), ("rates", rates())):
        path = FOLDER / (name + ".safetensors")
        save_file({key: tensor.detach().to(torch.float32).contiguous() for key, tensor in tensors.items()}, path)
        print(f"{path.name}: {path.stat().st_size} bytes")
