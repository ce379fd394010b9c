"""Ask a gateway for something by HTTP, and take the answer slowly, through small buffers.

    dribble.py PORT BYTES_PER_SECOND < REQUEST        ends when the gateway ends the connection
"""
import socket
import sys
import time

port, rate = int(sys.argv[1]), int(sys.argv[2])
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
client.connect(("127.0.0.1", port))
client.sendall(sys.stdin.buffer.read())
while client.recv(rate // 10):
    time.sleep(0.1)
