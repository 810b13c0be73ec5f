#!/usr/bin/env python3
"""Writes Fixtures/verification/definitions.json: small fields with missing pixels, and their scores by every definition.

Computed with NumPy, scikit-image (structural similarity) and pysteps (fractions skill score, power spectrum), from the
formulas of the README, in other ways than in the Swift code. Three start times, two lead times, one method and an
ensemble of five. Needs: pip install numpy scikit-image pysteps.
"""
import json
import pathlib
import warnings

warnings.filterwarnings("ignore")
import numpy as np
from pysteps.utils.spectral import rapsd
from pysteps.verification import spatialscores
from skimage.metrics import structural_similarity

HEIGHT, WIDTH, STARTS, LEADS, MEMBERS = 24, 29, 3, 2, 5
WINDOWS, POOLS = [1, 4, 9], [4, 16]
THRESHOLDS = {
    "default": [0.1, 0.5, 1, 2, 5, 10],
    "pysteps": [0.1, 0.5, 1, 2, 5, 10],
    "hko7": [0.5, 2, 5, 10, 30],
    "sevir": [16, 74, 133, 160, 181, 219],
    "openstl": [0.5],
    "shi2015": [0.5],
}
# The data of each definition: VIL goes to 255, images to 1.
FACTOR = {"sevir": 12.0, "openstl": 0.04}
rng = np.random.default_rng(11)


def smooth(field):
    padded = np.pad(field, 2, mode="edge")
    return sum(padded[i : i + HEIGHT, j : j + WIDTH] for i in range(5) for j in range(5)) / 5


def rain():
    field = 3 * (np.exp(1.3 * smooth(rng.standard_normal((HEIGHT, WIDTH)))) - 1)
    return np.round(np.maximum(field, 0), 2).astype(np.float32)


observations, members = [], []
for start in range(STARTS):
    for lead in range(LEADS):
        truth = rain()
        ensemble = []
        for member in range(MEMBERS):
            mixed = np.roll(truth, 1 + lead, axis=1) * np.float32(0.8) + np.float32(0.2 + 0.1 * lead) * rain()
            ensemble.append(np.round(np.where(mixed < 0.3, 0, mixed), 2).astype(np.float32))
        ensemble[1] = ensemble[0].copy()  # ties among members
        ensemble[2][:8] = truth[:8]  # and with the observation
        observations.append(truth)
        members.append(np.array(ensemble))
observations[0][:4, :5] = np.nan
observations[3][rng.random((HEIGHT, WIDTH)) < 0.05] = np.nan
members[2][:, :, -1] = np.nan
members[4][3, 10:12] = np.nan


def unit(definition, x):
    x = x.astype(np.float64)
    if definition in ("sevir", "openstl"):
        return np.clip(x / (255 if definition == "sevir" else 1), 0, 1)
    a, b, low, high = (58.53, 1.56, -10, 60) if definition == "hko7" else (200, 1.6, 0, 60)
    dbz = 10 * np.log10(a * np.maximum(x, 1e-30) ** b)
    return np.where(x > 0, np.clip((dbz - low) / (high - low), 0, 1), 0)


def divide(a, b):
    return None if b == 0 else float(a / b)


def bands(field):
    rings = rapsd(field.astype(np.float64), fft_method=np.fft)
    edges = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
    result = {}
    for ring in range(1, len(rings)):
        wavelength = max(HEIGHT, WIDTH) / ring
        result.setdefault(max(e for e in edges if e <= wavelength), []).append(rings[ring])
    return {edge: float(np.mean(values)) for edge, values in result.items()}


def compute(definition, pairs):
    """The scores of (forecast, observation, mask, members) as a list of [metric, threshold, scale, value]."""
    scores = []
    strict = definition == "pysteps"
    for t in THRESHOLDS[definition]:
        t32 = np.float32(t)
        event = (lambda x: x > t32) if strict else (lambda x: x >= t32)
        H = M = F = C = 0
        for f, o, v, _ in pairs:
            fe, oe = event(f[v]), event(o[v])
            H, M, F, C = H + (fe & oe).sum(), M + (~fe & oe).sum(), F + (fe & ~oe).sum(), C + (~fe & ~oe).sum()
        H, M, F, C = (int(x) for x in (H, M, F, C))
        n = H + M + F + C
        eps = 1e-4 if definition == "sevir" else 0
        expected = ((H + M) * (H + F) + (C + M) * (C + F)) / n
        chance = (H + M) * (H + F) / n
        for metric, value in [
            ("csi", divide(H, H + M + F + eps) if H + M + F else None),
            ("pod", divide(H, H + M)),
            ("far", divide(F, H + F)),
            ("bias", divide(H + F, H + M)),
            ("hss", divide(H + C - expected, n - expected)),
            ("ets", divide(H - chance, H + M + F - chance)),
            ("success_ratio", divide(H, H + F)),
            ("fss_useful", 0.5 + (H + M) / n / 2),
        ]:
            scores.append([metric, t, None, value])
        for window in WINDOWS:
            fss = spatialscores.fss_init(float(t32), window)
            numerator = denominator = 0.0
            for f, o, v, _ in pairs:
                f, o = np.where(v, f, np.nan), np.where(v, o, np.nan)
                if definition == "pysteps":
                    spatialscores.fss_accum(fss, f, o)
                else:
                    single = spatialscores.fss_init(float(t32), window)
                    fe, oe = (np.nan_to_num(x, nan=-1.0) >= t32 for x in (f, o))
                    for y, x in zip(*np.nonzero(v)):
                        a = window // 2
                        part = np.s_[max(y - a, 0) : y - a + window, max(x - a, 0) : x - a + window]
                        p, q = fe[part].sum() / window**2, oe[part].sum() / window**2
                        numerator += (p - q) ** 2
                        denominator += p**2 + q**2
            if definition == "pysteps":
                denominator = fss["sum_fct_sq"] + fss["sum_obs_sq"]
                value = None if denominator == 0 else float(spatialscores.fss_compute(fss))
            else:
                quotient = divide(numerator, denominator)
                value = None if quotient is None else 1 - quotient
            scores.append(["fss", t, window, value])
        for pool in POOLS:
            H = M = F = 0
            for f, o, v, _ in pairs:
                f, o = np.where(v, f, -np.inf), np.where(v, o, -np.inf)
                for y in range(0, HEIGHT - pool + 1, pool):
                    for x in range(0, WIDTH - pool + 1, pool):
                        part = np.s_[y : y + pool, x : x + pool]
                        fe, oe = bool(event(f[part].max())), bool(event(o[part].max()))
                        H, M, F = H + (fe and oe), M + (oe and not fe), F + (fe and not oe)
            scores.append(["csi_pooled", t, pool, divide(H, H + M + F + eps) if H + M + F else None])
    convert = {"hko7": lambda x: unit("hko7", x).astype(np.float32).astype(np.float64)}.get(
        definition, lambda x: x.astype(np.float64) / (255 if definition == "sevir" else 1)
    )
    if definition == "sevir":
        convert = lambda x: (x / np.float32(255)).astype(np.float64)
    frames = [(convert(f[v]), convert(o[v]), o[v]) for f, o, v, _ in pairs]
    weights = [np.select([o >= 30, o >= 10, o >= 5, o >= 2], [30.0, 10.0, 5.0, 2.0], 1.0) for _, _, o in frames]
    n = len(frames) if definition in ("hko7", "openstl") else sum(len(f) for f, _, _ in frames)
    total = lambda function: sum(float(np.sum(function(f, o, w))) for (f, o, _), w in zip(frames, weights))
    mse = total(lambda f, o, w: (f - o) ** 2) / n
    fs, os = np.concatenate([f for f, _, _ in frames]), np.concatenate([o for _, o, _ in frames])
    eps = {"shi2015": 1e-9, "hko7": 1e-12}.get(definition, 0)
    for metric, value in [
        ("mse", mse),
        ("rmse", mse**0.5),
        ("mae", total(lambda f, o, w: np.abs(f - o)) / n),
        ("me", total(lambda f, o, w: f - o) / n),
        ("bmse", total(lambda f, o, w: w * (f - o) ** 2) / n),
        ("bmae", total(lambda f, o, w: w * np.abs(f - o)) / n),
        ("correlation", float(np.corrcoef(fs, os)[0, 1])),
        ("correlation_uncentred", float(np.sum(fs * os) / (np.sqrt(np.sum(fs**2) * np.sum(os**2)) + eps))),
    ]:
        scores.append([metric, None, None, value])
    similarity, power = [], [{}, {}]
    for f, o, v, _ in pairs:
        g = [np.where(v, unit(definition, x).astype(np.float32), 0).astype(np.float64) for x in (f, o)]
        _, image = structural_similarity(*g, data_range=1.0, full=True)
        whole = [
            image[y, x]
            for y in range(3, HEIGHT - 3)
            for x in range(3, WIDTH - 3)
            if v[y - 3 : y + 4, x - 3 : x + 4].all()
        ]
        similarity.append(np.mean(whole))
        for side, x in zip(power, (f, o)):
            for edge, value in bands(np.where(v, x, 0)).items():
                side[edge] = side.get(edge, 0.0) + value
    scores.append(["ssim", None, None, float(np.mean(similarity))])
    for edge in power[0]:
        scores.append(["power_forecast", None, edge, power[0][edge] / len(pairs)])
        scores.append(["power_observed", None, edge, power[1][edge] / len(pairs)])
        scores.append(["power_ratio", None, edge, power[0][edge] / power[1][edge]])
    crps, pixels = 0.0, 0
    for _, o, v, ensemble in pairs:
        x, y = ensemble[:, v].astype(np.float64), o[v].astype(np.float64)
        m = len(x)
        crps += np.sum(np.mean(np.abs(x - y), axis=0) - np.abs(x[:, None] - x[None]).sum(axis=(0, 1)) / (2 * m * (m - 1)))
        pixels += len(y)
    scores.append(["crps", None, None, float(crps / pixels)])
    for t in THRESHOLDS[definition]:
        t32 = np.float32(t)
        event = (lambda x: x > t32) if strict else (lambda x: x >= t32)
        error = sum(float(np.sum((event(e[:, v]).mean(axis=0) - event(o[v])) ** 2)) for _, o, v, e in pairs)
        scores.append(["brier", t, None, error / pixels])
    return scores


content = {"height": HEIGHT, "width": WIDTH, "leads": LEADS, "windows": WINDOWS, "pools": POOLS, "definitions": {}}


def flat(x):
    return [None if np.isnan(value) else float(str(value)) for value in x.ravel()]


content["observations"] = [flat(o) for o in observations]
content["members"] = [flat(m) for m in members]
for definition in THRESHOLDS:
    factor = np.float32(FACTOR.get(definition, 1.0))
    pairs = []
    for o, m in zip(observations, members):
        o, m = o * factor, m * factor
        mean = m.astype(np.float64).sum(axis=0) / MEMBERS
        pairs.append((mean.astype(np.float32), o, np.isfinite(o) & np.isfinite(m).all(axis=0), m))
    leads = [compute(definition, pairs[lead::LEADS]) for lead in range(LEADS)]
    if definition in ("hko7", "openstl", "shi2015"):
        overall = []
        for first, *rest in zip(*leads):
            known = [x[3] for x in [first, *rest] if x[3] is not None]
            overall.append(first[:3] + [sum(known) / len(known) if known else None])
    else:
        overall = compute(definition, pairs)
    content["definitions"][definition] = {
        "factor": float(FACTOR.get(definition, 1.0)),
        "thresholds": THRESHOLDS[definition],
        "leads": leads,
        "overall": overall,
    }

path = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "verification" / "definitions.json"
path.write_text(json.dumps(content) + "\n")
print(f"{path}: {path.stat().st_size} bytes")
