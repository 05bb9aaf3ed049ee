"""Just enough of the protocol buffer wire format to read messages whose field numbers are known.

Source of the format: https://protobuf.dev/programming-guides/encoding/. No schema is needed, and none is checked:
the caller knows which numbers hold text, messages or numbers.
"""

import struct
from collections.abc import Iterator

from retort.errors import DataError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Message:
    """The fields of one message, by number; nested messages are read when asked for.

    Raises:
        DataError: The bytes are not a message.
    """

    def __init__(self, data: bytes) -> None:
        self._fields: dict[int, list[bytes | int]] = {}
        for number, value in _fields(data):
            self._fields.setdefault(number, []).append(value)

    def messages(self, number: int) -> list["Message"]:
        """Return every message held by a field."""
        return [Message(value) for value in self._fields.get(number, []) if isinstance(value, bytes)]

    def message(self, *path: int) -> "Message":
        """Descend along field numbers into the last message of each; an absent one is empty."""
        here = self
        for number in path:
            found = here.messages(number)
            here = found[-1] if found else Message(b"")
        return here

    def text(self, number: int) -> str:
        """Return the last text of a field, empty where it is absent."""
        values = [value for value in self._fields.get(number, []) if isinstance(value, bytes)]
        return values[-1].decode("utf-8") if values else ""

    def integer(self, number: int) -> int:
        """Return the last integer or enumeration value of a field, 0 where it is absent."""
        values = [value for value in self._fields.get(number, []) if isinstance(value, int)]
        return values[-1] if values else 0

    def float32(self, number: int) -> float | None:
        """Return the last 32-bit float of a field, None where it is absent."""
        values = [value for value in self._fields.get(number, []) if isinstance(value, bytes) and len(value) == 4]
        return float(struct.unpack("<f", values[-1])[0]) if values else None


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise DataError(f"not a protocol buffer: wire type {kind} at byte {at}.")
        if at + size > len(data):
            raise DataError(f"a protocol buffer ends {at + size - len(data)} bytes too early.", "Fetch it again.")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise DataError("a protocol buffer ends inside a number.", "Fetch it again.")
