"""A channel on a PeerTube server, by a user's name and password; the upload goes on where it broke off.

    [[publish.target]]
    name = "tube"
    kind = "peertube"
    url = "https://tube.example.org"
    user = "news"
    password_file = "/etc/vigentd/tube.password"
    channel = "morning_news"
    privacy = "public"

settings.py  what can be set        api.py     a call, with a token, and what its answer means
target.py    the target itself      upload.py  a video's way there, in pieces
"""

from __future__ import annotations

from handlers.publish.kind import Kind, Surroundings
from handlers.publish.kinds.peertube.settings import PeerTubeSettings
from handlers.publish.target import Target


def _open(settings: PeerTubeSettings, around: Surroundings) -> Target:
    from handlers.publish.kinds.peertube.target import PeerTube

    return PeerTube(settings, around)


KIND = Kind("peertube", PeerTubeSettings, _open)
