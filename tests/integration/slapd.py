"""A real slapd on a free port of 127.0.0.1, with its own configuration, certificate and data, for one test run."""

import datetime
import ipaddress
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import ldap
import ldap.modlist
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.ports import free_port

SLAPD = shutil.which("slapd") or "/usr/sbin/slapd"
BASE = "dc=example,dc=org"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
ROOT_DN = f"cn=root,{BASE}"
ROOT_PASSWORD = "root of the directory"
READER_DN = f"cn=goldgate,{BASE}"
READER_PASSWORD = "reads, writes nothing"

CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {home}/slapd.pid
TLSCACertificateFile {home}/ca.pem
TLSCertificateFile {home}/server.pem
TLSCertificateKeyFile {home}/server.key
# What many directories do, and what makes an empty password dangerous:
allow bind_anon_cred bind_anon_dn
database mdb
suffix "{base}"
rootdn "{root_dn}"
rootpw "{root_password}"
directory {home}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by self read by * none
"""


def _certificates(home: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "directory")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (home / "ca.pem").write_bytes(pem)
    (home / "server.pem").write_bytes(pem)
    (home / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@dataclass
class Slapd:
    """The running server. ``add``, ``change`` and ``delete`` act as its root."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.home / "slapd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [SLAPD, "-d", "none", "-h", self.uri, "-f", str(self.home / "slapd.conf")],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                raise RuntimeError((self.home / "slapd.log").read_text())
            time.sleep(0.05)
        raise RuntimeError("slapd does not answer")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.process = None

    def _root(self):
        connection = ldap.initialize(self.uri)
        connection.simple_bind_s(ROOT_DN, ROOT_PASSWORD)
        return connection

    def add(self, dn: str, **attributes: str | list[str]) -> None:
        connection = self._root()
        values = {k: [v.encode() for v in ([v] if isinstance(v, str) else v)] for k, v in attributes.items()}
        connection.add_s(dn, ldap.modlist.addModlist(values))
        connection.unbind_s()

    def change(self, dn: str, **attributes: list[str]) -> None:
        connection = self._root()
        connection.modify_s(dn, [(ldap.MOD_REPLACE, k, [v.encode() for v in vs]) for k, vs in attributes.items()])
        connection.unbind_s()

    def rename(self, dn: str, to: str) -> None:
        connection = self._root()
        connection.rename_s(dn, to, delold=1)
        connection.unbind_s()

    def delete(self, dn: str) -> None:
        connection = self._root()
        connection.delete_s(dn)
        connection.unbind_s()

    def add_person(self, uid: str, password: str, **attributes: str) -> str:
        dn = f"uid={uid},{PEOPLE}"
        given = {"cn": uid.title(), "sn": uid.title(), "mail": f"{uid}@example.org"} | attributes
        self.add(dn, objectClass="inetOrgPerson", uid=uid, userPassword=password, **given)
        return dn


def new_slapd(home: Path) -> Slapd:
    """A server with the reader's account, one subtree of people and one of groups; started."""
    port = free_port()
    (home / "data").mkdir(parents=True)
    _certificates(home)
    (home / "slapd.conf").write_text(
        CONFIGURATION.format(home=home, base=BASE, root_dn=ROOT_DN, root_password=ROOT_PASSWORD, reader=READER_DN)
    )
    server = Slapd(home=home, port=port)
    server.start()
    server.add(BASE, objectClass=["dcObject", "organization"], dc="example", o="Example")
    for unit in (PEOPLE, GROUPS):
        server.add(unit, objectClass="organizationalUnit", ou=unit[3 : unit.index(",")])
    server.add(
        READER_DN, objectClass=["organizationalRole", "simpleSecurityObject"], cn="goldgate",
        userPassword=READER_PASSWORD,
    )  # fmt: skip
    return server
