"""Secrets come back only under the key and the context they were kept with."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.cipher import AesCipher, file_key
from service.domain.errors import ConfigurationError

KEY = bytes(range(32))


@given(text=st.text(st.characters()), context=st.text(st.characters(codec="utf-8")))
def test_what_is_encrypted_comes_back(text: str, context: str) -> None:
    cipher = AesCipher(KEY)

    assert cipher.decrypt(cipher.encrypt(text, context=context), context=context) == text


def test_the_same_text_is_another_ciphertext_each_time() -> None:
    cipher = AesCipher(KEY)

    assert cipher.encrypt("a", context="x") != cipher.encrypt("a", context="x")


def test_another_context_does_not_open_it() -> None:
    cipher = AesCipher(KEY)
    kept = cipher.encrypt("secret", context="session/1/client-id")

    with pytest.raises(ConfigurationError):
        cipher.decrypt(kept, context="session/2/client-id")


def test_another_key_does_not_open_it() -> None:
    kept = AesCipher(KEY).encrypt("secret", context="x")

    with pytest.raises(ConfigurationError) as refused:
        AesCipher(bytes(32)).decrypt(kept, context="x")

    assert "secret" not in str(refused.value).replace("a secret of", "")


@pytest.mark.parametrize("kept", ["", "v1.", "v1.AAAA", "not base64!", "v1.é"])
def test_what_is_no_ciphertext_does_not_open(kept: str) -> None:
    with pytest.raises(ConfigurationError):
        AesCipher(KEY).decrypt(kept, context="x")


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        AesCipher(KEY[:16])


def test_a_key_file_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"

    key = file_key(path)

    assert (len(key), file_key(path)) == (32, key)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["key"]


@pytest.mark.parametrize("content", [b"", b"%%%", base64.b64encode(b"short")])
def test_a_file_that_holds_no_key_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError):
        file_key(path)

    assert path.read_bytes() == content
