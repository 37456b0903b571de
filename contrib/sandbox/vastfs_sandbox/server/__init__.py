"""The server that all services answer through: `python -m vastfs_sandbox.server`."""
