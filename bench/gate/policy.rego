# The gate's default deploy line in Rego, over the same facts. Only a Pod's three container lists are looked at,
# where the gate walks any object: the peer has the easier task.
package system

main := {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}

response := {"uid": input.request.uid, "allowed": true} if count(reasons) == 0

response := {
	"uid": input.request.uid,
	"allowed": false,
	"status": {"code": 403, "message": concat("; ", reasons)},
} if count(reasons) > 0

day := 86400

now := time.now_ns() / 1000000000

spec := input.request.object.spec

items contains item if {
	some key in ["containers", "initContainers", "ephemeralContainers"]
	some item in spec[key]
}

pinned(image) if regex.match(`^[a-z0-9.:-]+(/[a-z0-9._-]+)+(:[\w.-]+)?@sha256:[0-9a-f]{64}$`, image)

name(image) := split(image, "@")[0]

facts(image) := data.images[split(image, "@")[1]]

trusted(image) if {
	some prefix in data.trusted
	startswith(concat("", [name(image), "/"]), concat("", [prefix, "/"]))
}

fresh(known) if {
	known.scan == "complete"
	known.scanned_at + (14 * day) > now
	known.feed_at + (7 * day) > now
}

blocked(known) if known.known_exploited > 0

blocked(known) if {
	some row in known.fixable
	row.grace_end <= now
}

subjects(known) := [known] if known.certified_from > 0

subjects(known) := [data.images[base] | some base in known.bases] if known.certified_from == 0

live(subject) if {
	subject.certified_from <= now
	now < subject.certified_until
	subject.revoked_at == 0
}

approved(known) if {
	count(subjects(known)) > 0
	every subject in subjects(known) { live(subject) }
}

signed(known) if {
	count(subjects(known)) > 0
	every subject in subjects(known) { count(subject.signed) > 0 }
}

user(item) := item.securityContext.runAsUser

user(item) := spec.securityContext.runAsUser if not item.securityContext.runAsUser

user(item) := to_number(split(facts(item.image).user, ":")[0]) if {
	not item.securityContext.runAsUser
	not spec.securityContext.runAsUser
	regex.match(`^[0-9]+(:|$)`, facts(item.image).user)
}

# A rule of its own: inside `not`, an undefined call would leave the whole body undefined.
numbered(item) if user(item) > 0

reasons contains sprintf("%s: reference: not pinned by digest", [item.image]) if {
	some item in items
	not pinned(item.image)
}

reasons contains sprintf("%s: registry: not trusted", [item.image]) if {
	some item in items
	pinned(item.image)
	not trusted(item.image)
}

reasons contains sprintf("%s: known: never imported", [item.image]) if {
	some item in items
	pinned(item.image)
	not facts(item.image)
}

reasons contains sprintf("%s: known: not under this repository", [item.image]) if {
	some item in items
	known := facts(item.image)
	not name(item.image) in known.repositories
}

reasons contains sprintf("%s: scanned: no complete, fresh report", [item.image]) if {
	some item in items
	known := facts(item.image)
	not fresh(known)
}

reasons contains sprintf("%s: findings: one crosses the line", [item.image]) if {
	some item in items
	known := facts(item.image)
	blocked(known)
}

reasons contains sprintf("%s: signed: no signature of ours", [item.image]) if {
	some item in items
	known := facts(item.image)
	not signed(known)
}

reasons contains sprintf("%s: approved: not certified", [item.image]) if {
	some item in items
	known := facts(item.image)
	not approved(known)
}

reasons contains sprintf("%s: root: not a number other than 0", [item.image]) if {
	some item in items
	facts(item.image)
	not numbered(item)
}
