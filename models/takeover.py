"""How much of the mouth is ours, frame by frame, and whether there is enough of it to make a video."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.errors import BadInput
from models.faces import Found
from models.track import Track

RAMP = 4  # frames over which the mouth is taken over from the clip where a face appears or goes


def takeover(run: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """(n,) 0..1 how much of the mouth is ours: 0 without a face, eased in and out.

    run: of n output frames in a row, −1 without a face. In a piece of a video, the outermost RAMP frames see
    nothing of what lies beyond: cut them off, unless the video itself begins or ends there.
    """
    face = run >= 0
    strength = face.astype(np.float64)
    for distance in range(1, RAMP + 1):
        beside = np.zeros_like(face)
        beside[distance:] |= ~face[:-distance]
        beside[:-distance] |= ~face[distance:]
        strength[beside] = np.minimum(strength[beside], distance / (RAMP + 1))
    return strength


def takeover_of(track: Track, shown: npt.NDArray[np.int64], begin: int, end: int) -> npt.NDArray[np.float64]:
    """Of output frames begin…end−1 of a video that shows the places `shown` of the track.

    Those up to shown[end + RAMP − 1] must be settled.
    """
    low = max(begin - RAMP, 0)
    return takeover(track.runs(shown[low : end + RAMP]))[begin - low : end - low]


def check_faces(track: Track, shown: npt.NDArray[np.int64], most: float) -> None:
    """Raises BadInput when more than the share `most` of the video's frames lacks the presenter's mouth.

    shown: the track's place that each output frame shows; all are settled.
    """
    missing = track.runs(shown) < 0
    share = float(missing.mean())
    if share <= most and not missing.all():
        return
    found = track.founds(shown)
    if (found == Found.LIPS_OUTSIDE).mean() > 0.5 * share:
        raise BadInput(
            "The presenter's mouth is outside the picture",
            code="lips_outside",
            hint="Use a clip that shows the whole face, chin included.",
        )
    if not (found == Found.FACE).any():
        raise BadInput(
            "No face was found in the clip",
            code="no_face",
            hint="Use a clip with the presenter facing the camera, well lit, the face at least "
            "a tenth of the picture.",
        )
    raise BadInput(
        f"The presenter's face is missing in {share:.0%} of the video; at most {most:.0%} may be",
        code="too_few_faces",
        hint="Use a clip in which the presenter faces the camera throughout, or raise lipsync.max_faceless.",
    )
