"""A channel on YouTube.

    [[publish.target]]
    name = "channel"
    kind = "youtube"
    client_file = "/etc/vigentd/youtube-client.json"   # of an OAuth client, from Google's console
    privacy = "private"
    public_after_min = 120      # so that the better resolutions are there by then

settings.py  what can be set                      login.py   how it gets to know us
target.py    the target itself                    tokens.py  what it knows us by
upload.py    a video's way there, in pieces       api.py     a call, and what its answer means
"""

from __future__ import annotations

from handlers.publish.kind import Kind, Surroundings
from handlers.publish.kinds.youtube.settings import YouTubeSettings
from handlers.publish.target import Target


def _open(settings: YouTubeSettings, around: Surroundings) -> Target:
    from handlers.publish.kinds.youtube.target import YouTube

    return YouTube(settings, around)


KIND = Kind("youtube", YouTubeSettings, _open)
