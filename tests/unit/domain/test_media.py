"""A file is judged before Genesys is asked, by what it said it takes."""

import pytest

from service.domain import errors as er
from service.domain.media import FileFacts, MediaRules, check_file

RULES = MediaRules(
    file_types=("image/*", "application/pdf"), max_file_size_kb=10, blocked_extensions=(".exe",)
)


def a_file(name: str = "photo.jpg", type_: str = "image/jpeg", size: int = 5) -> FileFacts:
    return FileFacts(name=name, type=type_, size=size)


@pytest.mark.parametrize(
    ("file", "rules"),
    [
        (a_file(), RULES),
        (a_file("PHOTO.JPG", "Image/JPEG"), RULES),
        (a_file("a.pdf", "application/pdf", 10_000), RULES),
        (a_file("a.bin", "application/x"), MediaRules(file_types=("*/*",))),
        (a_file("a.exe", "application/x", 10**9), MediaRules()),
        (a_file("x" * 1019 + ".jpg"), RULES),
    ],
)
def test_what_may_come(file: FileFacts, rules: MediaRules) -> None:
    check_file(file, rules)


@pytest.mark.parametrize(
    ("file", "pointer", "words"),
    [
        (a_file("run.EXE"), "/fileName", "ending in .exe"),
        (a_file("a.mp4", "video/mp4"), "/fileType", "takes image.*, application.pdf, not video"),
    ],
)
def test_what_the_deployment_does_not_take(file: FileFacts, pointer: str, words: str) -> None:
    with pytest.raises(er.AttachmentTypeNotAllowedError, match=words) as refused:
        check_file(file, RULES)

    assert refused.value.pointer == pointer


def test_a_kilobyte_is_a_thousand_bytes() -> None:
    with pytest.raises(er.AttachmentTooLargeError, match="10001 bytes; the limit is 10000"):
        check_file(a_file(size=10_001), RULES)


@pytest.mark.parametrize(
    ("file", "pointer"),
    [
        (a_file("x" * 1020 + ".jpg"), "/fileName"),
        (a_file("photo"), "/fileName"),
        (a_file(".jpg"), "/fileName"),
        (a_file("photo."), "/fileName"),
        (a_file("pho\nto.jpg"), "/fileName"),
        (a_file(type_="image"), "/fileType"),
        (a_file(type_="image/"), "/fileType"),
        (a_file(type_="/jpeg"), "/fileType"),
        (a_file(type_="image/jpeg\r\nx: y"), "/fileType"),
        (a_file(type_="image/" + "x" * 130), "/fileType"),
        (a_file(size=0), "/fileSize"),
        (a_file(size=-1), "/fileSize"),
    ],
)
def test_what_no_file_can_be(file: FileFacts, pointer: str) -> None:
    with pytest.raises(er.InvalidRequestError) as refused:
        check_file(file, MediaRules())

    assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(er.InvalidRequestError) as refused:
        check_file(a_file("photo", "jpeg", 0), RULES)

    assert len(refused.value.faults) == 3
