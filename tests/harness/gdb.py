"""gdb through its machine interface, as CLion and VS Code's C++ extension drive it.

https://sourceware.org/gdb/current/onlinedocs/gdb.html/GDB_002fMI.html
"""

import os

from .processes import Process
from .surroundings import environment

# Symbols of a debug build, on a busy machine.
LONG = 60


class Gdb(Process):
    """At a stable port, with the symbols of a program."""

    def __init__(self, program, host, port):
        command = ["gdb", "--nx", "--quiet", "--interpreter=mi3", program]
        # Its words come by a pipe of our own.
        self._input, out = os.pipe()
        self._words = os.fdopen(out, "w")
        super().__init__("gdb", command, environment(), reads_from=self._input)
        os.close(self._input)
        self._read_up_to = 0
        self.ask("-gdb-set mi-async on")
        # Only the file that is shown has symbols worth reading.
        self.ask("-gdb-set auto-solib-add off")
        self.ask(f"-target-select remote {host}:{port}")

    def ask(self, command):
        """Its answer: the line that begins with ``^done``, ``^running`` or ``^connected``."""
        self._words.write(command + "\n")
        self._words.flush()
        answer = self._next("^")
        assert not answer.startswith("^error"), f"{command}: {answer}"
        return answer

    def break_at(self, file, line):
        self.ask(f"-break-insert {file}:{line}")

    def go(self):
        self.ask("-exec-continue")

    def stopped(self):
        """The line that says why and where."""
        return self._next("*stopped")

    def evaluate(self, expression):
        return self.ask(f"-data-evaluate-expression {expression}")

    def let_go(self):
        self.ask("-target-detach")
        self._words.write("-gdb-exit\n")
        self._words.flush()

    def _next(self, start):
        def look():
            for number, line in enumerate(self.stdout):
                if number >= self._read_up_to and line.startswith(start):
                    return number, line
            return None

        number, line = self.wait_until(look, f"line that begins with {start}", LONG)
        self._read_up_to = number + 1
        return line

    def close(self):
        try:
            self._words.close()
        except OSError:
            pass  # It was first.
        super().close()
