"""What is signed here is what others believe, and the other way round."""

from __future__ import annotations

import pytest
from cryptography import x509 as peer
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.asymmetric import rsa as peer_rsa
from cryptography.x509.oid import NameOID

from k8slab.pki import der, ecdsa, keys, request, rsa, x509

NOW, YEAR = 1_750_000_000, 365 * 86400
DIGESTS = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
CURVES = {ecdsa.P256: ec.SECP256R1(), ecdsa.P384: ec.SECP384R1(), ecdsa.P521: ec.SECP521R1()}


def test_a_seed_has_one_key() -> None:
    assert rsa.generate(3, 1024) == rsa.generate(3, 1024) != rsa.generate(4, 1024)
    assert rsa.generate(3, 1024).public.n.bit_length() == 1024
    assert ecdsa.generate(3) == ecdsa.generate(3) != ecdsa.generate(4)


@pytest.mark.parametrize("digest", DIGESTS)
def test_rsa(digest: str) -> None:
    key = rsa.generate(1, 1024)
    signature = rsa.sign(key, b"hello", digest)
    public = serialization.load_der_public_key(keys.encode(key.public))
    public.verify(signature, b"hello", padding.PKCS1v15(), DIGESTS[digest])
    assert rsa.verify(key.public, b"hello", signature, digest)
    assert not rsa.verify(key.public, b"hallo", signature, digest)
    assert not rsa.verify(rsa.generate(2, 1024).public, b"hello", signature, digest)
    assert not rsa.verify(key.public, b"hello", signature[:-1], digest)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_ecdsa(curve: ecdsa.Curve) -> None:
    key = ecdsa.generate(1, curve)
    r, s = ecdsa.sign(key, b"hello")
    public = serialization.load_der_public_key(keys.encode(key.public))
    public.verify(utils.encode_dss_signature(r, s), b"hello", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(utils.encode_dss_signature(r, s), b"hallo", ec.ECDSA(hashes.SHA256()))
    theirs = ec.generate_private_key(CURVES[curve])
    numbers = theirs.public_key().public_numbers()
    pair = utils.decode_dss_signature(theirs.sign(b"hello", ec.ECDSA(hashes.SHA256())))
    assert ecdsa.verify(ecdsa.PublicKey(curve, numbers.x, numbers.y), b"hello", pair)
    assert not ecdsa.verify(ecdsa.PublicKey(curve, numbers.x, numbers.y), b"hallo", pair)


def test_nonces_are_those_of_rfc_6979() -> None:
    """Appendix A.2.5: P-256, SHA-256, message `sample`."""
    secret = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    public = ecdsa.PublicKey(
        ecdsa.P256,
        0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
        0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299,
    )
    assert ecdsa.sign(ecdsa.PrivateKey(secret, public), b"sample") == (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    )


def a_request(key: object, subject: list[tuple[object, str]], names: tuple[str, ...] = ()) -> str:
    name = peer.Name([peer.NameAttribute(kind, text) for kind, text in subject])
    builder = peer.CertificateSigningRequestBuilder().subject_name(name)
    if names:
        builder = builder.add_extension(peer.SubjectAlternativeName([peer.DNSName(each) for each in names]), False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def authority() -> x509.Authority:
    return x509.Authority(ecdsa.generate(7), "kubernetes", NOW - 300, NOW + 10 * YEAR)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_certificate_from_a_request(kind: str) -> None:
    key = peer_rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP384R1())
    subject = [(NameOID.ORGANIZATION_NAME, "dev"), (NameOID.ORGANIZATION_NAME, "ops"), (NameOID.COMMON_NAME, "jane")]
    asked = request.parse(a_request(key, subject, ("a.example", "b.example")))
    asked.check_signature()
    assert (asked.common_name, asked.organizations) == ("jane", ("dev", "ops"))
    assert asked.dns_names == ("a.example", "b.example")
    template = x509.Template(
        subject=asked.subject,
        spki=asked.spki,
        not_before=NOW,
        not_after=NOW + 99 * YEAR,
        usages=("digital signature", "client auth"),
        names=asked.names,
    )
    made = authority()
    found = peer.load_der_x509_certificate(made.issue(template, 4711))
    found.verify_directly_issued_by(peer.load_pem_x509_certificate(made.certificate.encode()))
    assert found.serial_number == 4711
    assert found.subject.rfc4514_string() == "CN=jane,O=ops,O=dev"
    assert found.not_valid_after_utc.timestamp() == NOW + 10 * YEAR
    usage = found.extensions.get_extension_for_class(peer.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign
    names = found.extensions.get_extension_for_class(peer.SubjectAlternativeName).value
    assert names.get_values_for_type(peer.DNSName) == ["a.example", "b.example"]


def test_the_authority_is_one() -> None:
    found = peer.load_pem_x509_certificate(authority().certificate.encode())
    assert found.extensions.get_extension_for_class(peer.BasicConstraints).value.ca
    assert found.extensions.get_extension_for_class(peer.KeyUsage).value.key_cert_sign
    found.verify_directly_issued_by(found)


def test_a_request_that_was_changed_shows_no_key() -> None:
    text = a_request(ec.generate_private_key(ec.SECP256R1()), [(NameOID.COMMON_NAME, "jane")])
    data = request.blocks(text)[0][1].replace(b"jane", b"root")
    changed = request.parse(x509.pem("CERTIFICATE REQUEST", data))
    assert changed.common_name == "root"
    with pytest.raises(keys.SignatureError):
        changed.check_signature()


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_request(text: str) -> None:
    with pytest.raises(ValueError, match="PEM block type must be CERTIFICATE REQUEST"):
        request.parse(text)


def test_broken_requests_are_told_not_crashed_on() -> None:
    data = request.blocks(a_request(ec.generate_private_key(ec.SECP256R1()), [(NameOID.COMMON_NAME, "jane")]))[0][1]
    for cut in range(0, len(data), 7):
        with pytest.raises(ValueError, match=r"asn1|x509"):
            request.parse(x509.pem("CERTIFICATE REQUEST", data[:cut])).check_signature()


def test_numbers_and_names_come_back() -> None:
    for dotted in ("1.2.840.113549.1.9.14", "2.5.29.37.0", "1.3.6.1.5.5.7.3.2"):
        assert der.read(der.oid(dotted)).oid == dotted
    for number in (0, 127, 128, 255, 256, 1 << 200):
        assert der.read(der.integer(number)).number == number


def spki_of(n: int, e: int) -> der.Value:
    return der.read(keys.encode(rsa.PublicKey(n, e)))


@pytest.mark.parametrize(
    ("n", "e", "why"),
    [
        (1 << 30_000 | 1, 65537, "verification error"),
        (1 << 2047 | 1, (1 << 31) + 1, "exponent too large"),
        (1 << 2047 | 1, 1, "exponent too small"),
        (0, 3, "modulus is not a positive number"),
    ],
    ids=["long", "large exponent", "small exponent", "no modulus"],
)
def test_numbers_that_are_no_rsa_key(n: int, e: int, why: str) -> None:
    """Nor are large ones tried: the power of some would take for ever."""
    size = rsa.PublicKey(n, e).size
    with pytest.raises(keys.SignatureError, match=why):
        keys.check(spki_of(n, e), "1.2.840.113549.1.1.11", b"data", bytes(size))


@pytest.mark.parametrize(
    ("tag", "content", "why"),
    [(0x1C, "system:masters".encode("utf-32-be"), "unsupported string type"), (der.UTF8, b"\xff", "invalid UTF-8")],
)
def test_names_that_others_might_read_in_another_way(tag: int, content: bytes, why: str) -> None:
    """Otherwise the group that nobody may ask for could be hidden in a text of a rare kind."""
    key = ecdsa.generate(3)
    attribute = der.sequence(der.oid(x509.ORGANIZATION), der.tlv(tag, content))
    name = der.sequence(der.tlv(der.SET, attribute))
    info = der.sequence(der.integer(0), name, keys.encode(key.public), der.tlv(0xA0))
    r, s = ecdsa.sign(key, info)
    signature = der.bit_string(der.sequence(der.integer(r), der.integer(s)))
    algorithm = der.sequence(der.oid(keys.ECDSA_WITH_SHA256))
    text = x509.pem("CERTIFICATE REQUEST", der.sequence(info, algorithm, signature))
    with pytest.raises(der.DERError, match=why):
        request.parse(text)
