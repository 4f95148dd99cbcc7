"""What ssh starts when it has a question: hand it to the screen, print the answer.

The law of this file: it stands alone and imports nothing of ours; it is run as ``askpass.py SOCKET
QUESTION`` by the ssh of ``asking.py``. The answer goes from the socket to ssh's pipe and nowhere else.
"""

import os
import socket
import sys

ANSWERED = b"+"


def main() -> int:
    """0 with an answer on standard output, 1 where nobody answers."""
    address, question = sys.argv[1], " ".join(sys.argv[2:])
    kind = os.environ.get("SSH_ASKPASS_PROMPT", "")  # "confirm", "none", or "" for a line of text
    answer = b""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(address)
        line.sendall(f"{kind}\0{question}".encode("utf-8", "surrogateescape"))
        line.shutdown(socket.SHUT_WR)
        while data := line.recv(4096):
            answer += data
    if not answer.startswith(ANSWERED):
        return 1
    sys.stdout.buffer.write(answer[len(ANSWERED) :] + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
