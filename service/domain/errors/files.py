"""What callers may not do with files."""

from service.domain.errors.roots import CallerError


class AttachmentTypeNotAllowedError(CallerError):
    """The deployment does not take such a file; `pointer` is the field that says so."""

    def __init__(self, *, pointer: str, detail: str) -> None:
        super().__init__(pointer, detail)
        self.pointer = pointer
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class AttachmentTooLargeError(CallerError):
    """The file is larger than the deployment takes; bytes."""

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"the file is {self.size} bytes; the limit is {self.limit}"


class TooManyAttachmentsError(CallerError):
    """Too many files of the session are neither sent nor deleted."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"this session has {self.limit} files that are not sent; send or delete some"


class AttachmentStateError(CallerError):
    """The file is not as far, or too far, for what is asked."""

    def __init__(self, *, attachment_id: str, status: str, wanted: str) -> None:
        super().__init__(attachment_id, status, wanted)
        self.attachment_id = attachment_id
        self.status = status
        self.wanted = wanted

    def __str__(self) -> str:
        return f"attachment {self.attachment_id} is {self.status}: {self.wanted}"


class AttachmentGoneError(CallerError):
    """Genesys does not have the file any more."""

    def __init__(self, *, attachment_id: str) -> None:
        super().__init__(attachment_id)
        self.attachment_id = attachment_id

    def __str__(self) -> str:
        return f"Genesys does not have the file of attachment {self.attachment_id} any more"
