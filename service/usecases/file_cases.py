"""What can be done with the files of a session, in one value. Decides nothing."""

from dataclasses import dataclass

from service.usecases.delete_file import DeleteFile
from service.usecases.download_file import DownloadFile
from service.usecases.stream_file import StreamFile
from service.usecases.upload_file import ReadFiles, UploadFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCases:
    """The use cases of files."""

    upload: UploadFile
    read: ReadFiles
    delete: DeleteFile
    download: DownloadFile
    stream: StreamFile
