"""What the kernel tells the live board, as bytes: one snapshot, then changes that can be undone.

All numbers are little-endian. A message is a small JSON part and buffers:

``{"k": "snap", "seq", "t", "reasons"}``   buffers: nodes, pods, strings
``{"k": "d", "seq", "t", "reasons", "ev", "missed"}``   buffers: records, marks, nodes, pods, strings

* node, 16 bytes: u16 slot, u8 state, u8 flags, u32 CPU (thousandths), u32 memory (MiB), u16 Pods at most, u16 0
* pod, 16 bytes: u32 slot, u16 node, u8 state, u8 reason, u32 CPU, u32 memory
* record, 12 bytes: u32 pod slot, u16 node, u8 state, u8 reason, u8 old state, u8 old reason, u16 old node; with the
  highest bit of the slot set it is about a node: the state and old state are the node's, the reasons are its flags
* mark, 16 bytes: f64 lab time (microseconds), u32 records up to here, u32 0: the instants a message is made of
* strings: UTF-8 lines, one for each node (``name\\troles\\ttaints``), then for each pod (``namespace\\tname\\tapp``)

``reasons`` are the words that were not sent before, in the order of their codes; code 0 is no reason. Pods in a change
are those that were not there before; their state follows in the records.
"""

from __future__ import annotations

from struct import Struct

SCHEMA = 1

NODE = Struct("<HBBIIHH")
POD = Struct("<IHBBII")
RECORD = Struct("<IHBBBBH")
MARK = Struct("<dII")

#: The node of a Pod that has none.
NO_NODE = 0xFFFF
#: Set in a record's slot: the record is about a node.
NODE_RECORD = 0x8000_0000
#: The state of a node that is not there (any more).
NODE_GONE = 255

CORDONED, CONTROL_PLANE, POWERED_OFF = 1, 2, 4

MAX_EVENTS = 200
MAX_NODES = NO_NODE - 1
MAX_REASONS = 255
