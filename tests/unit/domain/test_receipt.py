"""Fingerprints and receipts; whole receipts are told in the stories of `replacing`."""

from service.domain.ids import ClientId
from service.domain.receipt import Tally, client_id_hash, receipt
from service.domain.session import Cause, Outage
from tests.support.playbook import NOON, session_in


def test_a_fingerprint_compares_and_reveals_nothing() -> None:
    one, other = ClientId("client-1"), ClientId("client-2")

    assert client_id_hash(one) == client_id_hash(one)
    assert client_id_hash(one) != client_id_hash(other)
    assert len(client_id_hash(one)) == 16
    assert one not in client_id_hash(one)


def test_clocks_that_disagree_make_no_negative_outage() -> None:
    outage = Outage(cause=Cause.LINK_LOST, code=None, last_good_at=NOON + 3)

    told = receipt(session_in(), session_in(), outage, Tally(), now=NOON)

    assert told["outageSeconds"] == 0.0
    assert told["historyComplete"] is False
