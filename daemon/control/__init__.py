"""The local API: server, client, events."""
