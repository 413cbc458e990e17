from django.conf import settings
from django.db import migrations, models
import datetime
import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
import uuid6


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        ('catalog', '0001_initial'),
        ('policies', '0001_initial'),
        ('signing', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CertificationReview',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Packet',
            fields=[
                ('id', models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('canonical', models.TextField()),
                ('sha256', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['proposal', 'number'],
            },
        ),
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False)),
                ('proposer_identity', models.CharField(max_length=500)),
                ('author_identity', models.CharField(blank=True, max_length=500)),
                ('note', models.TextField(blank=True, max_length=4000)),
                ('state', models.CharField(choices=[('open', 'open'), ('certifying', 'certifying'), ('certified', 'certified'), ('rejected', 'rejected'), ('withdrawn', 'withdrawn'), ('failed', 'failed')], default='open', max_length=10)),
                ('opened_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('closed_reason', models.TextField(blank=True)),
            ],
            options={
                'ordering': ['-opened_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Request',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('image_name', models.CharField(max_length=100)),
                ('version_name', models.CharField(max_length=128)),
                ('reason', models.TextField(max_length=4000)),
                ('state', models.CharField(choices=[('open', 'open'), ('answered', 'answered'), ('withdrawn', 'withdrawn')], default='open', max_length=10)),
                ('asked_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('answer', models.TextField(blank=True, max_length=4000)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='RequestJoin',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField(blank=True, max_length=4000)),
                ('joined_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['joined_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False)),
                ('packet_sha256', models.CharField(max_length=64)),
                ('reviewer_identity', models.CharField(max_length=500)),
                ('outcome', models.CharField(choices=[('approve', 'approve'), ('request_changes', 'request changes'), ('reject', 'reject')], max_length=20)),
                ('reason', models.TextField(blank=True, max_length=4000)),
                ('is_own', models.BooleanField(default=False)),
                ('decided_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['decided_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Revocation',
            fields=[
                ('id', models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reason', models.TextField(max_length=4000)),
                ('revoked_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-revoked_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Suspension',
            fields=[
                ('id', models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reason', models.TextField(max_length=4000)),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('lifted_at', models.DateTimeField(blank=True, null=True)),
                ('lift_reason', models.TextField(blank=True, max_length=4000)),
            ],
            options={
                'ordering': ['-starts_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Certification',
            fields=[
                ('id', models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reviewers_needed', models.PositiveIntegerField()),
                ('is_one_person', models.BooleanField(default=False)),
                ('unfixed', models.JSONField(default=dict)),
                ('begun_at', models.DateTimeField()),
                ('finalised_at', models.DateTimeField(blank=True, null=True)),
                ('starts_at', models.DateTimeField(blank=True, null=True)),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('failed_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('reason', models.TextField(blank=True)),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='certifications', to='policies.policy')),
                ('publication', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='certification', to='signing.publication')),
            ],
            options={
                'ordering': ['-begun_at', '-id'],
            },
        ),
        migrations.AddField(
            model_name='certification',
            name='subversion',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='certifications', to='catalog.subversion'),
        ),
        migrations.AddField(
            model_name='certificationreview',
            name='certification',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='consumed', to='approvals.certification'),
        ),
        migrations.AddField(
            model_name='certification',
            name='packet',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='certifications', to='approvals.packet'),
        ),
        migrations.AddField(
            model_name='proposal',
            name='current_packet',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='approvals.packet'),
        ),
        migrations.AddField(
            model_name='proposal',
            name='proposed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='proposal',
            name='source_author',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='proposal',
            name='subversion',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='catalog.subversion'),
        ),
        migrations.AddField(
            model_name='packet',
            name='proposal',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='packets', to='approvals.proposal'),
        ),
        migrations.AddField(
            model_name='certification',
            name='proposal',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='certification', to='approvals.proposal'),
        ),
        migrations.AddField(
            model_name='request',
            name='answered_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='request',
            name='asked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='requests', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='request',
            name='subversion',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='answered_requests', to='catalog.subversion'),
        ),
        migrations.AddField(
            model_name='request',
            name='team',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='proposal',
            name='request',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='approvals.request'),
        ),
        migrations.AddField(
            model_name='requestjoin',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='requestjoin',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='joins', to='approvals.request'),
        ),
        migrations.AddField(
            model_name='requestjoin',
            name='team',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='review',
            name='packet',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='approvals.packet'),
        ),
        migrations.AddField(
            model_name='review',
            name='proposal',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='approvals.proposal'),
        ),
        migrations.AddField(
            model_name='review',
            name='reviewer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='certificationreview',
            name='review',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='consumed_by', to='approvals.review'),
        ),
        migrations.AddField(
            model_name='revocation',
            name='revoked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='revocation',
            name='subversion',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='revocation', to='catalog.subversion'),
        ),
        migrations.AddField(
            model_name='suspension',
            name='lifted_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='suspension',
            name='subversion',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='suspensions', to='catalog.subversion'),
        ),
        migrations.AddField(
            model_name='suspension',
            name='suspended_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='packet',
            constraint=models.UniqueConstraint(fields=('proposal', 'number'), name='packet_number_once'),
        ),
        migrations.AddConstraint(
            model_name='packet',
            constraint=models.CheckConstraint(condition=models.Q(('sha256__regex', '^[0-9a-f]{64}$')), name='packet_sha256_hex'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='packet',
            trigger=pgtrigger.compiler.Trigger(name='packet_never_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='ed37eac9e9bce17d722cc35b06ca025be6a6bfed', operation='UPDATE OR DELETE', pgid='pgtrigger_packet_never_changed_5524b', table='approvals_packet', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='packet',
            trigger=pgtrigger.compiler.Trigger(name='packet_hash_true', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF NEW.sha256 <> encode(sha256(convert_to(NEW.canonical, 'UTF8')), 'hex') THEN RAISE EXCEPTION 'the hash of a packet names its bytes' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='b376c7715f6fee00a5dcbb0662d9cb8ab0a70e2e', operation='INSERT', pgid='pgtrigger_packet_hash_true_ebb1a', table='approvals_packet', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='certification',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None), ('finalised_at__isnull', False)), fields=('subversion',), name='certification_live_once'),
        ),
        migrations.AddConstraint(
            model_name='certification',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None), ('failed_at', None), ('finalised_at', None)), fields=('subversion',), name='certification_begun_once'),
        ),
        migrations.AddConstraint(
            model_name='certification',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ends_at', None), ('finalised_at', None), ('starts_at', None)), models.Q(('ends_at__isnull', False), ('failed_at', None), ('finalised_at__isnull', False), ('starts_at__isnull', False), ('ends_at__gt', models.F('starts_at')), ('starts_at__gte', models.F('begun_at'))), _connector='OR'), name='certification_window'),
        ),
        migrations.AddConstraint(
            model_name='certification',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('failed_at', None)), models.Q(('reason', ''), _negated=True), _connector='OR'), name='certification_end_told'),
        ),
        migrations.AddConstraint(
            model_name='certification',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at', None), ('finalised_at__isnull', False), _connector='OR'), name='certification_ended_after_begin'),
        ),
        migrations.AddConstraint(
            model_name='certification',
            constraint=models.CheckConstraint(condition=models.Q(('reviewers_needed__gte', 1)), name='certification_needs_someone'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='certification',
            trigger=pgtrigger.compiler.Trigger(name='certification_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='b82df07821823568672ad398ca3ede3f855186c4', operation='DELETE', pgid='pgtrigger_certification_kept_c3639', table='approvals_certification', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='certification',
            trigger=pgtrigger.compiler.Trigger(name='certification_claim_fixed', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."begun_at" IS DISTINCT FROM (NEW."begun_at") OR OLD."is_one_person" IS DISTINCT FROM (NEW."is_one_person") OR OLD."packet_id" IS DISTINCT FROM (NEW."packet_id") OR OLD."policy_id" IS DISTINCT FROM (NEW."policy_id") OR OLD."proposal_id" IS DISTINCT FROM (NEW."proposal_id") OR OLD."publication_id" IS DISTINCT FROM (NEW."publication_id") OR OLD."reviewers_needed" IS DISTINCT FROM (NEW."reviewers_needed") OR OLD."subversion_id" IS DISTINCT FROM (NEW."subversion_id") OR OLD."unfixed" IS DISTINCT FROM (NEW."unfixed"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='89376c990897ee2c48f7dbbe92013fb991d0f8c3', operation='UPDATE', pgid='pgtrigger_certification_claim_fixed_25424', table='approvals_certification', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='certification',
            trigger=pgtrigger.compiler.Trigger(name='certification_window_fixed', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN ((OLD.finalised_at IS NOT NULL AND (NEW.finalised_at, NEW.starts_at, NEW.ends_at) IS DISTINCT FROM (OLD.finalised_at, OLD.starts_at, OLD.ends_at)) OR (OLD.failed_at IS NOT NULL AND NEW.failed_at IS DISTINCT FROM OLD.failed_at) OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='125508531e16f55bde2187842423332dbedbbda3', operation='UPDATE', pgid='pgtrigger_certification_window_fixed_268ce', table='approvals_certification', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='certification',
            trigger=pgtrigger.compiler.Trigger(name='certification_is_backed', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE needed integer; approvals integer; illegal integer;', func="\n    SELECT (document -> 'certify' ->> 'reviewers')::int INTO needed FROM policies_policy WHERE id = NEW.policy_id;\n    SELECT count(DISTINCT review.reviewer_identity),\n           count(*) FILTER (WHERE review.outcome <> 'approve'\n                            OR review.packet_id <> NEW.packet_id\n                            OR (review.is_own AND NOT NEW.is_one_person))\n      INTO approvals, illegal\n      FROM approvals_certificationreview consumed\n      JOIN approvals_review review ON review.id = consumed.review_id\n     WHERE consumed.certification_id = NEW.id;\n    IF NEW.is_one_person THEN\n        needed := 1;\n    END IF;\n    IF NEW.reviewers_needed < needed OR approvals < NEW.reviewers_needed OR illegal > 0 THEN\n        RAISE EXCEPTION 'a certification stands on % approvals by distinct persons, found %',\n            GREATEST(needed, NEW.reviewers_needed), approvals USING ERRCODE = 'check_violation';\n    END IF;\n    PERFORM 1 FROM approvals_packet packet JOIN approvals_proposal proposal ON proposal.id = packet.proposal_id\n      WHERE packet.id = NEW.packet_id AND proposal.id = NEW.proposal_id\n        AND proposal.subversion_id = NEW.subversion_id;\n    IF NOT FOUND THEN\n        RAISE EXCEPTION 'a certification is of its own proposal and packet' USING ERRCODE = 'check_violation';\n    END IF;\n    RETURN NULL;\n", hash='6c84c9f4ba825d97eeb2ed3063017d8352f39264', operation='INSERT OR UPDATE', pgid='pgtrigger_certification_is_backed_be366', table='approvals_certification', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='certification',
            trigger=pgtrigger.compiler.Trigger(name='certification_finalised_legally', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW.finalised_at IS NOT NULL AND NEW.ended_at IS NULL)', func="\n    PERFORM 1 FROM catalog_subversion WHERE id = NEW.subversion_id FOR NO KEY UPDATE;\n    PERFORM 1 FROM approvals_revocation WHERE subversion_id = NEW.subversion_id;\n    IF FOUND THEN\n        RAISE EXCEPTION 'a revoked subversion is not certified' USING ERRCODE = 'check_violation';\n    END IF;\n    PERFORM 1 FROM signing_publication\n      WHERE id = NEW.publication_id AND sent_at IS NOT NULL AND withdrawal_begun_at IS NULL;\n    IF NOT FOUND THEN\n        RAISE EXCEPTION 'a certificate has its signature sent' USING ERRCODE = 'check_violation';\n    END IF;\n    RETURN NEW;\n", hash='bdc8308e57e0d39a22ede3790a561ce4ef79aee7', operation='INSERT OR UPDATE', pgid='pgtrigger_certification_finalised_legally_210bc', table='approvals_certification', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='request',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('image_name', 'version_name'), name='request_open_once'),
        ),
        migrations.AddConstraint(
            model_name='request',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('state', 'open')), models.Q(('closed_at__isnull', False), ('state', 'withdrawn')), models.Q(('closed_at__isnull', False), ('state', 'answered'), models.Q(('answer', ''), _negated=True)), _connector='OR'), name='request_state_told'),
        ),
        migrations.AddConstraint(
            model_name='request',
            constraint=models.CheckConstraint(condition=models.Q(('image_name__regex', '^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*$')), name='request_image_grammar'),
        ),
        migrations.AddConstraint(
            model_name='request',
            constraint=models.CheckConstraint(condition=models.Q(('version_name__regex', '^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$')), name='request_version_grammar'),
        ),
        migrations.AddConstraint(
            model_name='request',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='request_reason_given'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['open', 'certifying'])), fields=('subversion',), name='proposal_open_once'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('state__in', ['open', 'certifying'])), models.Q(('closed_at__isnull', False), ('state', 'certified')), models.Q(('closed_at__isnull', False), ('state__in', ['rejected', 'withdrawn', 'failed']), models.Q(('closed_reason', ''), _negated=True)), _connector='OR'), name='proposal_state_told'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['open', 'rejected', 'withdrawn']), ('current_packet__isnull', False), _connector='OR'), name='proposal_certifies_a_packet'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='proposal',
            trigger=pgtrigger.compiler.Trigger(name='proposal_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='8910aad2b1e00e45ca07dfdd4bf30b32a82fd260', operation='DELETE', pgid='pgtrigger_proposal_kept_29922', table='approvals_proposal', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='proposal',
            trigger=pgtrigger.compiler.Trigger(name='proposal_persons_fixed', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."author_identity" IS DISTINCT FROM (NEW."author_identity") OR OLD."proposed_by_id" IS DISTINCT FROM (NEW."proposed_by_id") OR OLD."proposer_identity" IS DISTINCT FROM (NEW."proposer_identity") OR OLD."source_author_id" IS DISTINCT FROM (NEW."source_author_id") OR OLD."subversion_id" IS DISTINCT FROM (NEW."subversion_id"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='44e79f2540c69dbf11728122134fc73a0b258741', operation='UPDATE', pgid='pgtrigger_proposal_persons_fixed_1885b', table='approvals_proposal', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='proposal',
            trigger=pgtrigger.compiler.Trigger(name='proposal_legal_steps', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (NEW.state <> OLD.state AND NOT (OLD.state = 'open' AND NEW.state IN ('certifying', 'rejected', 'withdrawn') OR OLD.state = 'certifying' AND NEW.state IN ('certified', 'failed')))", func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='3e07f0e7c92173853edfc104cbc38c996fa06afc', operation='UPDATE', pgid='pgtrigger_proposal_legal_steps_342a0', table='approvals_proposal', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='proposal',
            trigger=pgtrigger.compiler.Trigger(name='proposal_packet_frozen', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (OLD.state <> 'open' AND NEW.current_packet_id IS DISTINCT FROM OLD.current_packet_id)", func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='83f50b898fe382b70e3e5da10a1e9344a04cd1f3', operation='UPDATE', pgid='pgtrigger_proposal_packet_frozen_fcd37', table='approvals_proposal', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='requestjoin',
            constraint=models.UniqueConstraint(fields=('request', 'person'), name='request_joined_once'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.UniqueConstraint(fields=('packet', 'reviewer'), name='review_once_an_account'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.UniqueConstraint(fields=('packet', 'reviewer_identity'), name='review_once_an_identity'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(('reviewer_identity', ''), _negated=True), name='review_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(('outcome', 'approve'), models.Q(('outcome__in', ['request_changes', 'reject']), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='review_refuses_with_reason'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='review',
            trigger=pgtrigger.compiler.Trigger(name='review_never_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='93aac2d3f8f95bfd6d32c566e6938c18012c669e', operation='UPDATE OR DELETE', pgid='pgtrigger_review_never_changed_da692', table='approvals_review', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='review',
            trigger=pgtrigger.compiler.Trigger(name='review_is_legal', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE proposal approvals_proposal%ROWTYPE; packet approvals_packet%ROWTYPE;', func="\n    SELECT * INTO proposal FROM approvals_proposal WHERE id = NEW.proposal_id FOR NO KEY UPDATE;\n    SELECT * INTO packet FROM approvals_packet WHERE id = NEW.packet_id;\n    IF proposal.state <> 'open' THEN\n        RAISE EXCEPTION 'a closed proposal is not reviewed' USING ERRCODE = 'check_violation';\n    END IF;\n    IF packet.proposal_id <> NEW.proposal_id OR proposal.current_packet_id IS DISTINCT FROM NEW.packet_id\n       OR packet.sha256 <> NEW.packet_sha256 THEN\n        RAISE EXCEPTION 'a review judges the current packet' USING ERRCODE = 'check_violation';\n    END IF;\n    IF NEW.is_own <> (NEW.reviewer_id = proposal.proposed_by_id\n                      OR NEW.reviewer_id IS NOT DISTINCT FROM proposal.source_author_id\n                      OR NEW.reviewer_identity IN (proposal.proposer_identity, proposal.author_identity)) THEN\n        RAISE EXCEPTION 'nobody reviews an own proposal unsaid' USING ERRCODE = 'check_violation';\n    END IF;\n    RETURN NEW;\n", hash='b79e921441ff080d6bfe68f0549692cfeeef918a', operation='INSERT', pgid='pgtrigger_review_is_legal_e1655', table='approvals_review', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='certificationreview',
            trigger=pgtrigger.compiler.Trigger(name='consumption_never_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='156c1ccb54f565acf00b02d4a4eba8046655a121', operation='UPDATE OR DELETE', pgid='pgtrigger_consumption_never_changed_cc5f0', table='approvals_certificationreview', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='revocation',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='revocation_reason_given'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='revocation',
            trigger=pgtrigger.compiler.Trigger(name='revocation_never_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e7bcb53d3eb6bfd79fe5f01d485d58823333c685', operation='UPDATE OR DELETE', pgid='pgtrigger_revocation_never_changed_d0131', table='approvals_revocation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='revocation',
            trigger=pgtrigger.compiler.Trigger(name='revocation_ends', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    PERFORM 1 FROM catalog_subversion WHERE id = NEW.subversion_id FOR NO KEY UPDATE;\n    PERFORM 1 FROM approvals_certification\n      WHERE subversion_id = NEW.subversion_id AND failed_at IS NULL AND ended_at IS NULL;\n    IF FOUND THEN\n        RAISE EXCEPTION 'a revocation ends what it revokes first' USING ERRCODE = 'check_violation';\n    END IF;\n    RETURN NEW;\n", hash='a90ba9d79d2a2cb7247764e5fe14669ae3f89519', operation='INSERT', pgid='pgtrigger_revocation_ends_2dd47', table='approvals_revocation', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gte', models.F('starts_at')), ('ends_at__lte', django.db.models.expressions.CombinedExpression(models.F('starts_at'), '+', models.Value(datetime.timedelta(days=3))))), name='suspension_at_most_72_hours'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='suspension_reason_given'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('lifted_at', None), ('lifted_by', None)), models.Q(('ends_at__lte', models.F('lifted_at')), ('lifted_at__isnull', False), ('lifted_by__isnull', False), models.Q(('lift_reason', ''), _negated=True)), _connector='OR'), name='suspension_lift_told'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='suspension',
            trigger=pgtrigger.compiler.Trigger(name='suspension_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='31ac176402b0e4713f0d8cbed457de44defd34e1', operation='DELETE', pgid='pgtrigger_suspension_kept_f5954', table='approvals_suspension', when='BEFORE')),
        ),
    ]
