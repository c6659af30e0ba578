"""The sum, for people."""

# Who was killed and what failed: the last lines of it.
LINES = 40


def table(soak):
    laptop, deployed, errors = soak.ledger.count()
    rows = [
        ("sent", soak.ledger.sent),
        ("answered by the laptop", laptop),
        ("answered by the deployed code", deployed),
        *((f"named error {name}", count) for name, count in sorted(errors.items())),
        ("sum of the answers", laptop + deployed + errors.total()),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:{width}} {count:>7}" for name, count in rows]
    done = ", ".join(f"{count} {kind}" for kind, count in sorted(soak.killer.done.items()))
    lines.append(f"  killed: {done}")
    lines.append(f"  attached {soak.laptop.attached} times, {len(soak.laptop.failed)} attempts failed")
    for name in soak.looks:
        (kb, descriptors), (last_kb, last_descriptors) = soak.quarters(name)
        lines.append(
            f"  {name}: {kb / 1000:.0f} MB, {descriptors} descriptors in the first quarter; "
            f"{last_kb / 1000:.0f} MB, {last_descriptors} in the last"
        )
    records = ", ".join(f"{count} {kind}" for kind, count in sorted(soak.records.items()))
    lines.append(f"  records left: {records or 'none'}")
    lines.append(f"  {soak.took:.0f} s")
    return "\n".join(lines)


def broken(soak):
    """What does not hold, and what was done meanwhile."""
    lines = [f"broken: {it}" for it in soak.broken[:LINES]]
    lines += soak.log
    for it in soak.ledger.failures()[-LINES:]:
        told = soak.laptop.outcomes.get(it.request_id)
        lines.append(f"failed: {it.sent.id} {it.request_id} {it.error}; the laptop: {told}")
    return "\n".join(lines)
