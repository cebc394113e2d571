"""Any store that speaks S3: a bucket of Amazon's, MinIO, Ceph, R2, B2, Garage …

    [[publish.target]]
    name = "store"
    kind = "s3"
    endpoint_url = "https://s3.example.org"    # without it: Amazon's
    bucket = "videos"
    access_key = "AKIA…"
    secret_key_file = "/etc/vigentd/s3.secret"

settings.py  what can be set        store.py   a bucket's calls, and what their errors mean
target.py    the target itself      upload.py  a large video, in parts, going on where it broke off
"""

from __future__ import annotations

from handlers.publish.kind import Kind, Surroundings
from handlers.publish.kinds.s3.settings import S3Settings
from handlers.publish.target import Target


def _open(settings: S3Settings, around: Surroundings) -> Target:
    from handlers.publish.kinds.s3.target import S3

    return S3(settings, around)


KIND = Kind("s3", S3Settings, _open)
