"""Each rule speaks where it should, and is silent where it should not be heard."""

import pytest

from builds.domain.dockerfile import DockerfileMalformed, parse
from builds.domain.hardening import RULES, CheckResult, Severity, check_dockerfile, merge
from builds.domain.hardening.of_secrets import is_secret_name
from builds.domain.image_rules import RULES as IMAGE_RULES
from builds.services.bases import resolve_bases
from tests.builds.dockerfile.support import certify, imported, reference_of

GOOD = (
    "FROM debian:12\nRUN apt-get update && apt-get -y upgrade && rm -rf /var/lib/apt/lists/*\nCOPY a /a\nUSER 65532\n"
)


class TestTheRules:
    def test_ids_are_of_one_form_and_no_image_rules(self):
        assert all(name == rule.id and name[:4] == "GG10" and len(name) == 6 for name, rule in RULES.items())
        assert not RULES.keys() & IMAGE_RULES.keys()

    def test_each_says_why_and_what_to_do(self):
        for rule in RULES.values():
            assert (rule.title and rule.why.endswith(".") and rule.cure.endswith(".")) or ":" in rule.cure, rule.id

    def test_a_good_one_has_nothing(self, rules):
        assert rules(GOOD) == {}

    def test_results_stand_in_the_order_of_lines(self, check):
        lines = [one.line for one in check("FROM debian:12\nEXPOSE 22\nRUN sudo id\nENV A_TOKEN=x\n")]
        assert lines == sorted(lines)

    def test_one_rule_does_not_drown_the_others(self, check):
        found = check("FROM debian:12\n" + "EXPOSE 22\n" * 300 + "RUN sudo id\nUSER 5\n")
        assert len([one for one in found if one.rule == "GG1034"]) == 50
        assert found[-1].rule == "GG1055"

    def test_what_somebody_wrote_is_shown_short_and_plain(self, check):
        (found,) = check(f"FROM debian:12\nADD http://\x1b[0m/{'y' * 500} /\nUSER 5\n")[1:]
        assert "\x1b" not in found.message
        assert len(found.message) < 200


@pytest.mark.django_db
class TestBases:
    def test_results_follow_what_bases_stand_for(self, catalog_rules, now, debian):
        pinned = reference_of(debian)
        assert catalog_rules("FROM ubuntu:1\nUSER 5\n") == {"GG1001": "error"}
        assert catalog_rules("FROM debian:latest\nUSER 5\n") == {"GG1001": "error", "GG1010": "error"}
        assert catalog_rules(f"FROM {pinned}\nCOPY --from=evil.example/x:latest a b\nUSER 5\n") == {
            "GG1005": "error", "GG1010": "error",
        }  # fmt: skip
        assert catalog_rules(f"FROM {pinned}\nCOPY --from=$X a b\nUSER 5\n") == {"GG1006": "error"}
        assert catalog_rules("FROM debian:12\nUSER 5\n") == {"GG1007": "warning"}
        golang = certify(now, "golang/1", purpose="build")
        assert catalog_rules(f"FROM {reference_of(golang)}\nUSER 5\n") == {"GG1004": "error"}
        certify(now, "debian/12")
        assert catalog_rules(f"FROM {pinned}\nUSER 5\n") == {"GG1008": "warning"}

    def test_the_remedy_is_a_line_to_write(self, now, debian):
        dockerfile = parse("FROM debian:12\nFROM debian:11\nUSER 5\n")
        found = check_dockerfile(
            dockerfile, bases=resolve_bases(dockerfile, arguments={}, is_base_recipe=False, now=now)
        )
        assert [(one.rule, one.line, one.remedy) for one in found] == [
            ("GG1007", 1, f"Write {reference_of(debian)}."),
            ("GG1001", 2, f"Nearest that is certified: FROM {reference_of(debian)}"),
        ]

    def test_an_adopted_one_is_a_note(self, catalog_rules, now):
        artifact = imported(now)
        text = f"FROM registry.upstream.example/library/debian@{artifact.digest}\nUSER 5\n"
        assert catalog_rules(text, is_base_recipe=True) == {"GG1009": "note"}


class TestText:
    @pytest.mark.parametrize(
        ("frontend", "rule"),
        [
            ("docker/dockerfile:1", "GG1012"),
            ("docker.io/docker/dockerfile:1.7", "GG1012"),
            ("docker/dockerfile", "GG1012"),
            ("docker/dockerfile:1-labs", "GG1011"),
            ("docker/dockerfile-upstream:master", "GG1011"),
            ("evil.example/docker/dockerfile:1", "GG1011"),
            ("docker/dockerfile:1@sha256:" + "a" * 64, "GG1012"),
            ("docker/dockerfile:1 evil", "GG1012"),  # what follows the blank are options
        ],
    )
    def test_frontends(self, rules, frontend, rule):
        assert list(rules(f"# syntax={frontend}\nFROM debian:12\nUSER 5\n")) == [rule]

    @pytest.mark.parametrize(
        "comment", ["# hadolint ignore=DL3004", "#hadolint global ignore=DL3004", "# shellcheck disable=SC2086"]
    )
    def test_comments_to_linters_are_told_and_switch_nothing_off(self, rules, comment):
        assert rules(f"FROM debian:12\n{comment}\nRUN sudo id\nUSER 5\n") == {"GG1013": "note", "GG1055": "error"}

    def test_checks_that_are_switched_off_are_told(self, rules):
        assert rules("# check=skip=all\nFROM debian:12\nUSER 5\n") == {"GG1013": "note"}

    def test_a_comment_within_a_heredoc_is_none(self, rules):
        assert rules("FROM debian:12\nCOPY <<E /x\n# hadolint ignore=x\nE\nUSER 5\n") == {}

    @pytest.mark.parametrize(
        "body",
        [
            "FROM evil.example/x:1\n",
            "  from evil:1 as y\n",
            "FROM --platform=linux/amd64 a/b\n",
            # Without here-documents: RUN <<USER, then COPY and USER with a word.
            "COPY a b\nUSER \\\n",
        ],
    )
    def test_a_heredoc_that_other_builders_read_as_instructions(self, rules, body):
        assert rules(f"FROM debian:12\nRUN <<USER\n{body}USER\nUSER 5\n")["GG1014"] == "error"

    @pytest.mark.parametrize("body", ["from os import path\nprint(path)\n", "SELECT 1\nFROM users\n", "echo a\n"])
    def test_one_that_is_only_text(self, rules, body):
        assert "GG1014" not in rules(f"FROM debian:12\nCOPY <<EOF /x\n{body}EOF\nUSER 5\n")

    @pytest.mark.parametrize(
        "char", ["\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041", "\r"]
    )
    def test_characters_that_hide(self, rules, char):
        assert rules(f"FROM debian:12\n# a{char}b\nUSER 5\n") == {"GG1015": "error"}

    def test_other_languages_hide_nothing(self, rules):
        assert rules("FROM debian:12\r\n# größe, 日本語, עברית\r\nUSER 5\r\n") == {}


class TestUser:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("FROM debian:12\nUSER 65532\n", {}),
            ("FROM debian:12\nUSER 65532:0\n", {}),
            ("FROM debian:12\nARG U=7\nUSER $U\n", {}),
            ("FROM debian:12 AS a\nUSER 7\nFROM a\n", {}),
            ("FROM debian:12\n", {}),  # its base runs as 65532
            ("FROM rooted:1\n", {"GG1020": "error"}),
            ("FROM rooted:1\nUSER 5\nUSER 0\n", {"GG1020": "error"}),
            ("FROM debian:12\nUSER root\n", {"GG1020": "error"}),
            ("FROM debian:12\nUSER 00:5\n", {"GG1020": "error"}),
            ("FROM debian:12\nUSER nobody\n", {"GG1020": "error"}),
            ("FROM debian:12\nUSER $NOTHING\n", {}),  # comes out empty: the base's own
            ("FROM debian:12\nUSER ²\n", {"GG1020": "error"}),
            ("FROM debian:12\nUSER 0x0\n", {"GG1020": "error"}),
            ("FROM debian:12\nUSER 4294967295\n", {"GG1031": "error"}),
            ("FROM scratch\nCOPY a /a\n", {"GG1020": "error"}),
            ("FROM debian:12 AS a\nUSER 0\nFROM debian:12\n", {}),
        ],
    )
    def test_of_what_runs_is_a_number_and_not_root(self, rules, text, expected):
        assert rules(text) == expected

    def test_of_a_base_recipe_is_stated(self, rules):
        assert rules("FROM debian:12\nUSER root\n", is_base_recipe=True) == {"GG1021": "warning"}

    def test_the_target_is_what_runs(self, rules):
        text = "FROM debian:12 AS a\nUSER 0\nFROM debian:12 AS b\nUSER 5\n"
        assert (rules(text, target="a"), rules(text, target="b")) == ({"GG1020": "error"}, {})

    def test_a_target_that_is_none(self, rules):
        with pytest.raises(DockerfileMalformed):
            rules("FROM debian:12\n", target="nothing")


class TestSecrets:
    @pytest.mark.parametrize(
        "name",
        ["PASSWORD", "DB_PASSWORD", "db.password", "NPM_TOKEN", "apiKey", "API_KEY", "APIKEY", "AWS_SECRET_ACCESS_KEY",
         "clientSecret", "SSH_KEY", "GPG_PASSPHRASE", "CREDENTIALS", "MYSQL_ROOT_PASSWD", "FTP_PASS"],
    )  # fmt: skip
    def test_names_of_secrets(self, name):
        assert is_secret_name(name)

    @pytest.mark.parametrize(
        "name",
        ["PASSWORD_FILE", "TOKEN_URL", "SECRET_NAME", "TOKENIZERS_PARALLELISM", "PATH", "COMPASS", "KEYBOARD",
         "PUBLIC_KEY", "AWS_ACCESS_KEY_ID", "PASSENGER", "MAX_TOKENS", "", "KEY", "tokenizer"],
    )  # fmt: skip
    def test_names_of_other_things(self, name):
        assert not is_secret_name(name)

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("ENV DB_PASSWORD=x", {"GG1022": "error"}),
            ("ENV DB_PASSWORD x", {"GG1022": "error"}),
            ('ENV DB_PASSWORD=""', {}),
            ("ENV DB_PASSWORD_FILE=/run/secrets/x", {}),
            ("ARG NPM_TOKEN", {"GG1023": "error"}),
            ("ARG NPM_TOKEN=x", {"GG1023": "error"}),
            ("LABEL api_key=x", {"GG1024": "error"}),
            ("RUN curl -u admin:hunter2 https://h.example/", {"GG1025": "error"}),
            ("RUN curl -u $USER:$PW https://h.example/", {}),
            ("RUN --mount=type=secret,id=x true", {"GG1027": "note"}),
            ("RUN --mount=type=ssh true", {"GG1027": "note"}),
        ],
    )
    def test_in_instructions(self, rules, line, expected):
        assert rules(f"FROM debian:12\n{line}\nUSER 5\n") == expected

    def test_in_what_the_source_gives(self, check):
        found = check("FROM debian:12\nUSER 5\n", arguments={"NPM_TOKEN": "x", "LD_PRELOAD": "y"})
        assert {(one.rule, one.path) for one in found if one.path} == {
            ("GG1023", "argument NPM_TOKEN"), ("GG1036", "argument LD_PRELOAD"),
        }  # fmt: skip

    def test_files_of_the_context(self, check):
        found = check("FROM debian:12\nUSER 5\n", files=["src/main.c", "deploy/id_rsa", ".env"])
        assert [(one.rule, one.path) for one in found if one.path] == [("GG1026", ".env"), ("GG1026", "deploy/id_rsa")]

    def test_the_value_itself_is_never_told(self, check):
        for one in check("FROM debian:12\nENV DB_PASSWORD=hunter2\nRUN curl -u a:hunter2 x\n"):
            assert "hunter2" not in one.message + one.remedy


class TestInstructions:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("ADD https://h.example/x.tar /x", {"GG1028": "error"}),
            ("ADD --checksum=sha256:00 https://h.example/x.tar /x", {"GG1028": "warning"}),
            ("ARG U=HTTP://h.example/x\nADD $U /x", {"GG1028": "error"}),
            ('ADD ["ftp://h.example/x", "/x"]', {"GG1028": "error"}),
            ("ADD git@h.example:a/b.git /x", {"GG1029": "error"}),
            ("ADD https://h.example/a/b.git#v1 /x", {"GG1029": "error"}),
            ("ADD ssh://h.example/a /x", {"GG1029": "error"}),
            ("ADD x.tar.gz /x", {}),
            ("COPY ../x /x", {"GG1030": "error"}),
            ("ARG D=..\nCOPY $D/x /x", {"GG1030": "error"}),
            ("COPY a..b /x", {}),
            ("COPY --chown=4294967296 a /x", {"GG1031": "error"}),
            ("COPY --chown=-1:0 a /x", {"GG1031": "error"}),
            ("COPY --chown=65532:65532 a /x", {}),
            ("COPY --chmod=4755 a /x", {"GG1032": "error"}),
            ("COPY --chmod=u+s a /x", {"GG1032": "error"}),
            ("COPY --chmod=777 a /x", {"GG1033": "error"}),
            ("COPY --chmod=1777 a /x", {}),
            ("COPY --chmod=0755 a /x", {}),
            ("COPY --chmod=u=rwX,go=rX a /x", {}),
            ("EXPOSE 22", {"GG1034": "warning"}),
            ("EXPOSE 20-25/tcp", {"GG1034": "warning"}),
            ("EXPOSE 8022 220", {}),
            ("VOLUME /etc", {"GG1035": "error"}),
            ('VOLUME ["/data", "//proc/"]', {"GG1035": "error"}),
            ("VOLUME /var/run/docker.sock", {"GG1035": "error"}),
            ("VOLUME /var/lib/data", {}),
            ("ENV LD_PRELOAD=/x.so", {"GG1036": "error"}),
            ("ARG HTTPS_PROXY", {"GG1036": "error"}),
            ("ARG BUILDKIT_CACHE_MOUNT_NS=x", {"GG1036": "error"}),
            ("ENV LD_LIBRARY_PATH=/usr/local/cuda", {}),
            ("ENV DOCKER_CONTENT_TRUST=1", {"GG1037": "warning"}),
            ("RUN DOCKER_CONTENT_TRUST=1 true", {"GG1037": "warning"}),
            (f"LABEL a={'x' * 9000}", {"GG1038": "error"}),
            ("WORKDIR /a/../b", {"GG1039": "error"}),
            ("WORKDIR /proc/self/fd/8", {"GG1039": "error"}),
            ("WORKDIR /app", {}),
            ("ONBUILD RUN true", {"GG1016": "error"}),
            ("RUN --security=insecure true", {"GG1056": "error"}),
            ("RUN --network=host true", {"GG1056": "error"}),
            ("RUN --network=none true", {}),
            ("RUN --mount=type=bind,source=/,target=/x true", {"GG1057": "error"}),
            ("RUN --mount=type=bind,source=../x,target=/x true", {"GG1057": "error"}),
            ("RUN --mount=type=bind,source=src,target=/x,rw true", {"GG1057": "error"}),
            ("RUN --mount=source=src,target=/etc true", {"GG1057": "error"}),
            ("RUN --mount=type=bind,source=src,target=/src true", {}),
            ("RUN --mount=target=/src true", {}),
            ("RUN --mount=type=tmpfs,target=/run true", {}),
            ("RUN --mount=type=tmpfs,target=/proc/x true", {"GG1057": "error"}),
            ("RUN --mount=type=cache,target=/root/.cache true", {"GG1058": "warning"}),
            ("ENV GIT_SSL_NO_VERIFY=1", {"GG1052": "error"}),
            ("ENV NODE_TLS_REJECT_UNAUTHORIZED=0", {"GG1052": "error"}),
            ('CMD ["sh", "-c", "curl https://h.example/x | sh"]', {"GG1050": "error"}),
            ("ENTRYPOINT curl https://h.example/x | sh", {"GG1050": "error"}),
            ("HEALTHCHECK --interval=5s CMD curl https://h.example/x | sh", {"GG1050": "error"}),
            ("HEALTHCHECK CMD curl -f http://localhost/", {}),
            ("COPY <<EOF /x.sh\ncurl https://h.example/x | sh\nEOF", {"GG1050": "error"}),
        ],
    )
    def test_speak(self, rules, line, expected):
        assert rules(f"FROM debian:12\n{line}\nUSER 5\n") == expected

    def test_a_mount_of_a_link_made_in_an_earlier_stage(self, check):
        text = (
            "FROM debian:12 AS a\nRUN true && ln -sfn / /link\n"
            "FROM debian:12\nRUN --mount=from=a,source=/link,target=/h true\n"
        )
        assert [(one.rule, one.line) for one in check(text) if one.severity == "error"] == [("GG1057", 4)]

    def test_lines_are_those_of_the_instruction(self, check):
        found = check("FROM debian:12\n\n# c\nEXPOSE 80 \\\n  22\nUSER 5\n")
        assert [one.line for one in found if one.rule == "GG1034"] == [4]


class TestNetworkToShell:
    @pytest.mark.parametrize(
        "script",
        [
            "curl -fsSL https://h.example/i.sh | sh",
            "curl https://h.example/i.sh | sudo -E bash -",
            "wget -qO- https://h.example/i.sh | bash -s -- --yes",
            "curl https://h.example/i.gz | gunzip | sh -x",
            "curl https://h.example/i.py | python3",
            "curl https://h.example/i.py | python3 - --flag",
            "curl https://h.example/i.pl | perl",
            "bash <(curl -s https://h.example/i.sh)",
            'sh -c "$(curl -fsSL https://h.example/i.sh)"',
            'sh -c "`wget -O- https://h.example/i.sh`"',
            'eval "$(curl https://h.example/env)"',
            "source <(curl https://h.example/env)",
            ". <(curl https://h.example/env)",
            "$(curl https://h.example/cmd)",
            'bash <<< "$(curl https://h.example/i.sh)"',
            "(curl https://h.example/i.sh; echo) | sh",
            "{ curl https://h.example/i.sh; } | sh",
            "for x in a b; do curl https://h.example/$x; done | sh",
            "curl https://h.example/i.sh | tee /x | sh",
            "curl https://h.example/i.sh | tee >(sh)",
            "curl https://h.example/i.sh | xargs -I{} sh -c {}",
            "curl https://h.example/i.sh | env A=b sh",
            "curl https://h.example/i.sh | /bin/sh",
            "busybox wget -O- https://h.example/i.sh | busybox sh",
            "C=curl; $C https://h.example/i.sh | sh",
            "sh -c 'curl https://h.example/i.sh | sh'",
            "if true; then curl https://h.example/i.sh | sh; fi",
            "x=$(curl https://h.example/i.sh | sh)",
            "true && curl https://h.example/i.sh \\\n  # a comment\n  | sh",
            "<<EOF\nset -e\ncurl https://h.example/i.sh | sh\nEOF",
            "bash <<'EOF'\ncurl https://h.example/i.sh | sh\nEOF",
            "python3 -c \"import urllib.request as u; exec(u.urlopen('https://h.example/x').read())\"",
            "python3 <<EOF\nimport requests\nexec(requests.get('https://h.example/x').text)\nEOF",
            '["sh", "-c", "curl https://h.example/i.sh | sh"]',
            "openssl s_client -connect h.example:443 | sh",
            "nc h.example 9 | sh",
        ],
    )
    def test_is_seen(self, of_run, script):
        assert of_run(script).get("GG1050") == "error"

    @pytest.mark.parametrize(
        "script",
        [
            "curl https://h.example/x.json | jq .",
            "curl https://h.example/x.json | python3 -m json.tool",
            "curl https://h.example/x.json | python3 -c 'import json, sys; print(json.load(sys.stdin))'",
            "curl https://h.example/x | sha256sum -c -",
            "curl https://h.example/x.tgz | tar -xz",
            "curl https://h.example/list | sh ./install.sh",
            "echo 'curl https://h.example/i.sh | sh'",
            "echo hello | sh",
            "cat script | bash",
            "bash ./install.sh $(curl https://h.example/version)",
            "VERSION=$(curl https://h.example/version); echo $VERSION | sh -n",
            "# curl https://h.example/i.sh | sh\ntrue",
            "curl https://h.example/x | perl -pe 's/a/b/'",
        ],
    )
    def test_is_not_seen_where_it_is_not(self, of_run, script):
        assert "GG1050" not in of_run(script.replace("# curl", "true \\\n# curl"))

    def test_on_its_own_line(self, check):
        text = (
            "FROM debian:12\nRUN set -e; \\\n  # fetch\n  true; \\\n\n"
            "  curl https://h.example/i.sh \\\n    | sh\nUSER 5\n"
        )
        assert [one.line for one in check(text) if one.rule == "GG1050"] == [7]

    @pytest.mark.parametrize(
        "script",
        [
            "curl -o /tmp/i.sh https://h.example/i.sh && sh /tmp/i.sh",
            "curl -fsSLo i.sh https://h.example/i.sh; chmod +x i.sh; ./i.sh",
            "curl -O https://h.example/i.sh && bash i.sh",
            "wget https://h.example/i.sh && sh i.sh",
            "wget -O /x https://h.example/i && chmod 755 /x",
            "curl https://h.example/i > /x && /x",
            "curl --output=/x https://h.example/i && /x --yes",
            "wget https://h.example/a.deb && dpkg -i a.deb",
            "wget https://h.example/a.deb && apt-get install -y ./a.deb && rm -rf /var/lib/apt/lists/*",
            "curl -o i.py https://h.example/i.py && python3 i.py",
        ],
    )
    def test_in_two_steps(self, of_run, script):
        assert of_run(script).get("GG1051") == "error"

    @pytest.mark.parametrize(
        "script",
        [
            "curl -o /x https://h.example/i && echo 'abc  /x' | sha256sum -c - && sh /x",
            "curl -o /x.tgz https://h.example/x.tgz && tar -xzf /x.tgz && ./configure",
            "wget https://h.example/a.deb && gpg --verify a.deb.asc a.deb && dpkg -i a.deb",
            "curl -o /etc/x.conf https://h.example/x.conf && chmod 644 /etc/x.conf",
        ],
    )
    def test_with_a_checksum_between_them(self, of_run, script):
        assert "GG1051" not in of_run(script)


class TestPackages:
    @pytest.mark.parametrize(
        ("script", "expected"),
        [
            ("apt-get update && apt-get install -y x", {"GG1054": "warning"}),
            ("apt-get install -y x && rm -rf /var/lib/apt/lists/*", {}),
            ("--mount=type=tmpfs,target=/var/lib/apt apt-get install -y x", {}),
            ("apk add x", {"GG1054": "warning"}),
            ("apk add --no-cache x", {}),
            ("apk add x && rm -rf /var/cache/apk/*", {}),
            ("dnf -y install x", {"GG1054": "warning"}),
            ("dnf -y install x && dnf clean all", {}),
            ("microdnf install x && rm -rf /var/cache/yum", {}),
            ("zypper -n in x", {"GG1054": "warning"}),
            ("pip install x", {"GG1054": "warning"}),
            ("python3 -m pip install x", {"GG1054": "warning"}),
            ("pip install --no-cache-dir x", {}),
            ("PIP_NO_CACHE_DIR=1 pip install x", {}),
            ("apt-cache policy x", {}),
            ("sudo id", {"GG1055": "error"}),
            ("apt-get install -y sudo && rm -rf /var/lib/apt/lists/*", {"GG1055": "error"}),
            ("echo sudo", {}),
            ("curl -k https://h.example/x -o /x", {"GG1052": "error"}),
            ("curl -fsSLk https://h.example/x -o /x", {"GG1052": "error"}),
            ("curl --insecure https://h.example/x -o /x", {"GG1052": "error"}),
            ("wget --no-check-certificate https://h.example/x", {"GG1052": "error"}),
            ("git -c http.sslVerify=false clone https://h.example/x", {"GG1052": "error"}),
            ("npm config set strict-ssl false", {"GG1052": "error"}),
            ("pip install --no-cache-dir --trusted-host h x", {"GG1052": "error"}),
            ("apt-get install --allow-unauthenticated x; rm -rf /var/lib/apt/lists/*", {"GG1052": "error"}),
            ("echo 'deb [trusted=yes] https://h.example/ x main' > /etc/apt/sources.list", {"GG1052": "error"}),
            ("apk add --no-cache --allow-untrusted x.apk", {"GG1052": "error"}),
            ("yum install --nogpgcheck x && yum clean all", {"GG1052": "error"}),
            ("ssh -o StrictHostKeyChecking=no h.example", {"GG1052": "error"}),
            ("curl -K config https://h.example/x -o /x", {}),
            ("curl http://h.example/x -o /x", {"GG1053": "warning"}),
            ("curl http://localhost:8080/", {"GG1060": "warning"}),
        ],
    )
    def test_speak(self, of_run, script, expected):
        assert of_run(script) == expected

    def test_caches_of_stages_that_are_not_kept_are_nobodys_business(self, rules):
        assert rules("FROM debian:12 AS b\nRUN apk add x\nFROM debian:12\nCOPY --from=b /x /x\nUSER 5\n") == {}
        assert rules("FROM debian:12 AS b\nRUN apk add x\nFROM b\nUSER 5\n") == {"GG1054": "warning"}


class TestMachine:
    @pytest.mark.parametrize(
        ("script", "rule"),
        [
            ("cat /proc/1/environ", "GG1059"),
            ("cat /proc/*/environ", "GG1059"),
            ("cat < /proc/self/mountinfo", "GG1059"),
            ("nsenter -t 1 -m sh", "GG1059"),
            ("mount -t tmpfs none /x", "GG1059"),
            ("curl --unix-socket /var/run/docker.sock http://localhost/images", "GG1059"),
            ("echo 1 > /proc/sys/kernel/panic", "GG1059"),
            ("echo x > /dev/sda", "GG1059"),
            ("kill -9 -1", "GG1059"),
            ("sh -c 'cat /proc/1/mem'", "GG1059"),
            ("curl http://169.254.169.254/latest/", "GG1060"),
            ("echo x > /dev/tcp/10.0.0.1/80", "GG1060"),
            ("env", "GG1061"),
            ("env > /x", "GG1061"),
            ("export -p", "GG1061"),
            ("echo $DB_PASSWORD", "GG1061"),
            ("while true; do echo x; done", "GG1062"),
            (":(){ :|:& };:", "GG1062"),
            ("yes > /x", "GG1062"),
            ("dd if=/dev/zero of=/x", "GG1062"),
            ("tail -f /dev/null", "GG1062"),
            ("sleep infinity", "GG1062"),
            ("printf '\\033]0;x\\007'", "GG1063"),
            ("echo -e '\\e[2J'", "GG1063"),
            ("chmod u+s /x", "GG1032"),
            ("install -m 4755 a /x", "GG1032"),
            ("setcap cap_net_raw+ep /x", "GG1032"),
            ("chmod -R a+rwx /x", "GG1033"),
            ("mkdir -m777 /x", "GG1033"),
        ],
    )
    def test_is_refused(self, of_run, script, rule):
        assert of_run(script)[rule] == "error"

    @pytest.mark.parametrize(
        "script",
        [
            "nproc; cat /proc/cpuinfo /proc/meminfo",
            "echo x > /dev/null 2>&1",
            "echo x | tee /dev/stderr",
            "kubectl version --client",
            "env A=b make",
            "printenv HOME",
            "yes | cat",
            "dd if=/dev/zero of=/x bs=1M count=1",
            "sleep 5",
            "tail -n 5 /x",
            "echo '\\033[32mgreen\\033[0m'",
            "chmod 755 /x; chmod +x /y; chmod 1777 /tmp; chmod $MODE /z; chmod g+w /w",
            "kill $(cat /run/x.pid)",
            "while read x; do echo $x; done < /list",
            "curl; wget; kill; chmod; dd; sleep; chroot; env A=b; printf; install -m; tee; eval; sh; :",
        ],
    )
    def test_is_left_alone(self, of_run, script):
        assert of_run(script) == {}

    @pytest.mark.parametrize("script", ["a;" * 6000, "$(" * 60, "a|" * 6000])
    def test_what_is_too_large_to_look_at_is_refused(self, of_run, script):
        with pytest.raises(DockerfileMalformed, match="cannot be looked at"):
            of_run(script)


class TestMerge:
    def test_what_both_say_of_a_line_is_told_once(self):
        own = [CheckResult("GG1055", Severity.ERROR, "sudo", line=2)]
        others = [
            CheckResult("DL3004", Severity.WARNING, "sudo", line=2),
            CheckResult("DL3004", Severity.WARNING, "x", line=3),
        ]
        assert [(one.rule, one.line) for one in merge(own, others)] == [("GG1055", 2), ("DL3004", 3)]
