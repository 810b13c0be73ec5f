#!/usr/bin/env python3
"""Writes the reference values the ConvLSTM tests are held against: Fixtures/convlstm/*.safetensors.

    python Scripts/make-convlstm-fixtures.py [FOLDER]        needs torch, numpy, safetensors

The reference is the model's equations in plain PyTorch: F.conv2d with zero padding, gradients by autograd.

    i = σ(Wxi∗X + Whi∗H₋₁ + wci∘C₋₁ + bi)        f = σ(Wxf∗X + Whf∗H₋₁ + wcf∘C₋₁ + bf)
    C = f∘C₋₁ + i∘tanh(Wxc∗X + Whc∗H₋₁ + bc)      o = σ(Wxo∗X + Who∗H₋₁ + wco∘C + bo)      H = o∘tanh(C)

Gates stand in the order i, f, o, g along the first axis of weights and biases, peepholes in the order i, f, o.
Every tensor is stored as float32. Inputs and weights are drawn as float32 numbers, the results and gradients are computed from them
in float64 and rounded once, so a float32 implementation is the only thing that differs. (The trajectory is float32 throughout:
it is what an ordinary PyTorch training does.) The JSON text under the metadata key "configuration" gives the sizes.
"grad.NAME" is the gradient of the file's loss by the tensor NAME.

cell.safetensors, cell-plain.safetensors (no peephole, no bias), cell-wide.safetensors, cell-wide-direct.safetensors
    one step: x, h0, c0 → h1, c1; loss = Σ h1·gh + Σ c1·gc
layers.safetensors
    the usual layered ConvLSTM class, one convolution over cat(x, h) per layer, whose weight is stored in its two parts:
    x [b, t, c, h, w], layers.L.initial.h/.c → layers.L.output [b, t, hidden, h, w], layers.L.last.h/.c;
    loss = Σ (last layer's output)·go + Σ over L of (last.h·layers.L.gh + last.c·layers.L.gc)
encoder-forecaster.safetensors, encoder-forecaster-reversed.safetensors
    the model with the model file's parameter names: input [b, t, c, h, w] → output [b, lead, c, h, w] (after the logistic function,
    patches undone), target, mask (1 = counts); loss = Σ mask·(output − target)² / Σ mask, stored as a tensor of shape [1]
multi-scale-hko7.safetensors, multi-scale-patch.safetensors
    the same for several scales, by the module of Scripts/pytorch_model.py: Conv2d and ConvTranspose2d with a stride, leaky_relu of slope
    0.2, frames padded with zeros to whole pixels of the coarsest scale and cut again; "parameters" in the configuration is their number
trajectory.safetensors
    training: batches.N.input/.target/.mask (step s takes batch s mod 5), initial.NAME → final.NAME, losses and gradient_norms
    (before clipping) of each step; Adam without weight decay, the gradient scaled by min(1, max_norm / (norm + 1e-6))
"""

import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F
from pytorch_model import EncoderForecaster
from safetensors.torch import save_file

# One thread: sums in one order, so the float32 trajectory is the same on every run.
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

FOLDER = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "convlstm"


# The equations


def convolve(x, weight):
    return F.conv2d(x, weight, padding=weight.shape[-1] // 2)


def cell(x, h, c, p, prefix=""):
    """One step. `x` is None in a layer without input; `p` maps names to tensors, bias and peephole may be absent."""
    gates = convolve(h, p[prefix + "state.weight"])
    if x is not None:
        gates = gates + convolve(x, p[prefix + "input.weight"])
    if prefix + "bias" in p:
        gates = gates + p[prefix + "bias"][:, None, None]
    i, f, o, g = gates.chunk(4, dim=1)
    peephole = p.get(prefix + "peephole")
    if peephole is not None:
        wi, wf, wo = peephole[:, :, None, None]
        i = i + wi * c
        f = f + wf * c
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    if peephole is not None:
        o = o + wo * c  # the new cell state
    return torch.sigmoid(o) * torch.tanh(c), c


def space_to_depth(x, patch):
    """[..., c, h, w] → [..., patch²·c, h/patch, w/patch], channel = (dy·patch + dx)·c + channel."""
    *lead, c, h, w = x.shape
    n = len(lead)
    x = x.reshape(*lead, c, h // patch, patch, w // patch, patch)
    x = x.permute(*range(n), n + 2, n + 4, n, n + 1, n + 3)
    return x.reshape(*lead, patch * patch * c, h // patch, w // patch)


def depth_to_space(x, patch):
    *lead, d, h, w = x.shape
    n = len(lead)
    x = x.reshape(*lead, patch, patch, d // (patch * patch), h, w)
    x = x.permute(*range(n), n + 2, n + 3, n, n + 4, n + 1)
    return x.reshape(*lead, d // (patch * patch), h * patch, w * patch)


def forecast(x, p, hidden, patch, lead, order):
    """The encoder–forecaster: [b, t, c, h, w] → [b, lead, c, h, w]."""
    x = space_to_depth(x, patch)
    b, t, _, h, w = x.shape
    states = [(x.new_zeros(b, size, h, w),) * 2 for size in hidden]
    for step in range(t):
        below = x[:, step]
        for layer in range(len(hidden)):
            states[layer] = cell(below, *states[layer], p, f"encoder.layers.{layer}.")
            below = states[layer][0]
    if order == "reversed":
        states.reverse()
    frames = []
    for step in range(lead):
        below = None
        for layer in range(len(hidden)):
            states[layer] = cell(below, *states[layer], p, f"forecaster.layers.{layer}.")
            below = states[layer][0]
        # The head: a 1×1 convolution of all layers' H, layer 0 first.
        top = F.conv2d(torch.cat([state[0] for state in states], dim=1), p["head.weight"], p["head.bias"])
        frames.append(depth_to_space(torch.sigmoid(top), patch))
    return torch.stack(frames, dim=1)


def parameters(generator, channels, hidden, patch, input_kernel, state_kernel, peephole, order, gain=1.0):
    """Random float32 parameters under the model file's names; `gain` × the customary 1/√fan-in."""
    p = {}

    def draw(name, *shape, scale):
        p[name] = scale * torch.randn(*shape, generator=generator)

    def layer(prefix, cin, size):
        fan = (cin or 0) * input_kernel**2 + size * state_kernel**2
        if cin is not None:
            draw(prefix + "input.weight", 4 * size, cin, input_kernel, input_kernel, scale=gain / math.sqrt(fan))
        draw(prefix + "state.weight", 4 * size, size, state_kernel, state_kernel, scale=gain / math.sqrt(fan))
        draw(prefix + "bias", 4 * size, scale=0.2)
        if peephole:
            draw(prefix + "peephole", 3, size, scale=0.3)

    depth = channels * patch * patch
    below = depth
    for index, size in enumerate(hidden):
        layer(f"encoder.layers.{index}.", below, size)
        below = size
    below = None
    for index, size in enumerate(reversed(hidden) if order == "reversed" else hidden):
        layer(f"forecaster.layers.{index}.", below, size)
        below = size
    draw("head.weight", depth, sum(hidden), 1, 1, scale=gain / math.sqrt(sum(hidden)))
    draw("head.bias", depth, scale=0.2)
    return p


def masked_mse(output, target, mask):
    return (mask * (output - target) ** 2).sum() / mask.sum()


# Helpers


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def leaves(tensors):
    """float64 copies autograd follows."""
    return {name: tensor.double().requires_grad_() for name, tensor in tensors.items()}


def gradients(tensors):
    return {"grad." + name: tensor.grad for name, tensor in tensors.items()}


def save(name, configuration, *groups):
    tensors = {}
    for group in groups:
        for key, tensor in group.items():
            assert key not in tensors and torch.isfinite(tensor).all(), key
            tensors[key] = tensor.detach().to(torch.float32).contiguous().clone()
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / (name + ".safetensors")
    save_file(tensors, path, metadata={"configuration": json.dumps(configuration, sort_keys=True)})
    print(f"{path.name}: {path.stat().st_size} bytes")
    for key in sorted(tensors):
        print(f"    {key} {list(tensors[key].shape)}")


# The fixtures


def write_cell(name, seed, b, cin, hidden, input_kernel, state_kernel, h, w, peephole, bias):
    generator = seeded(seed)
    draw = lambda *shape, scale=1.0: scale * torch.randn(*shape, generator=generator)
    fan = cin * input_kernel**2 + hidden * state_kernel**2
    tensors = {
        "x": draw(b, cin, h, w),
        "h0": draw(b, hidden, h, w, scale=0.5),
        "c0": draw(b, hidden, h, w),
        "input.weight": draw(4 * hidden, cin, input_kernel, input_kernel, scale=1.5 / math.sqrt(fan)),
        "state.weight": draw(4 * hidden, hidden, state_kernel, state_kernel, scale=1.5 / math.sqrt(fan)),
    }
    if bias:
        tensors["bias"] = draw(4 * hidden, scale=0.5)
    if peephole:
        tensors["peephole"] = draw(3, hidden, scale=0.5)
    gh, gc = draw(b, hidden, h, w), draw(b, hidden, h, w)
    p = leaves(tensors)
    h1, c1 = cell(p["x"], p["h0"], p["c0"], p)
    (h1 * gh.double() + c1 * gc.double()).sum().backward()
    configuration = dict(
        batch=b, input_channels=cin, hidden=hidden, input_kernel=input_kernel, state_kernel=state_kernel,
        height=h, width=w, peephole=peephole, bias=bias, seed=seed,
    )
    save(name, configuration, tensors, {"h1": h1, "c1": c1, "gh": gh, "gc": gc}, gradients(p))


def write_layers(seed, b=2, t=3, c=2, h=6, w=5, hidden=(4, 6), kernels=(3, 5)):
    generator = seeded(seed)
    draw = lambda *shape, scale=1.0: scale * torch.randn(*shape, generator=generator)
    tensors = {"x": draw(b, t, c, h, w)}
    convolutions, outputs, weights = [], {}, {}
    cin = c
    for layer, (size, kernel) in enumerate(zip(hidden, kernels)):
        # The usual class: one Conv2d over the concatenation of input and state.
        convolution = torch.nn.Conv2d(cin + size, 4 * size, kernel, padding=kernel // 2)
        with torch.no_grad():
            convolution.weight.copy_(draw(*convolution.weight.shape, scale=1.5 / math.sqrt((cin + size) * kernel**2)))
            convolution.bias.copy_(draw(4 * size, scale=0.3))
        convolutions.append(convolution.double())
        tensors[f"layers.{layer}.initial.h"] = draw(b, size, h, w, scale=0.5)
        tensors[f"layers.{layer}.initial.c"] = draw(b, size, h, w)
        weights[f"layers.{layer}.gh"] = draw(b, size, h, w)
        weights[f"layers.{layer}.gc"] = draw(b, size, h, w)
        cin = size
    weights["go"] = draw(b, t, hidden[-1], h, w)

    p = leaves(tensors)
    below, loss, cin = p["x"], 0, c
    split, check = {}, p["x"].detach()
    for layer, (size, convolution) in enumerate(zip(hidden, convolutions)):
        prefix = f"layers.{layer}."
        state_h, state_c = p[prefix + "initial.h"], p[prefix + "initial.c"]
        steps = []
        for step in range(t):
            combined = convolution(torch.cat([below[:, step], state_h], dim=1))
            cc_i, cc_f, cc_o, cc_g = torch.split(combined, size, dim=1)
            state_c = torch.sigmoid(cc_f) * state_c + torch.sigmoid(cc_i) * torch.tanh(cc_g)
            state_h = torch.sigmoid(cc_o) * torch.tanh(state_c)
            steps.append(state_h)
        below = torch.stack(steps, dim=1)
        outputs |= {prefix + "output": below, prefix + "last.h": state_h, prefix + "last.c": state_c}
        loss = loss + (state_h * weights[prefix + "gh"]).sum() + (state_c * weights[prefix + "gc"]).sum()

        # The equations above with the weight in two parts must say the same.
        split[prefix + "input.weight"] = convolution.weight[:, :cin]
        split[prefix + "state.weight"] = convolution.weight[:, cin:]
        split[prefix + "bias"] = convolution.bias
        h_, c_, again = p[prefix + "initial.h"].detach(), p[prefix + "initial.c"].detach(), []
        for step in range(t):
            h_, c_ = cell(check[:, step], h_, c_, split, prefix)
            again.append(h_)
        check = torch.stack(again, dim=1)
        assert torch.allclose(check, below, rtol=0, atol=1e-12)
        cin = size
    (loss + (below * weights["go"]).sum()).backward()

    grads, cin = gradients(p), c
    for layer, convolution in enumerate(convolutions):
        grads[f"grad.layers.{layer}.input.weight"] = convolution.weight.grad[:, :cin]
        grads[f"grad.layers.{layer}.state.weight"] = convolution.weight.grad[:, cin:]
        grads[f"grad.layers.{layer}.bias"] = convolution.bias.grad
        cin = hidden[layer]
    configuration = dict(
        batch=b, frames=t, input_channels=c, height=h, width=w, hidden=hidden, input_kernel=kernels,
        state_kernel=kernels, peephole=False, bias=True, seed=seed,
    )
    save("layers", configuration, tensors, split, outputs, weights, grads)


def write_encoder_forecaster(name, seed, state_kernel, peephole, order):
    b, t, lead, c, h, w, hidden, patch, input_kernel = 2, 3, 4, 1, 8, 12, [6, 4], 2, 3
    generator = seeded(seed)
    p32 = parameters(generator, c, hidden, patch, input_kernel, state_kernel, peephole, order, gain=1.5)
    tensors = p32 | {"input": torch.rand(b, t, c, h, w, generator=generator)}
    target = torch.rand(b, lead, c, h, w, generator=generator)
    mask = (torch.rand(b, lead, c, h, w, generator=generator) < 0.8).float()
    assert torch.equal(depth_to_space(space_to_depth(target, patch), patch), target)
    p = leaves(tensors)
    output = forecast(p["input"], p, hidden, patch, lead, order)
    loss = masked_mse(output, target.double(), mask.double())
    loss.backward()
    configuration = dict(
        architecture=dict(patch=patch, hidden=hidden, input_kernel=[input_kernel] * 2, state_kernel=[state_kernel] * 2,
                          peephole=peephole, forecaster_order=order),
        batch=b, channels=c, height=h, width=w, input_frames=t, lead_frames=lead, seed=seed,
    )
    save(name, configuration, tensors, {"output": output, "target": target, "mask": mask, "loss": loss.reshape(1)}, gradients(p))


def write_multi_scale(name, seed, b, t, lead, h, w, hidden, patch, input_kernel, state_kernel, peephole, scales):
    generator = seeded(seed)
    architecture = dict(
        patch=patch, hidden=hidden, input_kernel=[input_kernel] * len(hidden), state_kernel=[state_kernel] * len(hidden),
        peephole=peephole, forecaster_order="reversed", scales=scales,
    )
    network = EncoderForecaster(**architecture)
    with torch.no_grad():
        for key, parameter in sorted(network.named_parameters()):
            fan = parameter[0].numel() if parameter.dim() == 4 else 25
            parameter.copy_((2.5 if parameter.dim() == 4 else 1) * torch.randn(parameter.shape, generator=generator) / math.sqrt(fan))
    frames = torch.rand(b, t, 1, h, w, generator=generator)
    target = torch.rand(b, lead, 1, h, w, generator=generator)
    mask = (torch.rand(b, lead, 1, h, w, generator=generator) < 0.8).float()
    tensors = {key: parameter.detach().clone() for key, parameter in network.named_parameters()} | {"input": frames}
    network.double()
    x = frames.double().requires_grad_()
    output = network(x, lead)
    loss = masked_mse(output, target.double(), mask.double())
    loss.backward()
    grads = {"grad." + key: parameter.grad for key, parameter in network.named_parameters()} | {"grad.input": x.grad}
    configuration = dict(
        architecture=architecture, batch=b, channels=1, height=h, width=w, input_frames=t, lead_frames=lead, seed=seed,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )
    print("output", output.min().item(), output.max().item())
    save(name, configuration, tensors, {"output": output, "target": target, "mask": mask, "loss": loss.reshape(1)}, grads)


def moving_blobs(generator, b, frames, size):
    """Smooth Gaussian blobs that travel with constant velocity, values in [0, 1]."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    out = torch.zeros(b, frames, 1, size, size)
    for item in range(b):
        for _ in range(3):
            cy, cx = (torch.rand(2, generator=generator) * size).tolist()
            vy, vx = (torch.rand(2, generator=generator) * 3 - 1.5).tolist()
            radius, peak = (torch.rand(2, generator=generator) * torch.tensor([2.0, 0.4]) + torch.tensor([1.5, 0.4])).tolist()
            for t in range(frames):
                distance = (y - cy - vy * t) ** 2 + (x - cx - vx * t) ** 2
                out[item, t, 0] += peak * torch.exp(-distance / (2 * radius**2))
    return out.clamp(0, 1)


def train(p32, batches, dtype, steps, max_norm, hidden, patch, lead):
    # A copy: the optimiser changes its tensors in place.
    p = {name: tensor.to(dtype, copy=True).requires_grad_() for name, tensor in p32.items()}
    optimiser = torch.optim.Adam(p.values(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    losses, norms = [], []
    for step in range(steps):
        frames, target, mask = (tensor.to(dtype) for tensor in batches[step % len(batches)])
        optimiser.zero_grad()
        loss = masked_mse(forecast(frames, p, hidden, patch, lead, "same"), target, mask)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(p.values(), max_norm).item())
        losses.append(loss.item())
        optimiser.step()
    return p, torch.tensor(losses, dtype=torch.float64), torch.tensor(norms, dtype=torch.float64)


def write_trajectory(seed, max_norm, steps=50):
    b, t, lead, size, hidden, patch = 2, 3, 3, 16, [8, 8], 2
    generator = seeded(seed)
    initial = parameters(generator, 1, hidden, patch, 3, 3, True, "same")
    batches = []
    for _ in range(5):
        frames = moving_blobs(generator, b, t + lead, size)
        mask = (torch.rand(b, lead, 1, size, size, generator=generator) < 0.9).float()
        batches.append((frames[:, :t], frames[:, t:], mask))
    arguments = (steps, max_norm, hidden, patch, lead)
    final, losses, norms = train(initial, batches, torch.float32, *arguments)
    # How far float32 rounding alone carries a training away from the exact one: what a test may reasonably ask for.
    final64, losses64, norms64 = train(initial, batches, torch.float64, *arguments)
    clipped = int((norms > max_norm).sum())
    assert 5 < clipped < steps - 5, f"clipping must be active on some steps only, was on {clipped}: {norms}"
    configuration = dict(
        architecture=dict(patch=patch, hidden=hidden, input_kernel=[3, 3], state_kernel=[3, 3], peephole=True, forecaster_order="same"),
        batch=b, channels=1, height=size, width=size, input_frames=t, lead_frames=lead, seed=seed, steps=steps, batches=len(batches),
        optimizer=dict(name="adam", learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, max_norm=max_norm),
        clipped_steps=clipped,
        largest_difference_from_float64=dict(
            losses=float((losses - losses64).abs().max()),
            gradient_norms=float((norms - norms64).abs().max()),
            final=max(float((final[name].detach() - final64[name].detach()).abs().max()) for name in final),
        ),
    )
    print(json.dumps(configuration, indent=1))
    print("losses", losses[:3].tolist(), "…", losses[-3:].tolist(), "norms", float(norms.min()), float(norms.max()))
    save(
        "trajectory", configuration,
        {"initial." + name: tensor for name, tensor in initial.items()},
        {"final." + name: tensor for name, tensor in final.items()},
        {f"batches.{index}.{part}": tensor for index, batch in enumerate(batches) for part, tensor in zip(("input", "target", "mask"), batch)},
        {"losses": losses, "gradient_norms": norms},
    )


if __name__ == "__main__":
    write_cell("cell", 1, b=2, cin=3, hidden=5, input_kernel=3, state_kernel=5, h=7, w=9, peephole=True, bias=True)
    write_cell("cell-plain", 2, b=1, cin=3, hidden=16, input_kernel=1, state_kernel=3, h=7, w=9, peephole=False, bias=False)
    # More than the sixteen channels of a block; 3×3 by Winograd's algorithm, 7×7 and 1×1 as direct sums.
    write_cell("cell-wide", 7, b=1, cin=3, hidden=20, input_kernel=3, state_kernel=3, h=7, w=9, peephole=True, bias=True)
    write_cell("cell-wide-direct", 8, b=2, cin=2, hidden=18, input_kernel=7, state_kernel=1, h=5, w=6, peephole=True, bias=True)
    write_layers(3)
    write_encoder_forecaster("encoder-forecaster", 4, state_kernel=3, peephole=True, order="same")
    write_encoder_forecaster("encoder-forecaster-reversed", 5, state_kernel=5, peephole=False, order="reversed")
    # HKO-7's strides and kernels; a frame that is no whole number of coarsest pixels.
    write_multi_scale(
        "multi-scale-hko7", 7, b=2, t=2, lead=2, h=50, w=60, hidden=[4, 5, 3], patch=1, input_kernel=3, state_kernel=3,
        peephole=False,
        scales=dict(stride=[5, 3, 2], down_kernel=[7, 5, 3], down_channels=[2, 6, 4], up_kernel=[7, 5, 4], up_channels=[3, 4, 5],
                    output_kernel=3))
    # A patch, a stride of 1, kernels that reach further, more channels than a block has.
    write_multi_scale(
        "multi-scale-patch", 8, b=1, t=3, lead=2, h=21, w=17, hidden=[3, 18], patch=2, input_kernel=5, state_kernel=3,
        peephole=True,
        scales=dict(stride=[1, 2], down_kernel=[3, 6], down_channels=[5, 4], up_kernel=[3, 6], up_channels=[2, 17], output_kernel=5))
    network = EncoderForecaster(
        1, [64, 192, 192], [3] * 3, [3] * 3, False, "reversed",
        dict(stride=[5, 3, 2], down_kernel=[7, 5, 3], down_channels=[8, 192, 192], up_kernel=[7, 5, 4], up_channels=[8, 64, 192],
             output_kernel=3))
    print("weights of hko7:", sum(parameter.numel() for parameter in network.parameters()))
    # About half of the steps have a larger norm than this.
    write_trajectory(6, max_norm=0.075)
