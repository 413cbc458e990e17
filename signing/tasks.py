"""The jobs of a publication: copy, sign, send, withdraw. Only ``signing.sign`` runs where the key is.

They carry out what reviewers decided; whoever wants to stop them withdraws the proposal, or revokes.
"""

from django.conf import settings

from jobs.handlers import Run, handler
from registry.errors import RegistryUnavailable
from signing import services
from signing.adapters.key_file import FileSigner
from signing.errors import SignerUnavailable

# A signer whose key is away holds up certification, and nothing else: it waits, up to weeks.
WAITS = 10_000


@handler("signing.copy", retry_on=(RegistryUnavailable,), limit_seconds=3600, is_cancellable=False)
def copy(run: Run) -> None:
    """Copy the digest into the target repository."""
    services.copy_publication(publication_id=run.subject_id, progress=run.progress, now=run.now())


@handler(
    "signing.sign",
    retry_on=(SignerUnavailable,),
    limit_seconds=120,
    queue="signing",
    max_attempts=WAITS,
    is_cancellable=False,
)
def sign(run: Run) -> None:
    """Make and store signature and attestation."""
    signer = FileSigner.load(
        settings.GOLDGATE_SIGNING_KEY_FILE, passphrase_path=settings.GOLDGATE_SIGNING_PASSPHRASE_FILE
    )
    services.sign_publication(publication_id=run.subject_id, signer=signer, now=run.now())


@handler("signing.send", retry_on=(RegistryUnavailable,), limit_seconds=600, is_cancellable=False)
def send(run: Run) -> None:
    """Push what is stored."""
    services.send_publication(publication_id=run.subject_id, progress=run.progress, now=run.now())


@handler("signing.withdraw", retry_on=(RegistryUnavailable,), limit_seconds=600, queue="default", is_cancellable=False)
def withdraw(run: Run) -> None:
    """Take back what can be taken back."""
    services.finish_withdrawal(publication_id=run.subject_id, now=run.now())
