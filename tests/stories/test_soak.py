"""Everything is killed at random, and no invocation is lost or run twice."""

from soak import Settings, Soak, report

# By this seed the receiver is killed late, and so the laptop answers many.
INVOCATIONS, SEED = 300, 7


def test_some_hundred_invocations_survive_random_kills_and_add_up():
    soak = Soak(Settings(INVOCATIONS, SEED), print)
    holds = soak.run()
    assert holds, report.broken(soak)
    laptop, deployed, errors = soak.ledger.count()
    assert laptop + deployed + errors.total() == INVOCATIONS
    assert laptop and deployed
    # All of it was tried.
    assert soak.killer.done["receiver"] and soak.killer.done["bootstrap"]
    assert soak.killer.done["local"] and soak.killer.done["connect"]
