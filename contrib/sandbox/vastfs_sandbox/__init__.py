"""AWS's APIs on loopback: moto, and beside it what moto lacks."""
