"""Following one presenter: several people, cuts, small faces, faces that go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.engine import Picture
from models.faces import FaceTracker, Found, Sighting
from tests.face_kit import clip_of, portrait
from tests.media_kit import QUICK, ffmpeg

OTHER = "hflip,hue=h=130:s=2"  # somebody else: the same face, other hair, other collar, other light


@pytest.fixture(scope="module")
def face(album: Path) -> Path:
    return portrait(album, seconds=2)


def sightings(path: Path, prefer: str = "largest", aspect: float = 1.0, pictures: int = 40) -> list[Sighting]:
    """What the tracker finds in the first pictures of a clip."""
    clip = clip_of(path, pictures)
    tracker = FaceTracker(prefer, aspect)
    try:
        return [tracker(p) for p in clip.pictures([int(n) for n in clip.order])]
    finally:
        tracker.close()


@pytest.fixture(scope="module")
def two_people(face: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait on the left, somebody else, a little smaller, on the right."""
    out = tmp_path_factory.mktemp("two") / "two.mp4"
    chain = f"[0]split[a][b];[b]{OTHER},scale=300:534,pad=360:640:30:60:gray[c];[a][c]hstack"
    ffmpeg("-i", face, "-t", "1.6", "-filter_complex", chain, *QUICK, "-crf", "12", out)
    return out


@pytest.mark.parametrize(("prefer", "side"), [("largest", 0), ("left", 0), ("right", 1)])
def test_one_of_two_is_followed(two_people: Path, prefer: str, side: int) -> None:
    seen = sightings(two_people, prefer)
    assert len(seen) == 40
    assert all(s.found is Found.FACE for s in seen)
    for s in seen:
        low, high = s.points[:, 0].min(), s.points[:, 0].max()
        assert side * 360 <= low and high <= (side + 1) * 360


def insert(face: Path, out: Path, what: str) -> Path:
    """The portrait, with pictures 20…39 replaced by what the filters make of them."""
    chain = (
        "[0]split=3[a][b][c];[a]trim=end_frame=20[x];"
        f"[b]trim=start_frame=20:end_frame=40,setpts=PTS-STARTPTS,{what}[y];"
        "[c]trim=start_frame=40,setpts=PTS-STARTPTS[z];[x][y][z]concat=n=3"
    )
    ffmpeg("-i", face, "-filter_complex", chain, *QUICK, "-crf", "12", out)
    return out


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("drawbox=c=teal:t=fill", Found.NO_FACE),
        (f"{OTHER},scale=300:534,pad=360:640:60:20:teal", Found.OTHER_PERSON),
    ],
)
def test_a_cut_away_is_not_the_presenter(face: Path, tmp_path: Path, what: str, found: Found) -> None:
    seen = sightings(insert(face, tmp_path / "cut.mp4", what), pictures=50)
    assert {s.found for s in seen[20:40]} == {found}
    assert all(s.found is Found.FACE for s in [*seen[:20], *seen[42:]])
    assert seen[20].cut and seen[40].cut


def test_a_small_face_in_a_wide_shot_is_found(face: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide.mp4"
    small = "scale=180:320,pad=1280:720:700:200:gray"
    ffmpeg("-i", face, "-t", "1.6", "-vf", small, *QUICK, "-crf", "12", wide)
    assert np.mean([s.found is Found.FACE for s in sightings(wide)]) > 0.95


def test_points_are_where_the_face_is_whatever_the_pixels(face: Path, tmp_path: Path) -> None:
    upright = sightings(face)
    squeezed = tmp_path / "squeezed.mp4"
    ffmpeg("-i", face, "-t", "1.6", "-vf", "scale=180:640,setsar=2/1", *QUICK, "-crf", "10", squeezed)
    narrow = sightings(squeezed, aspect=2.0)
    for a, b in zip(upright[::10], narrow[::10], strict=True):
        assert np.abs(a.points[:, :2] - b.points[:, :2] * (2, 1)).max() < 6


# ---------------------------------------------------------------- two people before one backdrop

SIDE = 240  # pixels of a person's cut-out
STAGE = (480, 854)
Course = Callable[[int], float]


@dataclass
class Person:
    """Pictures of somebody cut out, and where his or her middle is in picture t."""

    pictures: list[Picture]
    x: Course

    def onto(self, stage: Picture, t: int) -> None:
        rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
        head = (columns / 0.3) ** 2 + ((rows + 0.04) / 0.4) ** 2 < 1
        body = (columns / 0.45) ** 2 + ((rows - 0.6) / 0.3) ** 2 < 1
        left, top = int(self.x(t)) - SIDE // 2, 140
        inside = (head | body)[:, max(-left, 0) : max(STAGE[1] - left, 0)]
        picture = self.pictures[t % len(self.pictures)][:, max(-left, 0) : max(STAGE[1] - left, 0)]
        there = stage[top : top + SIDE, max(left, 0) : max(left, 0) + inside.shape[1]]
        there[inside] = picture[inside]


@pytest.fixture(scope="module")
def looks(face: Path) -> tuple[list[Picture], list[Picture]]:
    """The portrait's, and somebody else's."""
    clip = clip_of(face, 12)
    pictures = [cv2.resize(p[60:420], (SIDE, SIDE)) for p in clip.pictures([int(n) for n in clip.order])]
    return [np.asarray(p, np.uint8) for p in pictures], [another(np.asarray(p, np.uint8)) for p in pictures]


def another(picture: Picture) -> Picture:
    """Mirrored, with red hair and a green collar, and a skin more tanned."""
    lab = cv2.cvtColor(np.ascontiguousarray(picture[:, ::-1]), cv2.COLOR_RGB2LAB).astype(np.int16)
    lab[..., 0] = lab[..., 0] * 3 // 4
    lab[SIDE * 7 // 10 :, :, 1] -= 40
    lab[: SIDE * 7 // 10, :, 1] += 16
    return np.asarray(cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB), np.uint8)


def line(begin: float, end: float, pictures: int) -> Course:
    return lambda t: begin + (end - begin) * min(t / pictures, 1)


def followed(*people: Person, pictures: int, prefer: str = "left") -> Iterator[tuple[int, Sighting]]:
    """What is seen; the last of the people is in front."""
    tracker = FaceTracker(prefer)
    try:
        for t in range(pictures):
            stage = np.full((*STAGE, 3), (120, 130, 140), np.uint8)
            for person in people:
                person.onto(stage, t)
            yield t, tracker(stage)
    finally:
        tracker.close()


def on_presenter(presenter: Person, t: int, seen: Sighting) -> bool:
    return abs(float(seen.points[:, 0].mean()) - presenter.x(t)) < 0.15 * SIDE


Looks = tuple[list[Picture], list[Picture]]


def test_who_comes_to_stand_in_the_same_place_is_somebody_else(looks: Looks) -> None:
    """Without a cut that could be seen: the room stays as it is."""
    ours = Person(looks[0], lambda t: 420 if t < 15 or t >= 35 else -500)
    other = Person(looks[1], lambda t: 420 if 15 <= t < 35 else -500)
    found = [seen.found for _, seen in followed(ours, other, pictures=45)]
    assert set(found[:15]) == {Found.FACE}
    assert Found.FACE not in found[15:35]
    assert found.count(Found.OTHER_PERSON) > 10
    assert set(found[37:]) == {Found.FACE}


@pytest.mark.parametrize("in_front", ["presenter", "other"])
@pytest.mark.parametrize("pictures", [16, pytest.param(40, marks=pytest.mark.slow)])
def test_two_who_cross_are_not_taken_for_each_other(looks: Looks, in_front: str, pictures: int) -> None:
    ours, other = Person(looks[0], line(150, 700, pictures)), Person(looks[1], line(700, 150, pictures))
    people = (other, ours) if in_front == "presenter" else (ours, other)
    seen = list(followed(*people, pictures=pictures + 6))
    for t, sighting in seen:
        assert sighting.found is not Found.FACE or on_presenter(ours, t, sighting), t
    faces = [sighting.found is Found.FACE for _, sighting in seen]
    assert all(faces[: pictures // 2 - 5]) and all(faces[-6:])


def test_who_leaves_is_not_replaced_by_who_stays(looks: Looks) -> None:
    ours, other = Person(looks[0], line(220, -400, 20)), Person(looks[1], lambda t: 640)
    found = [seen.found for _, seen in followed(ours, other, pictures=40)]
    assert found[0] is Found.FACE
    assert Found.FACE not in found[20:]


def test_the_larger_face_does_not_win_later(looks: Looks) -> None:
    """Who is nearer to the middle, or larger, matters for the first picture only."""
    ours, other = Person(looks[0], line(440, 150, 30)), Person(looks[1], line(760, 430, 30))
    for t, sighting in followed(ours, other, pictures=36, prefer="center"):
        assert sighting.found is Found.FACE and on_presenter(ours, t, sighting), t


@pytest.mark.parametrize("light", [(0.45, 0.45, 0.45), (1.0, 0.85, 0.55), (0.6, 0.75, 1.0)])
def test_the_presenter_stays_the_presenter_in_another_light(face: Path, light: tuple[float, ...]) -> None:
    clip, tracker = clip_of(face, 24), FaceTracker()
    try:
        for t, picture in enumerate(clip.pictures([int(n) for n in clip.order])):
            lit = picture * np.array(light) if t >= 10 else picture
            sighting = tracker(np.asarray(lit, np.uint8))
            assert sighting.found is Found.FACE or sighting.cut, t
    finally:
        tracker.close()


@pytest.mark.parametrize("at", [15, 20, 30])
def test_a_tracker_goes_on_where_another_ended(face: Path, tmp_path: Path, at: int) -> None:
    """Every bit the same, also across a cut to somebody else: a block that is made after a restart is the
    block that would have been made."""
    what = f"{OTHER},scale=300:534,pad=360:640:60:20:teal"
    clip = clip_of(insert(face, tmp_path / "cut.mp4", what), at + 8)
    one, other = FaceTracker(), FaceTracker()
    try:
        for t, picture in enumerate(clip.pictures([int(n) for n in clip.order])):
            if t == at:
                one.restart()
                other.resume(one.state())
                other.restart()
            seen = one(picture)
            if t >= at:
                again = other(picture)
                assert (again.found, again.cut) == (seen.found, seen.cut), t
                assert np.array_equal(again.points, seen.points, equal_nan=True), t
    finally:
        one.close()
        other.close()


def test_a_fresh_mesh_is_where_the_old_one_was(face: Path) -> None:
    """Starting anew must not be seen: the mesh looks several times before it answers."""
    clip, tracker, again = clip_of(face, 30), FaceTracker(), FaceTracker()
    try:
        for t, picture in enumerate(clip.pictures([int(n) for n in clip.order])):
            if t == 20:
                again.restart()
            a, b = tracker(picture).points, again(picture).points
            assert np.abs(a - b)[:, :2].mean() < 0.4, t  # pixels
    finally:
        tracker.close()
        again.close()
