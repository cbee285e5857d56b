"""A digital head: anatomy as distances to surfaces, so that any scanner can sample it on its own grid.

Nothing here was measured on a person: ellipsoids, tubes and a folded sheet for the cortex, placed as in an adult head.
The head frame is LPS mm (x to the Left, y to the Posterior, z to the Superior) with its origin between the thalami. It
is not symmetric: a flip is seen from the marker on the left temple, the wider left ventricle, the fluid in the left
maxillary sinus and the lesion on the right.

Each surface is a signed distance, negative inside; a tissue covers a point by how deep it lies, over `edge_mm`, which
is what a voxel of that size sees. Later tissues cover earlier ones, from the skin inwards.
"""

from __future__ import annotations

import numpy as np

from app.phantom.shapes import Array, Canvas, Point, Tissue, Values, Where, ellipsoid, gyroid, segment, union

LESION_MM: Point = (-37.0, 20.0, 25.0)  # in the white matter of the right parietal lobe
LESION_RADIUS_MM = 9.0
MARKER_MM: Point = (88.0, -28.0, 12.0)  # an oil capsule taped to the left temple, as on scans for navigation
LANDMARKS_MM: dict[str, Point] = {  # where one tissue reaches at least 5 mm around, to measure it
    "left thalamus": (11.5, 14.0, 8.0),
    "right thalamus": (-11.5, 14.0, 8.0),
    "left putamen": (26.5, -4.0, 5.0),
    "left eye": (32.0, -71.0, -22.0),
    "right eye": (-32.0, -71.0, -22.0),
    "left white matter": (28.0, 14.0, 31.0),
    "left atrium": (27.0, 38.0, 12.0),
}


def paint_head(x: Array, y: Array, z: Array, values: Values, edge_mm: float) -> Array:
    """What a scanner with these tissue values would measure at points of the head frame.

    x, y, z : (n,) float32 mm; returns (n,) float32
    edge_mm : over how many mm a surface is soft; about the voxel's size, so that a voxel half filled is half bright
    """
    image = np.full(len(x), values[Tissue.AIR], np.float32)
    near = np.flatnonzero((x / 112) ** 2 + ((y + 2) / 130) ** 2 + ((z + 10) / 160) ** 2 < 1)
    if not near.size:
        return image
    x, y, z = x[near], y[near], z[near]
    cavity = _cavity(x, y, z)
    canvas = Canvas(x, y, z, image[near], values, edge_mm)
    _scalp_and_skull(canvas, cavity)
    _face(canvas)
    _brain(canvas, cavity)
    _brainstem(canvas)
    _ventricles_and_nuclei(canvas)
    canvas.ellipsoid(Tissue.LESION, LESION_MM, (LESION_RADIUS_MM,) * 3)
    canvas.ellipsoid(Tissue.MARKER, MARKER_MM, (4.0, 7.0, 4.0))
    image[near] = canvas.image
    return image


def _cavity(x: Array, y: Array, z: Array) -> Array:
    """Distance to the inner table of the skull: an egg, wide behind, its floor high in front, with temporal fossae."""
    back, up = y - np.float32(6), z - np.float32(10)
    across = (x + 2 * np.sin(y / np.float32(55))) * (1 - np.float32(0.001) * back)  # right frontal, left occipital
    floor = 31 + 34 / (1 + np.exp(-(y - 2) / np.float32(9)))
    height = np.where(up > 0, np.float32(67), floor)
    wide, long = (across / 69) ** 2, (back / 87) ** 2
    q = np.sqrt(wide + long - np.float32(0.3) * wide * long + (up / height) ** 2 + np.float32(1e-8))  # a blunt forehead
    egg = np.sqrt(across * across + back * back + up * up + np.float32(1e-5)) * (1 - 1 / q)
    for side in (-1, 1):
        egg = union(egg, ellipsoid(x, y, z, (side * 41.0, -13.0, -19.0), (25.0, 35.0, 24.0)), 8)
    return egg


def _scalp_and_skull(canvas: Canvas, cavity: Array) -> None:
    x, y, z = canvas.x, canvas.y, canvas.z
    thick = 6.5 + 1.3 * np.sin(y / 29 + 0.5) * np.cos(z / 25) + 0.7 * np.sin(x / 17 + 1) - 2 * np.exp(-((z / 30) ** 2))
    thick = thick.astype(np.float32)
    skin = cavity - thick - (4.6 + 1.0 * np.sin(x / 37 + y / 41)).astype(np.float32)
    skin = union(skin, ellipsoid(x, y, z, (0, -38, -50), (70, 59, 74)), 24)
    skin = union(skin, np.maximum(ellipsoid(x, y, z, (0, 26, -120), (62, 64, 115)), z + 35), 24)
    skin = union(skin, ellipsoid(x, y, z, (1, -98, -54), (13, 20, 22)), 10)  # nose
    for side in (-1, 1):
        skin = union(skin, ellipsoid(x, y, z, (side * 82.0, 16, -22), (7, 17, 29)), 5)  # ears
    canvas.skin = skin
    canvas.paint(Tissue.SKIN, skin)
    canvas.paint(Tissue.FAT, skin + 1.8)
    deep = np.flatnonzero(skin < 0)
    x, y, z, skin, cavity, thick = (a[deep] for a in (x, y, z, skin, cavity, thick))
    fascia = 1.1 - np.abs(gyroid(x + 5, y + 9, 0.6 * z, 40))  # fat between the muscles
    canvas.paint(Tissue.MUSCLE, np.maximum(skin + 7, fascia), deep)
    shell = np.maximum(cavity - thick, -(cavity + 3))
    canvas.paint(Tissue.CORTICAL_BONE, shell, deep)
    marrow = np.abs(cavity - thick * np.float32(0.52)) - thick * np.float32(0.21)
    canvas.paint(Tissue.DIPLOE, np.maximum(marrow, -z - 12), deep)


def _face(canvas: Canvas) -> None:
    bone, spongy, air, mucosa = Tissue.CORTICAL_BONE, Tissue.DIPLOE, Tissue.AIR, Tissue.MUCOSA
    canvas.ellipsoid(bone, (0, -66, -72), (31, 25, 20), under=6)  # maxilla
    canvas.ellipsoid(spongy, (0, -66, -72), (29, 23, 18), under=8)
    canvas.tube(bone, ((0, -3, -30), 7), ((0, 17, -58), 6))  # clivus
    canvas.tube(spongy, ((0, -3, -30), 5), ((0, 17, -58), 4.3))
    canvas.ellipsoid(bone, (0, -20, -29), (20, 19, 13))  # sphenoid
    canvas.ellipsoid(spongy, (0, 24, -88), (30, 24, 11))  # atlas and axis
    canvas.tube(bone, ((0, 8, -78), 6), ((0, 8, -125), 6))
    for side in (-1.0, 1.0):
        canvas.tube(
            bone, ((side * 50, -66, -40), 6), ((side * 66, -38, -40), 3.5), ((side * 70, -4, -36), 4), under=4
        )  # zygoma
        canvas.tube(bone, ((side * 66, 17, -36), 9), ((side * 16, 1, -29), 6))  # petrous
        canvas.tube(bone, ((side * 60, 28, -40), 13), ((side * 54, 24, -60), 8), under=3)  # mastoid
        canvas.tube(bone, ((side * 54, -2, -60), 5), ((side * 60, -2, -42), 6))  # condyle of the jaw
        canvas.tube(bone, ((side * 54, -2, -60), 5), ((side * 47, -16, -110), 6))
        _air_cells(canvas, (side * 61, 28, -44), (12, 12, 16), 9.0)
        canvas.tube(air, ((side * 92, 8, -31), 2.5), ((side * 60, 8, -31), 2.5))  # ear canal
        canvas.ellipsoid(bone, (side * 31, -58, -22), (21, 31, 19), under=7)  # orbit
        canvas.ellipsoid(Tissue.FAT, (side * 31, -59, -22), (19, 31, 17.5), under=1.8)
        for down, sideways in ((0, 10), (0, -10), (10, 0), (-10, 0)):  # recti
            tip = (side * (31 + sideways), -66.0, -22.0 + down)
            canvas.tube(Tissue.MUSCLE, ((side * 20, -34, -20), 1.5), (tip, 2.2))
        canvas.tube(Tissue.WHITE, ((side * 8, -26, -16), 2), ((side * 20, -36, -20), 2.2), ((side * 30, -60, -22), 2.3))
        canvas.ellipsoid(Tissue.SKIN, (side * 32, -71, -22), (13, 13, 13))  # sclera
        canvas.ellipsoid(Tissue.VITREOUS, (side * 32, -71, -22), (12, 12, 12))
        canvas.ellipsoid(Tissue.LENS, (side * 32, -79.5, -22), (4.6, 2.2, 4.6))
        canvas.ellipsoid(bone, (side * 29, -60, -54), (15.5, 19, 17))  # maxillary sinus: wall, lining, air
        canvas.ellipsoid(mucosa, (side * 29, -60, -54), (14.5, 18, 16))
        canvas.ellipsoid(air, (side * 29, -60, -54), (13, 16.5, 14.5))
    at = canvas.box((29, -60, -54), (13, 16.5, 14.5))
    if at.size:  # fluid in the left one, level with the patient lying on the back
        sinus = ellipsoid(canvas.x[at], canvas.y[at], canvas.z[at], (29, -60, -54), (13, 16.5, 14.5))
        canvas.paint(mucosa, np.maximum(sinus, -53 - canvas.y[at]), at)
    canvas.ellipsoid(bone, (0, -62, -30), (13, 27, 18))
    _air_cells(canvas, (0, -62, -24), (11.5, 25, 12), 12.0)  # ethmoid
    canvas.ellipsoid(air, (-1, -72, -52), (12.5, 33, 19))  # nasal cavity, turbinates and a bent septum
    for side in (-1.0, 1.0):
        canvas.tube(mucosa, ((side * 7.5, -88, -44), 2.5), ((side * 8, -48, -42), 3.2))
        canvas.tube(mucosa, ((side * 8, -90, -58), 3), ((side * 8, -48, -58), 4))
    canvas.ellipsoid(mucosa, (0.5, -72, -52), (1.2, 34, 20))
    canvas.tube(air, ((0, -36, -52), 9), ((0, -12, -66), 9), ((0, -14, -130), 8))  # pharynx
    canvas.ellipsoid(air, (2, -22, -30), (13, 12, 8))  # sphenoid sinus
    canvas.ellipsoid(bone, (-5, -83, 0), (13, 7, 12), under=3)  # frontal sinus, larger on the right
    canvas.ellipsoid(air, (-5, -83, 0), (12, 6, 11), under=5)
    canvas.ellipsoid(Tissue.GREY, (0, -10, -20), (5, 4, 3.5))  # pituitary


def _air_cells(canvas: Canvas, centre: Point, radii: Point, period_mm: float) -> None:
    at = canvas.box(centre, radii)
    if at.size:
        x, y, z = canvas.x[at], canvas.y[at], canvas.z[at]
        walls = 0.9 - np.abs(gyroid(x, y, z, 2 * period_mm))
        canvas.paint(Tissue.AIR, np.maximum(ellipsoid(x, y, z, centre, radii), walls), at)


def _brain(canvas: Canvas, cavity: Array) -> None:
    at = np.flatnonzero(cavity < 1.5)
    if not at.size:
        return
    x, y, z = canvas.x[at], canvas.y[at], canvas.z[at]
    s = cavity[at]
    canvas.paint(Tissue.DURA, s, at)
    canvas.paint(Tissue.CSF, s + 0.9, at)
    midline = np.abs(x + 2 * np.sin(y / np.float32(55)))
    core = ellipsoid(x, y, z, (0, 2, 2), (34, 43, 27))  # no fissure below the corpus callosum
    fissure = np.hypot(midline, np.maximum(-core, 0))
    tent_z = -19 - 0.18 * np.abs(x) + 21 * np.exp(-((x / 30) ** 2) - ((y - 34) / 34) ** 2)
    tent = (z - tent_z) * np.float32(0.8)
    edge = 10 + np.float32(0.36) * np.abs(x)  # along the petrous ridges
    behind_edge = y > edge
    tent = np.where(behind_edge, tent, np.hypot(tent, edge - y))  # signed behind its edge, a distance before it
    _cerebrum(canvas, at, s, fissure, tent, (x, y, z))
    falx = np.maximum(np.maximum(midline - 0.6, 4 - core), np.maximum(-s - 45, s + 0.5))
    canvas.paint(Tissue.DURA, np.where(behind_edge, np.maximum(falx, -tent), falx), at)
    behind = np.flatnonzero(behind_edge & (z < 8))
    if behind.size:
        _cerebellum(canvas, at[behind], s[behind], tent[behind], (x[behind], y[behind], z[behind]))


def _cerebrum(
    canvas: Canvas, at: Where, s: Array, fissure: Array, tent: Array, xyz: tuple[Array, Array, Array]
) -> None:
    """Cortex: grey matter wherever CSF is nearer than 3 mm, on the surface as in the sulci."""
    x, y, z = xyz
    side = np.abs(x)
    sylvian = np.hypot(np.abs(z + 4 - 0.3 * y - 4 * np.sin(side / 9)), np.maximum(37 - side, 0))
    sylvian = np.hypot(sylvian, np.maximum(np.abs(y + 3) - 30, 0)).astype(np.float32)
    envelope = np.minimum(np.minimum(-s - 2.4, fissure - 1.3), np.minimum(sylvian - 0.8, tent - 1.2))
    stem = segment(x, y, z, (0, 15, -4), (0, 10, -40))[1] - 18
    envelope = np.minimum(envelope, np.where(z < -6, np.maximum(stem, -12 - z), np.float32(99)))
    fold = gyroid(
        x + 5 * np.sin(y / np.float32(13)) + 3 * np.sin(z / 9),
        y + 5 * np.sin(z / np.float32(15) + 1) + 3 * np.sin(x / np.float32(8)),
        z + 5 * np.sin(x / np.float32(17) + 2),
        32,
    )
    depth = 15 + 5 * np.sin(x / np.float32(23)) * np.cos(y / np.float32(19) + z / np.float32(29))
    sulcus = np.hypot(fold, np.maximum(envelope - depth, 0))
    pial = np.minimum(envelope, sulcus - 0.25 - 0.75 * np.clip(1 - envelope / depth, 0, 1)).astype(np.float32)
    canvas.paint(Tissue.GREY, -pial, at)
    canvas.paint(Tissue.WHITE, 3.1 + 0.4 * np.sin(y / np.float32(11)) - pial, at)


def _cerebellum(canvas: Canvas, at: Where, s: Array, tent: Array, xyz: tuple[Array, Array, Array]) -> None:
    x, y, z = xyz
    front = 11.5 + np.float32(0.36) * np.abs(x) - y
    outside = np.maximum(np.maximum(s + 2.4, tent + 1.3), front.astype(np.float32))
    canvas.paint(Tissue.CSF, np.maximum(tent, s + 0.9), at)
    canvas.paint(Tissue.CEREBELLUM, outside, at)
    ring = np.sqrt(y * y * 0.25 + (z + 2) ** 2 + 0.02 * x * x)  # folia run around the fourth ventricle
    leaf = np.sin(ring * np.float32(2 * np.pi / 5.2))
    canvas.paint(Tissue.CSF, np.maximum(np.maximum(1.1 - 1.2 * leaf, outside), -outside - 7), at, share=0.5)
    core = np.maximum(ellipsoid(x, y, z, (0, 45, -33), (40, 20, 13)), np.float32(5) - np.abs(x) * np.float32(0.35))
    canvas.paint(Tissue.WHITE, np.maximum(core + 3 * leaf, outside + 5), at)


def _brainstem(canvas: Canvas) -> None:
    canvas.ellipsoid(Tissue.CSF, (0, -5, -14), (15, 9, 7))  # suprasellar cistern
    canvas.tube(Tissue.CSF, ((0, 16, -34), 16), ((0, 24, -60), 13), ((0, 28, -140), 9.5))
    canvas.tube(Tissue.CSF, ((0, 13, -6), 18), ((0, 11, -24), 18))
    for side in (-1.0, 1.0):  # peduncles, up and to the cerebellum
        canvas.tube(Tissue.BRAINSTEM, ((side * 14, 2, 2), 8), ((side * 8, 9, -14), 8))
        canvas.tube(Tissue.BRAINSTEM, ((side * 12, 16, -28), 8), ((side * 22, 36, -34), 8))
    canvas.tube(Tissue.BRAINSTEM, ((0, 17, -8), 12), ((0, 13, -26), 14.5), ((0, 24, -58), 8), ((0, 25, -66), 6.5))
    canvas.tube(Tissue.WHITE, ((0, 25, -66), 6.5), ((0, 28, -140), 5.5))
    canvas.tube(Tissue.CSF, ((0, 24, -2), 1.4), ((0, 25, -20), 1.6), ((0, 31, -32), 6.5), ((0, 30, -46), 2))  # aqueduct


def _ventricles_and_nuclei(canvas: Canvas) -> None:
    for side, wide in ((-1.0, 1.0), (1.0, 1.3)):
        canvas.ellipsoid(Tissue.THALAMUS, (side * 11.5, 14, 8), (8.5, 14, 9.5))
        canvas.ellipsoid(Tissue.STRIATUM, (side * 26.5, -4, 5), (5.5, 17, 11))  # putamen
        canvas.ellipsoid(Tissue.PALLIDUM, (side * 20.5, -1, 3), (4, 9, 7))
        canvas.tube(  # caudate
            Tissue.STRIATUM,
            ((side * 14, -24, 8), 6.5),
            ((side * 16, -10, 20), 4.5),
            ((side * 20, 12, 25), 3),
            ((side * 27, 30, 18), 2.2),
        )
        canvas.tube(
            Tissue.CSF,
            ((side * 8, -31, 8), 5 * wide),
            ((side * 9, -10, 20), 5.2 * wide),
            ((side * 13, 14, 23), 5 * wide),
            ((side * 25, 36, 13), 6.8 * wide),
            ((side * 24, 58, 8), 3 * wide),
        )
        canvas.tube(Tissue.CSF, ((side * 27, 36, 10), 6 * wide), ((side * 36, 18, -12), 3), ((side * 31, -4, -20), 3))
        canvas.tube(Tissue.CALCIFICATION, ((side * 25, 35, 9), 1.3), ((side * 27, 39, 6), 1.6))  # choroid plexus
    canvas.tube(Tissue.CSF, ((0, -8, 2), 1.9), ((0, 10, 4), 2.2), ((0, 22, 2), 1.6))  # third ventricle
    canvas.tube(Tissue.CSF, ((0, -8, -6), 1.6), ((0, 8, 12), 1.7))
    canvas.ellipsoid(Tissue.CALCIFICATION, (1, 29, 6), (1.8, 2.2, 1.8))  # pineal gland
