"""Leaves things behind, as the event names them."""

import atexit
import io
import logging
import os
import signal
import subprocess
import sys
import threading
import warnings

go_on = threading.Event()
threads = []


def background(name):
    go_on.wait()
    print("printed by", name)
    logging.error("logged by %s", name)


def a_thread():
    go_on.clear()
    threads.append(threading.Thread(target=background, args=("a thread",)))
    threads[-1].start()
    return "left it"


def join_it():
    go_on.set()
    threads.pop().join()
    return "joined"


def exit_with_a_thread():
    def after():
        threading.main_thread().join()
        print("after the main thread")

    threading.Thread(target=after).start()
    sys.exit(5)


def exit_with_a_daemon():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    sys.exit(6)


def exit_in_a_thread():
    thread = threading.Thread(target=sys.exit, args=(7,))
    thread.start()
    thread.join()
    return "still here"


def error_in_a_thread():
    threading.excepthook = lambda hooked: print("thread failed:", hooked.exc_value)
    thread = threading.Thread(target=int, args=("x",))
    thread.start()
    thread.join()
    return "still here"


def at_exit():
    atexit.register(print, "at exit")
    sys.exit(8)


def a_child_process():
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    return "ran it"


def a_fork():
    pid = os.fork()
    if pid == 0:
        print("in the child")
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def standard_input():
    return sys.stdin.read()


def another_folder():
    os.chdir("/")
    return os.getcwd()


def which_folder():
    return os.getcwd()


def another_environment():
    os.environ["AWS_LAMBDA_FUNCTION_NAME"] = "renamed"
    os.environ["_X_AMZN_TRACE_ID"] = "mine"
    return "renamed"


def which_environment():
    return [os.environ["AWS_LAMBDA_FUNCTION_NAME"], os.environ["_X_AMZN_TRACE_ID"]]


def a_lower_limit():
    sys.setrecursionlimit(60)
    return sys.getrecursionlimit()


def a_signal_handler():
    signal.signal(signal.SIGUSR1, lambda number, frame: print("signalled", number))
    os.kill(os.getpid(), signal.SIGUSR1)
    return "went on"


def an_alarm():
    signal.signal(signal.SIGALRM, lambda number, frame: sys.exit(9))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    return "soon"


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def segmentation_fault():
    os.kill(os.getpid(), signal.SIGSEGV)


def terminated():
    os.kill(os.getpid(), signal.SIGTERM)


def no_stdout():
    sys.stdout = None
    return "gone"


def stdout_of_strings():
    sys.stdout = io.StringIO()
    print("never seen")
    return "kept"


def left_by_with():
    with sys.stdout as stream:
        stream.write("inside of with\n")
    print("after with")
    return "open"


def another_stdout():
    sys.stdout = sys.stderr
    print("now on stderr")
    return "swapped"


def no_newline():
    print("without an end", end="")
    return 1


def odd_writes():
    sys.stdout.write("")
    sys.stdout.writelines(["one\n", "two\r\n"])
    print("a\r\nb\rc\x00d\x1b[0m", sep="")
    print("x" * 300_000)
    return [sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.fileno()]


def a_warning():
    warnings.warn("a warning", UserWarning, stacklevel=1)
    logging.captureWarnings(True)
    warnings.warn_explicit("captured", UserWarning, "somewhere.py", 1)
    return "warned"


def no_modules():
    for name in ("json", "traceback", "time", "logging"):
        sys.modules.pop(name)
    return {"still": "json"}


def handler(event, context):
    return globals()[event]()
