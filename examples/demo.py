"""`make demo`: the live road on one machine, step by step.

A deployed function answers; attached, the working copy answers; detached, the
deployed code again, and its configuration is what it was.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parent.parent
TETHER = Path(os.environ.get("TETHER_BIN", ROOT / "target" / "release" / "tether"))
BOLD, GREEN, SOFT, END = (
    ("\033[1m", "\033[32m", "\033[90m", "\033[0m") if sys.stdout.isatty() else ("",) * 4
)
PATIENCE = 60


def step(text):
    print(f"\n{BOLD}{text}{END}", flush=True)


def show(text):
    print(f"  {text}", flush=True)


class Tether:
    """A tether command whose events are read as they come."""

    def __init__(self, *arguments, environment, folder=None):
        self.events = []
        self.arrived = threading.Condition()
        self.process = subprocess.Popen(
            [str(TETHER), *arguments, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=folder,
        )
        self.last_words = []
        self.readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.arrived:
                self.events.append(json.loads(line))
                self.arrived.notify_all()
        with self.arrived:
            self.events.append({"event": "end"})
            self.arrived.notify_all()

    def _listen(self):
        self.last_words.extend(self.process.stderr)

    def wait_for(self, wanted, **having):
        """The first such event, from the start on."""

        def found():
            for event in self.events:
                matches = all(event.get(key) == value for key, value in having.items())
                if event["event"] == wanted and matches:
                    return event
                if event["event"] == "end":
                    sys.exit("tether has ended: " + "".join(self.last_words).strip())
            return None

        with self.arrived:
            if not self.arrived.wait_for(found, timeout=PATIENCE):
                sys.exit(f"no {wanted} within {PATIENCE} s")
            return found()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=PATIENCE)


def main():
    started = time.monotonic()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("AWS_")
    } | {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "emulated",
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    example = ROOT / "examples" / "hello-python"
    with tempfile.TemporaryDirectory() as folder:
        step("1. A cloud on this machine: the helper stack, and a stack called app")
        cloud = Tether(
            "emulator", "--endpoint-port", "0", "--deploy", f"app={example}/template.yaml",
            environment=environment,
        )
        attached = None
        try:
            ready = cloud.wait_for("ready")
            name = next(it["name"] for it in ready["functions"] if it["stack"] == "app")
            show(f"{name} is deployed; the endpoint is {ready['endpoint']}")
            client = boto3.client(
                "lambda",
                endpoint_url=ready["endpoint"],
                region_name="us-east-1",
                aws_access_key_id="emulated",
                aws_secret_access_key="emulated",
            )

            def configuration():
                answer = client.get_function_configuration(FunctionName=name)
                for changing in ("RevisionId", "LastModified", "ResponseMetadata"):
                    answer.pop(changing)
                return answer

            def invoke(expected):
                event = {"name": "Ada"}
                asked = time.monotonic()
                answer = client.invoke(FunctionName=name, Payload=json.dumps(event))
                took = (time.monotonic() - asked) * 1000
                payload = json.load(answer["Payload"])
                show(f"{GREEN}{payload['message']}{END} answered by {payload['answered_by']}, in {took:.0f} ms")
                assert payload["answered_by"] == expected, payload
                return payload["request_id"]

            before = configuration()
            step("2. Invoke the deployed function")
            invoke("the deployed code")

            step("3. Change the working copy, and attach")
            copy = Path(shutil.copytree(example, Path(folder) / "hello-python"))
            source = copy / "hello" / "app.py"
            source.write_text(source.read_text().replace("the deployed code", "your working copy"))
            attached = Tether(
                "attach", "--stack-name", "app", "--endpoint-url", ready["endpoint"],
                environment=environment, folder=copy,
            )
            attached.wait_for("ready")
            show(f"attached; layers {[it['Arn'] for it in configuration()['Layers']]}")

            step("4. Invoke the deployed function again, twice")
            for _ in range(2):
                request = invoke("your working copy")
                ended = attached.wait_for("invocation", requestId=request)
                hops = dict(ended["hops"])
                poll = hops.pop("pollAtMostMs")
                hops = ", ".join(f"{hop.removesuffix('Ms')} {ms}" for hop, ms in hops.items())
                hops = f"{hops}, poll ≤{poll}"
                show(f"{SOFT}{ended['totalMs']} ms of that on the way: {hops}{END}")

            step("5. Detach, and invoke once more")
            attached.end()
            for event in attached.events:
                if event["event"] == "restored":
                    show(f"{event['function']} is restored")
            invoke("the deployed code")

            step("6. The function's configuration")
            after = configuration()
            assert after == before, f"{before}\n{after}"
            show(f"{GREEN}is what it was{END} (revision id and date apart)")
        finally:
            if attached:
                attached.end()
            cloud.end()
    print(f"\nDone in {time.monotonic() - started:.1f} s. Now with your editor: see README.md.")


if __name__ == "__main__":
    main()
