"""What every server answers about: digests and their facts, and a thousand different reviews of two images each."""

import hashlib
import json
import random
import time
from collections.abc import Iterator
from typing import Any

from gate.facts import DigestFacts, Fixable, Lineage, ScanState

DAY = 86_400
BASES = 200
REGISTRY = "registry.corp"


def digest_of(name: str) -> str:
    """A digest for ``name``."""
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def facts(count: int, *, now: int) -> Iterator[DigestFacts]:
    """Facts of ``count`` digests: a few hundred bases, applications on them; some of each have something wrong."""
    for number in range(BASES):
        yield DigestFacts(
            digest=digest_of(f"base {number}"),
            repositories=(f"{REGISTRY}/certified/base{number}",),
            user="65532",
            subversion=f"base{number}/1 1.{number}",
            certified_from=now - 10 * DAY,
            certified_until=now + (80 if number % 20 else -1) * DAY,
            signed_repositories=(f"{REGISTRY}/certified/base{number}",),
            **_scan(number, now),
        )
    for number in range(count - BASES):
        yield DigestFacts(
            digest=digest_of(f"app {number}"),
            repositories=(repository_of(number),),
            user="1000" if number % 25 else "",
            lineage=Lineage.EXACT,
            bases=(digest_of(f"base {number % BASES}"),),
            fixable=(
                Fixable("high", 1, now - (3 if number % 40 else 20) * DAY, "CVE-2026-1 in openssl 3.0 (fixed in 3.1)"),
            )
            if number % 10 == 0
            else (),
            **_scan(number, now),
        )


def repository_of(number: int) -> str:
    """Where application ``number`` is recorded: a thousand repositories."""
    return f"{REGISTRY}/apps/app{number % 1000}"


def as_json(items: Iterator[DigestFacts]) -> dict[str, Any]:
    """The same facts as the peers read them."""
    images = {
        item.digest: {
            "repositories": list(item.repositories),
            "user": item.user,
            "bases": list(item.bases),
            "scan": str(item.scan),
            "scanned_at": item.scanned_at,
            "feed_at": item.feed_at,
            "known_exploited": item.known_exploited,
            "fixable": [{"grace_end": row.fix_since + 14 * DAY} for row in item.fixable],
            "certified_from": item.certified_from,
            "certified_until": item.certified_until,
            "revoked_at": item.revoked_at,
            "signed": list(item.signed_repositories),
        }
        for item in items
    }
    return {"trusted": [REGISTRY], "images": images}


def reviews(count: int, digests: int, *, is_dry_run: bool, seed: int = 7) -> list[bytes]:
    """``count`` AdmissionReviews of about 3.5 KB with two images each."""
    chance = random.Random(seed)
    return [
        json.dumps(_review(number, chance, digests, is_dry_run), separators=(",", ":")).encode()
        for number in range(count)
    ]


def _fixable(number: int, now: int) -> tuple[Fixable, ...]:
    """Every tenth has a finding with a fix, every fortieth one that is past its grace."""
    if number % 10:
        return ()
    age = 3 if number % 40 else 20
    return (Fixable("high", 1, now - age * DAY, "CVE-2026-1 in openssl 3.0 (fixed in 3.1)"),)


def _scan(number: int, now: int) -> dict[str, Any]:
    age = 1 if number % 33 else 20
    return {"scan": ScanState.COMPLETE, "scanned_at": now - age * DAY, "feed_at": now - DAY}


def _image(chance: random.Random, digests: int) -> str:
    number = chance.randrange(digests - BASES)
    name, digest = repository_of(number), digest_of(f"app {number}")
    match chance.randrange(100):
        case 0:
            return f"{name}:1.2"
        case 1:
            return f"other.example/apps/app@{digest}"
        case 2:
            return f"{name}@{digest_of(f'unknown {number}')}"
    return f"{name}@{digest}"


def _review(number: int, chance: random.Random, digests: int, is_dry_run: bool) -> dict[str, Any]:
    def container(name: str) -> dict[str, Any]:
        return {
            "name": name,
            "image": _image(chance, digests),
            "env": [{"name": f"VARIABLE_{index}", "value": f"value-{chance.randrange(10**9)}"} for index in range(12)],
            "ports": [{"containerPort": 8080, "protocol": "TCP"}],
            "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
            "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets", "readOnly": True}],
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10},
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            "imagePullPolicy": "IfNotPresent",
        }

    kind = {"group": "", "version": "v1", "kind": "Pod"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"web-{number}",
            "namespace": f"team-{number % 50}",
            "uid": f"uid-{number}",
            "labels": {"app": "web", "pod-template-hash": f"{number:x}"},
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "r", "controller": True}
            ],
        },
        "spec": {
            "volumes": [{"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}],
            "containers": [container("main"), container("side")],
            "restartPolicy": "Always",
            "serviceAccountName": "default",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
        },
        "status": {},
    }
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": f"705ab4f5-6393-11e8-b7cc-{number:012d}",
            "kind": kind,
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "requestKind": kind,
            "name": f"web-{number}",
            "namespace": f"team-{number % 50}",
            "operation": "CREATE",
            "userInfo": {
                "username": "system:serviceaccount:kube-system:replicaset-controller",
                "groups": ["system:authenticated"],
            },
            "object": pod,
            "oldObject": None,
            "dryRun": is_dry_run,
            "options": None,
        },
    }


def now() -> int:
    """The present second."""
    return int(time.time())
