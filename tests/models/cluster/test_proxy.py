"""What a head makes of what Ray says. The whole of it, with real nodes: tests/daemon/test_cluster.py."""

from __future__ import annotations

from models.cluster.proxy import _not_importable

# As Ray 2.60 says it of a node in whose Python there is another vigentd.
SAID = """The actor died because of an error raised in its creation task, ray::lipsync-2.3468.vm:__init__()
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
RuntimeError: The actor with name Replica failed to import on the worker. This may be because needed library \
dependencies are not installed in the worker environment:

Traceback (most recent call last):
  File "/opt/ray/_private/function_manager.py", line 696, in _load_actor_class_from_gcs
    actor_class = pickle.loads(pickled_class)
                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^
ModuleNotFoundError: No module named 'models.cluster'
"""


def test_a_node_without_vigentd_is_told_from_one_that_is_gone() -> None:
    assert _not_importable(SAID) == "ModuleNotFoundError: No module named 'models.cluster'"
    assert _not_importable("The actor died: its node is gone. RpcError: Socket closed") == ""
