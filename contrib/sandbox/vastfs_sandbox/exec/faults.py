# SPDX-License-Identifier: BSD-3-Clause
"""Faults of ECS Exec sessions. `match` is always `exec`.

| kind | effect |
| --- | --- |
| `exec_agent_down` | ExecuteCommand is refused with TargetNotConnectedException |
| `exec_refuse` | the WebSocket is refused |
| `exec_bad_token` | a session token is not accepted |
| `exec_break` | the connection is cut after `after_bytes`; the session remains |
| `exec_close` | the connection is cut after `after_bytes`; the session is gone |
| `exec_double`, `exec_reorder`, `exec_bad_digest`, `exec_cut_frame`, `exec_oversize` | every third output message is damaged in this way |
| `exec_no_ack` | input is never acknowledged |
| `exec_stall` | output starts only after `seconds` |
| `exec_idle` | the session ends after `seconds` without traffic |
"""

from ..common.faults import take

DAMAGES = ("exec_double", "exec_reorder", "exec_bad_digest", "exec_cut_frame", "exec_oversize")


def is_agent_down() -> bool:
    return take("exec", "exec_agent_down") is not None


def refuses_connection() -> bool:
    return take("exec", "exec_refuse") is not None


def refuses_token() -> bool:
    return take("exec", "exec_bad_token") is not None


def ignores_input() -> bool:
    return take("exec", "exec_no_ack") is not None


def of_connection():
    """The rule by which the connection breaks after some bytes, or None."""
    return take("exec", ("exec_break", "exec_close"))


def damage():
    """The kind of damage to output messages, or None."""
    rule = take("exec", DAMAGES)
    return rule and rule["kind"]


def seconds_before_output() -> float:
    rule = take("exec", "exec_stall")
    return float(rule["seconds"]) if rule else 0


def idle_limit(usual: float) -> float:
    """Seconds without traffic after which a session ends."""
    rule = take("exec", "exec_idle")
    return float(rule["seconds"]) if rule else usual
