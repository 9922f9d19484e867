"""Finds calls that fail on WASI.

The other files of this directory follow this text in the same program.
"""

import ast

# Functions that fail, by the feature that WASI lacks.
FAILING = {
    "processes": {
        "multiprocessing.Manager", "multiprocessing.Pool", "multiprocessing.Process.start",
        "multiprocessing.Queue", "os.fork", "os.popen", "os.system", "subprocess.Popen", "subprocess.call",
        "subprocess.check_call", "subprocess.check_output", "subprocess.getoutput",
        "subprocess.getstatusoutput", "subprocess.run",
    },
    "sockets": {
        "socket.create_connection", "socket.create_server", "socket.getaddrinfo", "socket.gethostbyname",
        "socket.gethostname", "socket.socket", "socket.socketpair",
    },
    "threads": {"_thread.start_new_thread", "threading.Thread.start", "threading.Timer.start"},
}
FEATURES = {function: feature for feature, functions in FAILING.items() for function in functions}

# Classes whose objects are started.
STARTED = {function.removesuffix(".start") for function in FEATURES if function.endswith(".start")}


class Calls:
    """Finds failing calls in the statements of a module."""

    def __init__(self, tree):
        # What names stand for, such as `subprocess.run`, and the classes of the objects that names stand for.
        self.names, assigned = {}, []
        for node in ast.walk(tree):
            match node:
                case ast.Import():
                    for alias in node.names:
                        top = alias.name.partition(".")[0]
                        self.names[alias.asname or top] = alias.name if alias.asname else top
                case ast.ImportFrom(level=0):
                    self.names.update({it.asname or it.name: f"{node.module}.{it.name}" for it in node.names})
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function)):
                    assigned.append((name, function))
        self.classes = {name: self.dotted(function) for name, function in assigned}

    def calls(self, statement):
        """Yields the failing functions that the expressions of a statement call, but not those that are called
        in statements inside the statement, or in `lambda`."""
        todo = [statement]
        while todo:
            for node in ast.iter_child_nodes(todo.pop()):
                if isinstance(node, (ast.stmt, ast.Lambda, ast.ExceptHandler, ast.match_case)):
                    continue
                todo.append(node)
                if isinstance(node, ast.Call) and (function := self.called(node.func)) in FEATURES:
                    yield function

    def called(self, function):
        match function:
            case ast.Attribute(attr="start", value=ast.Call(func=inner)) if self.dotted(inner) in STARTED:
                return f"{self.dotted(inner)}.start"
            case ast.Attribute(attr="start", value=ast.Name(id=name)) if self.classes.get(name) in STARTED:
                return f"{self.classes[name]}.start"
        return self.dotted(function)

    def dotted(self, node):
        """Returns the full name of a function or class, or None if it is not known."""
        match node:
            case ast.Name(id=name):
                return self.names.get(name)
            case ast.Attribute(value=value, attr=attribute):
                base = self.dotted(value)
                return base and f"{base}.{attribute}"


def calls_in(outline):
    """Yields the failing calls that are made whenever the module is imported."""
    return (parts[0] for kind, *parts in outline if kind == "call")
