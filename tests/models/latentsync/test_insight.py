"""The optional backend: what is said when it is missing, and how its findings are taken.

insightface's models may not come with us, so its place is taken by a package with its interface, which
finds the points that a test puts into the picture.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models.errors import Unavailable
from models.latentsync.insight import anchors_of
from models.latentsync.needs import DETECTOR, INSIGHTFACE_MODELS, LANDMARKS

PACKAGE = {
    "insightface/__init__.py": "",
    "insightface/app/__init__.py": "",
    "insightface/app/common.py": "class Face(dict):\n    __getattr__ = dict.__getitem__\n",
    "insightface/model_zoo.py": """
import numpy as np
class Detector:
    def prepare(self, device, input_size, det_thresh): self.asked = device, input_size, det_thresh
    def detect(self, picture):
        assert self.asked == (-1, (512, 512), 0.5)
        boxes = [(0, 0, 50, 50, 0.9), (90, 80, 210, 220, 0.8)]
        return np.array(boxes if picture.any() else np.zeros((0, 5)), np.float32), None
class Landmarks:
    def prepare(self, device): self.asked = device
    def get(self, picture, face):
        assert self.asked == -1 and face.bbox.tolist() == [90, 80, 210, 220]
        points = np.zeros((106, 2), np.float32)
        points[[43, 48, 49, 51, 50]] = (120.4, 110)
        points[101:106] = (180, 110)
        points[[74, 77, 83, 86]] = [(150, 140), (140, 150), (160, 150), (150, 161)]
        return points
def get_model(path, providers):
    print("loading", path)
    assert providers == ["CPUExecutionProvider"]
    return Detector() if "det_10g" in path else Landmarks()
""",
    "insightface-0.7.3.dist-info/METADATA": "Metadata-Version: 2.1\nName: insightface\nVersion: 0.7.3\n",
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with the models, beside the package."""
    packages, home = tmp_path / "packages", tmp_path / "home"
    for name, text in PACKAGE.items():
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text(text)
    (home / INSIGHTFACE_MODELS).mkdir(parents=True)
    for name in (DETECTOR, LANDMARKS):
        (home / INSIGHTFACE_MODELS / name).touch()
    monkeypatch.syspath_prepend(packages)
    for name in [name for name in sys.modules if name.startswith("insightface")]:
        monkeypatch.delitem(sys.modules, name)
    return home


def face(x: float, y: float, side: float) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(0)
    return np.asarray(rng.uniform((x - side / 2, y - side / 2, 0), (x + side / 2, y + side / 2, 1), (468, 3)))


def test_mediapipe_needs_nothing(tmp_path: Path) -> None:
    assert anchors_of("mediapipe", "cuda", home=tmp_path) is None


@pytest.mark.skipif(find_spec("insightface") is not None, reason="insightface is installed")
def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="not installed") as caught:
        anchors_of("insightface", "cpu", home=tmp_path)
    assert f"`{Path(sys.executable).parent}/pip install insightface onnxruntime-gpu`" in caught.value.hint


def test_missing_models_are_named_and_never_fetched(installed: Path) -> None:
    (installed / INSIGHTFACE_MODELS / DETECTOR).unlink()
    with pytest.raises(Unavailable) as caught:
        anchors_of("insightface", "cpu", home=installed)
    assert DETECTOR in caught.value.message and LANDMARKS not in caught.value.message
    assert "licence" in caught.value.hint and "insightface-cli" in caught.value.hint


def test_the_three_points_are_of_the_face_that_is_followed(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anchors = anchors_of("insightface", "cpu", home=installed)
    assert anchors is not None and anchors.name == "insightface 0.7.3"
    picture = np.ones((300, 300, 3), np.uint8)
    found = anchors(picture, face(150, 150, 120).astype(np.float32))
    assert found is not None
    assert found.tolist() == [[120, 110], [180, 110], [150, 150]]  # rounded
    assert anchors(picture, face(270, 270, 50).astype(np.float32)) is None  # it sees nobody there
    assert anchors(np.zeros_like(picture), face(150, 150, 120).astype(np.float32)) is None  # nor anywhere
    assert capsys.readouterr().out == ""


def test_pixels_that_are_not_square_are_squared_and_back(installed: Path) -> None:
    anchors = anchors_of("insightface", "cpu", 2.0, installed)
    assert anchors is not None
    points = face(150, 150, 120) / (2, 1, 1)
    found = anchors(np.ones((300, 150, 3), np.uint8), points.astype(np.float32))
    assert found is not None
    assert np.allclose((found[:, 0] + 0.5) * 2 - 0.5, [120, 180, 150])
