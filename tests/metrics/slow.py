"""Slow, obvious versions of the metrics, written from the definitions pixel by pixel or with 2-D convolutions."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from scipy.signal import convolve2d
from skimage.metrics import structural_similarity


def entropy(f):
    counts = Counter(f.ravel().tolist())
    return -sum(n / f.size * math.log2(n / f.size) for n in counts.values())


def mutual_information(f, a):
    both = Counter(zip(f.ravel().tolist(), a.ravel().tolist(), strict=True))
    of_f, of_a, n = Counter(f.ravel().tolist()), Counter(a.ravel().tolist()), f.size
    return sum(c / n * math.log(c * n / (of_f[x] * of_a[y])) for (x, y), c in both.items())


def standard_deviation(f):
    mean = sum(f.ravel().tolist()) / f.size
    return math.sqrt(sum((v - mean) ** 2 for v in f.ravel().tolist()) / f.size)


def spatial_frequency(f):
    h, w = f.shape
    across = [(f[y, x + 1] - f[y, x]) ** 2 for y in range(h) for x in range(w - 1)]
    down = [(f[y + 1, x] - f[y, x]) ** 2 for y in range(h - 1) for x in range(w)]
    return math.sqrt(sum(across) / len(across) + sum(down) / len(down))


def average_gradient(f):
    h, w = f.shape

    def slope(line, at):
        if at == 0:
            return line[1] - line[0]
        if at == len(line) - 1:
            return line[-1] - line[-2]
        return (line[at + 1] - line[at - 1]) / 2

    slopes = [math.sqrt((slope(f[y], x) ** 2 + slope(f[:, x], y) ** 2) / 2) for y in range(h) for x in range(w)]
    return sum(slopes) / f.size


def correlation(x, y):
    return float(np.corrcoef(x.ravel(), y.ravel())[0, 1])


def correlation_of_differences(f, a, b):
    return correlation(a, f - b) + correlation(b, f - a)


def structural(f, a):
    return structural_similarity(f, a, data_range=255)


def vif(reference, distorted):
    """After vifp_mscale of Sheikh and Bovik's release, with the windows as 2-D kernels."""
    num = den = 0.0
    for scale in range(1, 5):
        n = 2 ** (4 - scale + 1) + 1
        y, x = np.mgrid[-(n // 2) : n // 2 + 1, -(n // 2) : n // 2 + 1]
        win = np.exp(-(x**2 + y**2) / (2 * (n / 5) ** 2))
        win /= win.sum()
        if scale > 1:
            reference = convolve2d(reference, win, "valid")[::2, ::2]
            distorted = convolve2d(distorted, win, "valid")[::2, ::2]
        mu1, mu2 = convolve2d(reference, win, "valid"), convolve2d(distorted, win, "valid")
        s1 = convolve2d(reference**2, win, "valid") - mu1**2
        s2 = convolve2d(distorted**2, win, "valid") - mu2**2
        s12 = convolve2d(reference * distorted, win, "valid") - mu1 * mu2
        s1[s1 < 0] = 0
        s2[s2 < 0] = 0
        g = s12 / (s1 + 1e-10)
        sv = s2 - g * s12
        g[s1 < 1e-10] = 0
        sv[s1 < 1e-10] = s2[s1 < 1e-10]
        s1[s1 < 1e-10] = 0
        g[s2 < 1e-10] = 0
        sv[s2 < 1e-10] = 0
        sv[g < 0] = s2[g < 0]
        g[g < 0] = 0
        sv[sv <= 1e-10] = 1e-10
        num += np.sum(np.log10(1 + g**2 * s1 / (sv + 2)))
        den += np.sum(np.log10(1 + s1 / 2))
    return num / den


def edge_transfer(f, a, b):
    h3 = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    h1 = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])

    def edges(image):
        sx, sy = convolve2d(image, h3, "same"), convolve2d(image, h1, "same")
        angle = np.full(image.shape, np.pi / 2)
        angle[sx != 0] = np.arctan(sy[sx != 0] / sx[sx != 0])
        return np.sqrt(sx**2 + sy**2), angle

    (gf, af), total, weights = edges(f), 0.0, 0.0
    for image in (a, b):
        gs, angles = edges(image)
        for y in range(f.shape[0]):
            for x in range(f.shape[1]):
                s, t = gs[y, x], gf[y, x]
                ratio = t / s if s > t else t if s == t else s / t
                turned = 1 - abs(angles[y, x] - af[y, x]) / (np.pi / 2)
                strength = 0.9994 / (1 + math.exp(-15 * (ratio - 0.5))) if ratio < 40 else 0.9994
                total += s * strength * 0.9879 / (1 + math.exp(-22 * (turned - 0.8)))
                weights += s
    return total / weights


ALL = {
    "EN": lambda f, a, b: entropy(f),
    "SD": lambda f, a, b: standard_deviation(f),
    "SF": lambda f, a, b: spatial_frequency(f),
    "AG": lambda f, a, b: average_gradient(f),
    "MI": lambda f, a, b: mutual_information(f, a) + mutual_information(f, b),
    "CC": lambda f, a, b: (correlation(f, a) + correlation(f, b)) / 2,
    "SCD": correlation_of_differences,
    "VIFF": lambda f, a, b: vif(a, f) + vif(b, f),
    "Qabf": edge_transfer,
    "SSIM": lambda f, a, b: (structural(f, a) + structural(f, b)) / 2,
}
