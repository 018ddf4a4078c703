"""The use cases of files."""

from service.ports import Ports
from service.usecases.attend import Attend
from service.usecases.delete_file import DeleteFile
from service.usecases.download_file import DownloadFile
from service.usecases.file_cases import FileCases
from service.usecases.stream_file import StreamFile
from service.usecases.upload_file import ReadFiles, UploadFile


def file_cases(ports: Ports, attend: Attend) -> FileCases:
    """Over those ports."""
    return FileCases(
        upload=UploadFile(
            sessions=ports.sessions,
            attachments=ports.attachments,
            tenants=ports.tenants,
            bell=ports.bell,
            clock=ports.clock,
            ids=ports.ids,
            attend=attend,
        ),
        read=ReadFiles(sessions=ports.sessions, attachments=ports.attachments),
        delete=DeleteFile(
            sessions=ports.sessions,
            attachments=ports.attachments,
            bell=ports.bell,
            clock=ports.clock,
            attend=attend,
        ),
        stream=StreamFile(
            sessions=ports.sessions,
            attachments=ports.attachments,
            tenants=ports.tenants,
            guest_files=ports.guest_files,
            clock=ports.clock,
            attend=attend,
        ),
        download=DownloadFile(
            sessions=ports.sessions,
            attachments=ports.attachments,
            tenants=ports.tenants,
            bell=ports.bell,
            clock=ports.clock,
            attend=attend,
        ),
    )
