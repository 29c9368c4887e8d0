"""Messages a second through the tap beside the same broker directly, with small messages: publishing, and consuming."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from app.broker.installation import BrokerError
from app.broker.lease import KeeperProcess, KeptLease
from app.broker.observer import BrokerObserver
from app.core.timeline import Timeline

MESSAGES = 20_000
_CLIENT = """
import sys, time, pika
host, port, user, password, vhost, queue, count = sys.argv[1:]
parameters = pika.ConnectionParameters(host, int(port), vhost, pika.PlainCredentials(user, password))
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.queue_declare(queue)
begin = time.perf_counter()
for _ in range(int(count)):
    channel.basic_publish("", queue, b"twelve bytes")
channel.queue_declare(queue, passive=True)
published = time.perf_counter()
left = int(count)
def got(ch, method, properties, body):
    global left
    ch.basic_ack(method.delivery_tag)
    left -= 1
    if not left:
        ch.stop_consuming()
channel.basic_qos(prefetch_count=100)
channel.basic_consume(queue, got)
channel.start_consuming()
print(int(count) / (published - begin), int(count) / (time.perf_counter() - published))
connection.close()
"""


class _Session(threading.Thread):
    """What a run's session does with a broker, turn by turn: decode, write, encode, into a file nobody keeps."""

    def __init__(self, observer: BrokerObserver) -> None:
        super().__init__(daemon=True)
        self._observer, self._going = observer, True
        self.timeline = Timeline()

    def run(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
        with tempfile.TemporaryFile() as out:
            while self._going:
                self._observer.drain(self.timeline.entries)
                out.write(self.timeline.take(time.monotonic_ns() - 2_000_000))
                time.sleep(0.004)

    def stop(self) -> None:
        self._going = False
        self.join()


def _rates(script: Path, words: list[str]) -> tuple[float, float]:
    shown = subprocess.run([sys.executable, str(script), *words], capture_output=True, check=True, text=True).stdout.split()
    return float(shown[0]), float(shown[1])


def measure(pairs: int) -> None:
    """Prints the ratio of both rates, through the tap ÷ direct, medians of alternating pairs."""
    keeper = KeeperProcess()
    try:
        lease = KeptLease(keeper.socket_path(), whole=False)
    except BrokerError as error:
        print(f"\nbroker: not measured here: {error}")
        return
    access = lease.access
    listener = socket.create_server(("127.0.0.1", 0))
    session = _Session(BrokerObserver(lease, [listener]))
    session.start()
    direct = [access.host, str(access.port), access.user, access.password, access.vhost]
    tapped = ["127.0.0.1", str(listener.getsockname()[1]), "guest", "guest", "/"]
    ratios: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "client.py"
        script.write_text(_CLIENT)
        for number in range(pairs):
            bare = _rates(script, [*direct, f"direct-{number}", str(MESSAGES)])
            through = _rates(script, [*tapped, f"tapped-{number}", str(MESSAGES)])
            ratios.append((through[0] / bare[0], through[1] / bare[1]))
            print(f"  published {bare[0]:,.0f} → {through[0]:,.0f} a second, consumed {bare[1]:,.0f} → {through[1]:,.0f}")
    session.stop()
    session._observer.close()
    keeper.close()
    published, consumed = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(f"\nbroker: through the tap, decoded and drawn, ÷ direct: publishing {published:.2f}, consuming {consumed:.2f}")
