# SPDX-License-Identifier: BSD-3-Clause
"""Fault rules, and the journal of calls.

A rule is `{"match": ..., "kind": ...}`, given to `POST /sandbox/faults`; it
applies `count` times (once if not given, without end if 0). Two sorts exist:

* `match` is `service:Action` (with `*` and `?`): the call itself fails on the
  wire, in one of the kinds of wire/faults.py.
* `match` is a situation, e.g. `resource:MyFunction` or `task`: the package
that plays it calls `take(match, kind)`, which uses up one application of
  the rule. The situations are listed in the package's faults.py.

Only calls from outside are hit: CloudFormation's own calls are not.
"""

import fnmatch
import threading


class Rules:
    """The rules in force, oldest first, and the journal."""

    def __init__(self):
        self._lock = threading.Lock()
        self._rules = []
        self._journal = []
        #: called after a rule was added: tasks check their rules only when woken
        self.listeners = []

    def add(self, rule: dict) -> None:
        """Put one rule into force."""
        if not rule.get("match") or not rule.get("kind"):
            raise ValueError("a rule needs match and kind")
        rule = dict(rule)
        rule.setdefault("count", 1)
        rule["endless"] = rule["count"] == 0
        with self._lock:
            self._rules.append(rule)
        for listener in self.listeners:
            listener()

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._rules.clear()

    def listed(self) -> list:
        """The rules that can still apply."""
        with self._lock:
            return [dict(rule) for rule in self._rules]

    def take(self, match: str, kind=None):
        """Use up one application of the first rule that fits, or None.

        `kind` is one kind or a collection of kinds.
        """
        kinds = {kind} if isinstance(kind, str) else kind
        with self._lock:
            for rule in self._rules:
                if kinds is not None and rule["kind"] not in kinds:
                    continue
                if fnmatch.fnmatchcase(match, rule["match"]):
                    self._use(rule)
                    return dict(rule)
        return None

    def take_each(self, match: str, kind: str) -> list:
        """Use up one application of every rule that fits."""
        with self._lock:
            found = [
                rule
                for rule in self._rules
                if rule["kind"] == kind and fnmatch.fnmatchcase(match, rule["match"])
            ]
            for rule in found:
                self._use(rule)
        return [dict(rule) for rule in found]

    def _use(self, rule) -> None:
        if rule["endless"]:
            return
        rule["count"] -= 1
        if rule["count"] <= 0:
            self._rules.remove(rule)

    def record(self, entry: dict) -> None:
        """Append one call to the journal."""
        with self._lock:
            self._journal.append(entry)

    def journal(self) -> list:
        """All calls so far, in the order of their end."""
        with self._lock:
            return list(self._journal)

    def clear_journal(self) -> None:
        """Forget the calls so far."""
        with self._lock:
            self._journal.clear()


RULES = Rules()


def take(match: str, kind=None):
    """The rule for a situation, used up by this call, or None."""
    return RULES.take(match, kind)
