"""``python -m soak``: exit code 1 if a rule is broken."""

import argparse
import secrets
import sys
import time

from . import Settings, Soak, report


def main():
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--invocations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, help="of a run to try again")
    parser.add_argument("--in-flight", type=int, default=16)
    parser.add_argument("--verbose", action="store_true", help="who was killed, what failed")
    said = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if said.seed is None else said.seed
    began = time.monotonic()

    def say(line):
        print(f"{time.monotonic() - began:6.1f} s  {line}", file=sys.stderr, flush=True)

    say(f"{said.invocations} invocations, {said.in_flight} in flight, seed {seed}")
    soak = Soak(Settings(said.invocations, seed, said.in_flight), say)
    holds = soak.run()
    print(report.table(soak))
    if said.verbose or not holds:
        print(report.broken(soak))
    again = f"make soak SOAK_INVOCATIONS={said.invocations} SOAK_SEED={seed}"
    print("none twice, none lost, every function restored" if holds else f"try again: {again}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
