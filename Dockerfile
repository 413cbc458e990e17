# One image for every process of the portal and for the gate, and one more with buildah for the builder (--target builder;
# the last stage is the portal's, which is what a build without a target gives). Non-root, and it runs with a read-only root file system:
# what is written lies in GOLDGATE_HOME (a volume) and /tmp (a tmpfs).
# The base is pinned by digest where you build: pass --build-arg BASE=python:3.11-slim-bookworm@sha256:…
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /opt/goldgate
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libldap2-dev libsasl2-dev python3-dev \
 && rm -rf /var/lib/apt/lists/*
COPY requirements.txt requirements-ldap.txt ./
RUN python -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt -r requirements-ldap.txt

FROM ${BASE} AS common
# git, gpg and ssh fetch sources; ssh asks for an account of its number.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libldap-2.5-0 libsasl2-2 git gnupg openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 65532 goldgate \
 && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /var/lib/goldgate --shell /usr/sbin/nologin goldgate
WORKDIR /opt/goldgate
COPY --from=build /opt/goldgate/.venv .venv
COPY . .
# Static files are collected at build time: the running container writes nothing into its image.
RUN GOLDGATE_STATIC_ROOT=/opt/goldgate/built/static GOLDGATE_PROCESS=setup DATABASE_URL=postgresql://build@127.0.0.1/none REDIS_URL=redis://127.0.0.1 \
    .venv/bin/python manage.py collectstatic --noinput --settings portal.settings.production \
 && install -d -o 65532 -g 65532 /var/lib/goldgate /var/lib/goldgate-gate /var/lib/goldgate-checkpoints
# The command itself, so that a gate can be enrolled from this image: goldgate gate enrol …
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation ./client
ENV PATH=/opt/goldgate/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=portal.settings.production \
    GOLDGATE_HOME=/var/lib/goldgate \
    GOLDGATE_STATIC_ROOT=/opt/goldgate/built/static

# Root of its container, and of nothing else: what it may is in docker-compose.yml and docs/runbooks/builder.md.
FROM common AS builder
RUN apt-get update \
 && apt-get install -y --no-install-recommends buildah skopeo uidmap \
 && rm -rf /var/lib/apt/lists/*
CMD ["celery", "-A", "portal", "worker", "-Q", "builds", "-c", "1", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]

FROM common
USER 65532:65532
EXPOSE 8000 8443
HEALTHCHECK --interval=30s --timeout=5s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=3)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "8", "portal.wsgi:application"]
