"""The units of systemd: what they say here, and putting them in place."""
