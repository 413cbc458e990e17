"""Why a cluster or gate is refused, or a snapshot cannot be published or read."""

from core.errors import GoldgateError, Kind


class ClusterMissing(GoldgateError):
    """No cluster of that name."""

    code = "cluster_missing"
    kind = Kind.MISSING


class ClusterExists(GoldgateError):
    """The name is taken."""

    code = "cluster_exists"
    kind = Kind.CONFLICT


class MalformedClusterName(GoldgateError):
    """A cluster's name is an RFC 1123 label."""

    code = "malformed_cluster_name"
    kind = Kind.MALFORMED


class EnrolmentRefused(GoldgateError):
    """The token is unknown, used or expired; it is not said which."""

    code = "enrolment_refused"
    kind = Kind.REFUSED


class GateMissing(GoldgateError):
    """No gate of that id."""

    code = "gate_missing"
    kind = Kind.MISSING


class DecisionMissing(GoldgateError):
    """No decision of that id."""

    code = "decision_missing"
    kind = Kind.MISSING


class MalformedDecision(GoldgateError):
    """A shipped decision cannot be read."""

    code = "malformed_decision"
    kind = Kind.MALFORMED


class MalformedQuestion(GoldgateError):
    """What was asked cannot be read."""

    code = "malformed_question"
    kind = Kind.MALFORMED


class SnapshotUnavailable(GoldgateError):
    """There is no snapshot to answer from, or none that can be trusted now."""

    code = "snapshot_unavailable"
    kind = Kind.UNAVAILABLE


class SnapshotKeysUnavailable(GoldgateError):
    """The publisher's keys are missing, readable by others, or do not fit the root."""

    code = "snapshot_keys_unavailable"
    kind = Kind.UNAVAILABLE


class SnapshotKeysExist(GoldgateError):
    """Keys are never written over."""

    code = "snapshot_keys_exist"
    kind = Kind.CONFLICT


class GateAddressUnknown(GoldgateError):
    """No gate of the cluster has said yet where it is and which certificate it shows."""

    code = "gate_address_unknown"
    kind = Kind.CONFLICT
