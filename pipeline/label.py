"""The video says of itself that it is synthetic: in words for people, and in a term for machines.

Words: the MP4 tags that players and file managers show. The term: IPTC's "digital source type" in an
XMP packet, which is where IPTC asks for it and where exiftool and the platforms that read IPTC's term
look. It is not a signed Content Credential (C2PA): that needs a certificate, which is the publisher's.
"""

from __future__ import annotations

import struct
import uuid
from pathlib import Path
from xml.sax.saxutils import escape

STATEMENT = (
    "Synthetic video: the speech and the lip movements were made by software. "
    "(synthetic=true, made with vigentd)"
)

# A real recording, parts of which were generated
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_XMP_BOX = uuid.UUID("be7acfcb-97a9-42e8-9c71-999491e3afac")  # by the XMP specification, part 3

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/">
   <Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
   <xmp:CreatorTool>vigentd</xmp:CreatorTool>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{statement}</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def tags(title: str) -> dict[str, str]:
    """MP4 tags, by ffmpeg's names."""
    words = {"comment": STATEMENT, "description": STATEMENT, "keywords": "synthetic, AI-generated"}
    return {"title": title, **words} if title else words


def add_source_type(mp4: Path, title: str) -> None:
    """Append the XMP packet as a box of its own; nothing that stands before it moves."""
    packet = _XMP.format(source_type=SOURCE_TYPE, title=escape(_plain(title)), statement=escape(STATEMENT))
    body = _XMP_BOX.bytes + packet.encode("utf-8")
    with mp4.open("ab") as file:
        file.write(struct.pack(">I4s", 8 + len(body), b"uuid") + body)


def _plain(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(c if c.isprintable() else " " for c in text)
