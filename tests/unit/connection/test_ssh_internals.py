"""What two KEXINIT packets agree on, and where they do not."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.ssh.internals import Farewell, Offer, Offers, parse_disconnect, parse_kexinit, supported

OURS = Offer(
    kex=("curve25519-sha256", "ext-info-c", "kex-strict-c-v00@openssh.com"),
    host_keys=("ssh-ed25519",),
    ciphers_out=("aes128-gcm@openssh.com", "aes256-ctr"),
    ciphers_in=("aes128-gcm@openssh.com", "aes256-ctr"),
    macs_out=("hmac-sha2-256",),
    macs_in=("hmac-sha2-256",),
    compressions_out=("none",),
    compressions_in=("none",),
)


def packet(offer: Offer) -> bytes:
    lists = (
        offer.kex,
        offer.host_keys,
        offer.ciphers_out,
        offer.ciphers_in,
        offer.macs_out,
        offer.macs_in,
        offer.compressions_out,
        offer.compressions_in,
        (),
        (),
    )
    joined = [",".join(names).encode() for names in lists]
    body = b"".join(struct.pack(">I", len(names)) + names for names in joined)
    return b"\x14" + bytes(16) + body + b"\0" + bytes(4)


def against(**changes: tuple[str, ...]) -> Offers:
    base = {name: getattr(OURS, name) for name in OURS.__slots__}
    return Offers(OURS, Offer(**{**base, **changes}))


def test_the_lists_of_a_packet_are_read_in_order() -> None:
    assert parse_kexinit(packet(OURS)) == OURS


@given(st.binary(max_size=200))
def test_no_packet_whatever_it_holds_stops_the_reader(raw: bytes) -> None:
    parse_kexinit(raw)
    parse_kexinit(b"\x14" + raw)


def test_the_clients_first_choice_that_the_server_has_is_taken() -> None:
    both = against(ciphers_in=("aes256-ctr",))
    assert (both.kex, both.cipher, both.mac) == ("curve25519-sha256", "aes256-ctr", "hmac-sha2-256")
    assert both.mismatch is None


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"kex": ("diffie-hellman-group1-sha1", "kex-strict-c-v00@openssh.com")}, "key exchange"),
        ({"host_keys": ("ssh-dss",)}, "host key"),
        ({"ciphers_out": ("3des-cbc",)}, "cipher"),
        ({"ciphers_in": ("3des-cbc",)}, "cipher"),
        ({"compressions_out": ("zlib",)}, "compression"),
    ],
)
def test_the_first_kind_that_does_not_fit_is_named_with_the_servers_list(
    changes: dict[str, tuple[str, ...]], kind: str
) -> None:
    found = against(**changes).mismatch
    assert found is not None
    assert found[0] == kind
    assert set(found[1]) <= {name for names in changes.values() for name in names}


def test_a_mac_matters_only_where_the_cipher_needs_one() -> None:
    assert against(macs_out=("umac",), macs_in=("umac",)).mismatch is None
    found = against(macs_out=("umac",), ciphers_out=("aes256-ctr",)).mismatch
    assert found is not None and found[0] == "MAC"
    assert against().mac == "implicit"


def test_half_an_exchange_tells_nothing() -> None:
    assert Offers(OURS, Offer()).mismatch is None


def test_a_farewell_is_read_with_its_code() -> None:
    packet = b"\x01" + (11).to_bytes(4, "big") + (4).to_bytes(4, "big") + b"idle" + bytes(4)
    assert parse_disconnect(packet) == Farewell(11, "idle")


@given(st.binary())
def test_no_farewell_whatever_it_holds_stops_the_reader(raw: bytes) -> None:
    assert parse_disconnect(b"\x01" + raw).code >= 0
    assert parse_disconnect(raw).code >= 0


def test_the_library_has_what_we_lean_on() -> None:
    can = supported()
    assert "aes128-gcm@openssh.com" in can.ciphers
    assert "curve25519-sha256" in can.kex
    assert "ssh-ed25519" in can.default_host_keys
    assert can.macs and can.host_certificates and can.default_host_certificates
