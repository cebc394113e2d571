"""Replicas on other machines, through Ray: https://docs.ray.io. Imported only where [cluster] has an address.

On the head, a process for each replica (proxy.py) takes orders as one does that has the engine itself. On
the node, an actor (replica.py) keeps a host, as the daemon does: the same process, watched by the same
heartbeats, ended by the same ladder, beside the engine that it watches.
"""
