"""`POST /sandbox/stack`: a stack is put into a status that would take long to reach.

`{"stack": NAME, "status": STATUS, "reason": TEXT}`. Nothing runs behind a
status that ends in _IN_PROGRESS: it stays until another one is set. Without a
reason it is as if a user had begun an operation.
"""

from ..wire import faults

_store = None


def install(store) -> None:
    """Add the control path."""
    global _store
    _store = store
    faults.ROUTES["POST", "/sandbox/stack"] = _set_status


def _set_status(control, environ):
    wish = control._json(environ)
    found = [s for s in _store.everything() if s.name == wish["stack"] and not s.deleted]
    if not found:
        raise ValueError(f"there is no stack {wish['stack']}")
    stack = found[0]
    with stack.lock:
        if stack.operation and stack.operation.thread.is_alive():
            raise ValueError(f"{stack.name} is {stack.status}")
        stack.set_status(wish["status"], wish.get("reason", "User Initiated"))
    return 200, {"stack": stack.id, "status": stack.status}
