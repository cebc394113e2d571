"""The face mesh: which landmark is where, and the triangles between them.

Numbers are MediaPipe FaceMesh's (468 points). "Left" is left in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.faces import LANDMARKS, solutions

# The inner edge of the lips from corner to corner (corners excluded), and the rings outside it.
UPPER = [191, 80, 81, 82, 13, 312, 311, 310, 415]
LOWER = [95, 88, 178, 87, 14, 317, 402, 318, 324]
CORNER_L, CORNER_R = 78, 308
UPPER_RINGS = [
    [185, 40, 39, 37, 0, 267, 269, 270, 409],
    [184, 74, 73, 72, 11, 302, 303, 304, 408],
    [183, 42, 41, 38, 12, 268, 271, 272, 407],
]
LOWER_RINGS = [
    [146, 91, 181, 84, 17, 314, 405, 321, 375],
    [77, 90, 180, 85, 16, 315, 404, 320, 307],
    [96, 89, 179, 86, 15, 316, 403, 319, 325],
]
CORNERS = [78, 62, 76, 61, 308, 292, 306, 291]
ALL_UPPER = [*UPPER, *(p for ring in UPPER_RINGS for p in ring)]
ALL_LOWER = [*LOWER, *(p for ring in LOWER_RINGS for p in ring)]
LIPS = ALL_UPPER + ALL_LOWER + CORNERS
INNER = [CORNER_L, *UPPER, CORNER_R, *LOWER[::-1]]  # the mouth's opening, as a polygon
MIDDLE = slice(3, 6)  # of UPPER and LOWER: where the opening is measured

OVAL = [
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
]
CHIN = [152, 148, 377, 176, 400, 175, 199, 171, 396]
BRIDGE, NOSE_TIP = 168, 4

# Points that speaking does not move: eyes' corners, bridge of the nose, forehead, temples.
RIGID = [33, 133, 263, 362, 168, 6, 197, 195, 10, 151, 9, 8, 67, 297, 127, 356, 5, 4]


@dataclass(frozen=True)
class Mesh:
    """edges: (e, 2); triangles: (t, 3), over the 468 points and then the 36 of a fixed outer ring."""

    edges: npt.NDArray[np.int32]
    triangles: npt.NDArray[np.int32]


def face_mesh() -> Mesh:
    """The triangles of MediaPipe's tesselation without the mouth's opening, and a rim to the outer ring."""
    tesselation = solutions().face_mesh.FACEMESH_TESSELATION
    edges = sorted({(min(a, b), max(a, b)) for a, b in tesselation})
    beside: dict[int, set[int]] = {}
    for a, b in edges:
        beside.setdefault(a, set()).add(b)
        beside.setdefault(b, set()).add(a)
    faces = {tuple(sorted((a, b, c))) for a, b in edges for c in beside[a] & beside[b]}
    opening = set(INNER)
    triangles = [t for t in sorted(faces) if not set(t) <= opening]
    around = len(OVAL)
    for k, a in enumerate(OVAL):
        b = OVAL[(k + 1) % around]
        out_a, out_b = LANDMARKS + k, LANDMARKS + (k + 1) % around
        triangles += [(a, b, out_a), (b, out_a, out_b)]
    return Mesh(np.array(edges, np.int32), np.array(triangles, np.int32))
