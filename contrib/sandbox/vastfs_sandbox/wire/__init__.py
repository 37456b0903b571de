"""HTTP and the protocols of AWS: requests, signatures, error replies, faults on the wire."""
