"""``manage.py prepare_local``: make a database and a home ready to be served. Every step is done once.

Migrations, static files, the four key files of the processes, the policy in force, the first
administrator. ``script/server`` and the compose file's ``setup`` run it before anything listens.
"""

import json
import os
import platform
import secrets
from argparse import ArgumentParser
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from admission import services as admission
from admission import snapshot_keys
from admission.models import Cluster
from audit.actor import Actor
from audit.adapters.key_file import create_key
from gate.callers import FILE_NAME, new_token
from policies import services as policies
from policies.domain.default import DEFAULT, DEMO
from policies.models import Policy
from portal.local.home import make_secret
from signing import services as signing
from signing.adapters import key_file
from signing.domain import ecdsa
from signing.models import SigningKey

LOCAL_CLUSTER = "local"


class Command(BaseCommand):
    help = "Make a database and a home ready to be served; safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--password-file", type=Path, required=True, help="where the first one-time password goes")
        parser.add_argument("--gate-home", type=Path, help="enrol the gate of this machine here, once")
        parser.add_argument(
            "--make-keys", type=Path, help="make the session and credentials keys in this directory too"
        )
        parser.add_argument("--owner", type=int, help="uid that shall own every key file")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        if not settings.STATIC_ROOT_IS_BUILT:
            call_command("collectstatic", interactive=False, verbosity=0)
        if options["make_keys"]:
            make_secret(options["make_keys"] / "session.key", secrets.token_urlsafe(48))
            make_secret(options["make_keys"] / "credentials.key", urlsafe_b64encode(secrets.token_bytes(32)).decode())
        self._keys()
        if not settings.GOLDGATE_DEMO:  # the demo brings three people of its own
            call_command("person", "first-admin", password_file=options["password_file"], stdout=self.stdout)
        self._policy()
        if options["gate_home"] and not (options["gate_home"] / "token").exists():
            self._gate(options["gate_home"])
        if options["owner"] is not None and options["make_keys"]:
            for path in [options["make_keys"], *options["make_keys"].rglob("*")]:
                os.chown(path, options["owner"], options["owner"])

    def _keys(self) -> None:
        audit_key, signing_key = Path(settings.GOLDGATE_AUDIT_KEY_FILE), Path(settings.GOLDGATE_SIGNING_KEY_FILE)
        if not audit_key.exists():
            create_key(audit_key)
        if not signing_key.exists():
            key_file.make_key_file(signing_key, passphrase=None)
        public_pem = ecdsa.pem_of(key_file.read_public_key(signing_key))
        if not SigningKey.objects.filter(public_pem=public_pem).exists():
            signing.register_key(public_pem=public_pem, actor=Actor.system("setup"), now=timezone.now())
        directory = Path(settings.GOLDGATE_SNAPSHOT_KEYS_DIR)
        if not directory.exists():
            snapshot_keys.make(directory, directory / "root", now=timezone.now())

    @transaction.atomic
    def _policy(self) -> None:
        if Policy.objects.exists():
            return
        if settings.GOLDGATE_DEMO:
            policies.adopt_policy_for_demo(document=DEMO, now=timezone.now())
            return
        first = Person.objects.order_by("created_at", "pk").first()
        if first is not None:
            policies.adopt_policy(document=DEFAULT.to_json(), adopted_by=first, now=timezone.now())

    @transaction.atomic
    def _gate(self, home: Path) -> None:
        """Enrol the gate of this machine for the cluster ``local``, as ``goldgate gate enrol`` does for others."""
        now, actor = timezone.now(), Actor.system("setup")
        cluster = Cluster.objects.filter(name=LOCAL_CLUSTER).first() or admission.add_cluster(
            name=LOCAL_CLUSTER, description="The gate that script/server starts", actor=actor, now=now
        )
        _, secret = admission.create_enrolment_token(cluster=cluster, actor=actor, now=now)
        gate, token = admission.enrol_gate(secret=secret, name=platform.node(), now=now)
        home.mkdir(mode=0o700, exist_ok=True)
        (home / "root.json").write_bytes(snapshot_keys.load(settings.GOLDGATE_SNAPSHOT_KEYS_DIR).roots[0])
        (home / "enrolment.json").write_text(json.dumps({"cluster": cluster.name, "gate_id": str(gate.pk)}))
        make_secret(home / "token", token)
        make_secret(home / FILE_NAME, new_token())
