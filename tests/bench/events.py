# SPDX-License-Identifier: BSD-3-Clause
"""Events as Suricata writes them (eve.json), one JSON object a line: made up, but as varied as those of a small network.

The same number gives the same bytes.
"""

import json
import random
from datetime import datetime, timedelta, timezone

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
PORTS = {"dns": 53, "http": 80, "tls": 443}
AGENTS = ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", "curl/7.88.1", "Wget/1.21"]


class Network:
    def __init__(self, seed=1):
        self.random = random.Random(seed)
        number = self.random.randrange
        self.hosts = [f"10.{number(256)}.{number(256)}.{number(256)}" for _ in range(400)]
        self.names = [f"{self.pick('www', 'cdn', 'api', 'mail')}.{self.pick('example', 'contoso', 'fabrikam')}{number(60)}."
                      f"{self.pick('com', 'net', 'org')}" for _ in range(500)]

    def pick(self, *choices):
        return self.random.choice(choices)

    def flow(self, time):
        number = self.random.randrange
        return {"app_proto": self.pick("tls", "http", "ssh", "smb", "failed"),
                "flow": {"pkts_toserver": number(1, 50), "pkts_toclient": number(60), "bytes_toserver": number(60, 20000),
                         "bytes_toclient": number(90000), "start": time, "end": time, "age": number(60),
                         "state": self.pick("new", "established", "closed"), "reason": self.pick("timeout", "shutdown"),
                         "alerted": False},
                "tcp": {"tcp_flags": "1b", "tcp_flags_ts": "1b", "tcp_flags_tc": "1b", "syn": True, "fin": True, "psh": True,
                        "ack": True, "state": "closed"}}

    def dns(self, _):
        return {"dns": {"type": self.pick("query", "answer"), "id": self.random.randrange(65536),
                        "rrname": self.random.choice(self.names), "rrtype": self.pick("A", "AAAA", "TXT"), "tx_id": 0}}

    def http(self, _):
        number = self.random.randrange
        return {"tx_id": 0, "http": {"hostname": self.random.choice(self.names), "url": f"/img/{number(1000)}.png",
                                     "http_user_agent": self.pick(*AGENTS), "http_content_type": "text/html",
                                     "http_method": "GET", "protocol": "HTTP/1.1", "status": self.pick(200, 304, 404),
                                     "length": number(100000)}}

    def tls(self, _):
        return {"tls": {"subject": "CN=" + self.random.choice(self.names), "issuerdn": "C=US, O=Let's Encrypt, CN=R3",
                        "fingerprint": self.random.randbytes(20).hex(":"), "sni": self.random.choice(self.names),
                        "version": "TLS 1.3"}}

    def event(self, i):
        time = (START + timedelta(milliseconds=13 * i + self.random.randrange(13))).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")
        kind = self.random.choices(["flow", "dns", "http", "tls"], [5, 3, 1, 1])[0]
        return {"timestamp": time, "flow_id": self.random.randrange(1 << 50), "in_iface": "eth0", "event_type": kind,
                "src_ip": self.random.choice(self.hosts), "src_port": self.random.randrange(1024, 65536),
                "dest_ip": self.random.choice(self.hosts), "dest_port": PORTS.get(kind) or self.pick(22, 80, 443, 445, 3389),
                "proto": "UDP" if kind == "dns" else "TCP", **getattr(self, kind)(time)}


def write(path, size):
    """Events of at least that many bytes; returns how many bytes they are."""
    network, i = Network(), 0
    with open(path, "w") as file:
        while file.tell() < size:
            file.writelines(json.dumps(network.event(i + n)) + "\n" for n in range(1000))
            i += 1000
        return file.tell()
