"""Ping a gateway that speaks TLS without end, and take its pongs slowly, through small buffers.

    slow.py PORT SECONDS        prints how many bytes were sent and received
"""
import socket
import ssl
import sys
import time

port, seconds = int(sys.argv[1]), float(sys.argv[2])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
plain = socket.socket()
plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
plain.connect(("127.0.0.1", port))
client = context.wrap_socket(plain)
client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
assert b" 101 " in client.recv(1000)
client.setblocking(False)
pings = (bytes([0x89, 0x80 | 125]) + b"\0\0\0\0" + b"x" * 125) * 2000
sent = received = offset = 0
end = time.monotonic() + seconds
while time.monotonic() < end:
    try:
        for _ in range(50):
            n = client.send(pings[offset:offset + 16384])
            offset = (offset + n) % len(pings)
            sent += n
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        pass
    try:
        received += len(client.recv(4096))
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        pass
    time.sleep(0.0005)
print(sent, received)
