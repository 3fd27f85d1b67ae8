"""Exceptions of import tasks. Glance shows a user the text of an UploadException, and of nothing else."""

from glance.common import exception


class ImportFailed(exception.UploadException):
    """An import that failed; the text says why and what to do."""

    def __init__(self, text, content_refused=False):
        # A plain text, not a template: it may hold percent signs.
        super().__init__(text)
        # Whether the bytes themselves are at fault, so that importing them again cannot end otherwise.
        self.content_refused = content_refused
