"""What became of every data segment of a transfer, from the recordings of both ends.

Labels, per frame of a capture that takes sequence numbers: data, SYN, FIN (frame numbers start at 1); those that are
not listed are first transmissions that arrived in order:
    retransmission        the sender had sent these bytes before; with "late" before it, the frame came below the highest
                          byte seen so far (a lost tail is sent again at the head, and only timing betrays it)
    reordered             a first transmission that was overtaken on the way
    duplicate             a second copy of one and the same transmission, made by the wire
The sender's own transmission order is read off its own capture, and a frame at the other end is matched to its
transmission by its IP ID and its timestamp option. Offloads must be off, so that a captured frame is a sent one.
"""
import json, struct
from collections import defaultdict


def frames(path):
    """(number, source port, destination port, seq, sequence numbers taken, mark) per TCP frame of a little-endian microsecond
    Ethernet pcap. The mark tells one transmission of the same bytes from another; None where nothing does."""
    data = open(path, "rb").read()
    assert data[:4] == b"\xd4\xc3\xb2\xa1", "a little-endian microsecond pcap is expected"
    at, number = 24, 0
    while at + 16 <= len(data):
        captured = struct.unpack_from("<I", data, at + 8)[0]
        f = data[at + 16:at + 16 + captured]
        at, number = at + 16 + captured, number + 1
        if f[12:14] == b"\x08\x00" and f[23] == 6:
            tcp, ip_id = 14 + 4 * (f[14] & 15), struct.unpack_from(">H", f, 18)[0]
            end = 14 + struct.unpack_from(">H", f, 16)[0]
        elif f[12:14] == b"\x86\xdd" and f[20] == 6:
            tcp, ip_id = 54, 0
            end = 54 + struct.unpack_from(">H", f, 18)[0]
        else:
            continue
        source, destination, seq = struct.unpack_from(">HHI", f, tcp)
        header, flags = 4 * (f[tcp + 12] >> 4), f[tcp + 13]
        mark = (ip_id, tsval(f[tcp + 20:tcp + header]))
        taken = end - tcp - header + (flags & 1) + (flags >> 1 & 1)
        yield number, source, destination, seq, taken, None if mark == (0, None) else mark


def tsval(options):
    at = 0
    while at < len(options) and options[at]:
        if options[at] == 8:
            return struct.unpack_from(">I", options, at + 2)[0]
        at += 1 if options[at] == 1 else max(2, options[at + 1])
    return None


class Progress:
    """How far the bytes of each flow have come, with sequence numbers that may wrap."""

    def __init__(self):
        self.base, self.highest = {}, {}

    def is_late(self, flow, seq, length):
        start = (seq - self.base.setdefault(flow, seq) + (1 << 31)) % (1 << 32) - (1 << 31)
        late = start < self.highest.get(flow, start)
        self.highest[flow] = max(self.highest.get(flow, start), start + length)
        return late


def label(near, far):
    """Labels of the data that flows from the end recorded in near to the end recorded in far, for both captures."""
    near_labels, far_labels, progress = {}, {}, Progress()
    by_mark, by_order = defaultdict(list), defaultdict(list)
    for number, source, destination, seq, length, mark in near:
        if length > 0:
            again = progress.is_late((source, destination), seq, length)
            if again:
                near_labels[number] = "late retransmission"
            key = (source, destination, seq, length)
            by_order[key].append(again)
            by_mark[key + (mark,)].append(again)
    progress, arrived, copies = Progress(), defaultdict(int), defaultdict(int)
    for number, source, destination, seq, length, mark in far:
        if length <= 0:
            continue
        late = progress.is_late((source, destination), seq, length)
        key = (source, destination, seq, length)
        nth = 0
        if mark is not None and by_mark[key + (mark,)]:
            again, nth = by_mark[key + (mark,)][0], copies[key + (mark,)]
            copies[key + (mark,)] += 1
        else:
            sends = by_order[key]
            again = sends[min(arrived[key], len(sends) - 1)] if sends else False
        arrived[key] += 1
        if nth:
            far_labels[number] = "duplicate"
        elif again:
            far_labels[number] = "late retransmission" if late else "retransmission"
        elif late:
            far_labels[number] = "reordered"
    return near_labels, far_labels


def of(stem, port, wire):
    """The labels of both captures, and whether the captures and the wire's log account for every frame."""
    flows = {(to_server, end): [f for f in frames(f"{stem}.{end}.pcap") if (f[2] == port) == to_server]
             for to_server in (True, False) for end in ("client", "server")}
    count = lambda end, did: sum(1 for w in wire if w["from"] == end and "seq" in w and w["did"].startswith(did))
    labels, complete = {"client": {}, "server": {}}, True
    for to_server, near, far in ((True, "client", "server"), (False, "server", "client")):
        expected = len(flows[to_server, near]) - count(near, "dropped") + count(near, "duplicated")
        complete &= expected == len(flows[to_server, far])
        for end, found in zip((near, far), label(flows[to_server, near], flows[to_server, far])):
            labels[end].update({str(number): what for number, what in found.items()})
    return labels, complete


def write(path, **story):
    """The truth as JSON, one frame that the wire did something to on a line."""
    wire = ",\n".join("  " + json.dumps(w) for w in story.pop("wire"))
    head = json.dumps(story, indent=1)[:-2]
    with open(path, "w") as f:
        f.write(f'{head},\n "wire": [\n{wire}\n ]\n}}\n')
