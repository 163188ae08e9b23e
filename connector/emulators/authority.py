"""A certificate authority to throw away: what a TLS emulator serves with, and what its clients trust.

For tests and rehearsals alone: keys are made anew in each folder and trusted by nobody else.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_HOSTS = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")))


@dataclass(frozen=True)
class Authority:
    """Files in PEM: `ca` is what a client trusts (`ca_bundle`), `chain` and `key` are what the server needs."""

    ca: Path
    chain: Path
    key: Path

    @property
    def tls(self) -> tuple[Path, Path]:
        """What `server.Running` takes as `tls`."""
        return (self.chain, self.key)


def authority(folder: Path, *, days: int = 30) -> Authority:
    """A fresh authority and its certificate for 127.0.0.1 and localhost, written into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Authority(ca=folder / "ca.crt", chain=folder / "server.crt", key=folder / "server.key")
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, name = _name("Emulators' authority"), _name("localhost")
    root = _begun(root_name, root_name, root_key.public_key(), days)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    root = root.add_extension(_usage(signs=True), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    signed_root = root.add_extension(identifier, critical=False).sign(root_key, hashes.SHA256())
    leaf = _begun(name, root_name, key.public_key(), days)
    leaf = leaf.add_extension(x509.SubjectAlternativeName(_HOSTS), critical=False)
    leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    leaf = leaf.add_extension(_usage(signs=False), critical=True)
    leaf = leaf.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
    )
    pem = signed_root.public_bytes(serialization.Encoding.PEM)
    made.ca.write_bytes(pem)
    made.chain.write_bytes(leaf.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + pem)
    _private(made.key, key)
    return made


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """A key that only its owner may read."""
    form = serialization.PrivateFormat.PKCS8
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
