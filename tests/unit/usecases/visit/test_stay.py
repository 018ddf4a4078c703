"""By what right a visitor changes the session."""

from service.ports import Authority
from service.usecases.visit import Stay


def test_a_listener_acts_by_its_name_and_a_visitor_by_its_lock() -> None:
    listener = Stay(writer="own_1", listener=True)
    visitor = Stay(writer="lck_1", listener=False)

    assert listener.authority(7.0) == Authority(listener="own_1", now=7.0)
    assert visitor.authority(7.0) == Authority(lock_token="lck_1", now=7.0)


def test_a_listener_changes_a_session_under_the_fence_of_its_shard() -> None:
    listener = Stay(writer="own_1", listener=True, fence=4, predecessor="own_0")

    assert listener.authority(7.0) == Authority(listener="own_1", fence=4, now=7.0)
